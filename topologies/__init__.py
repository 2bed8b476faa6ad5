"""What a network is: graph, arcs, matrices, spectrum."""

from topologies.errors import TopologyError
from topologies.spectrum import Spectrum
from topologies.topology import Topology

__all__ = ["Spectrum", "Topology", "TopologyError"]
