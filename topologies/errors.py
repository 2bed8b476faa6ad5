"""Errors of the topologies package."""

__all__ = ["TopologyError"]


class TopologyError(ValueError):
    """A graph, or the parameters of a graph family, cannot be used; the message names the value."""
