"""What a network is: graph, arcs, matrices, spectrum."""

from topologies.errors import TopologyError
from topologies.extended import Extended, extended
from topologies.families import families, fixed_size, make, register
from topologies.files import read, write
from topologies.spectrum import Spectrum
from topologies.topology import Topology

__all__ = [
    "Extended",
    "Spectrum",
    "Topology",
    "TopologyError",
    "extended",
    "families",
    "fixed_size",
    "make",
    "read",
    "register",
    "write",
]
