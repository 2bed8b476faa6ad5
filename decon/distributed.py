"""Agents on MPI: each rank advances its share of the network and exchanges messages with its neighbours' ranks."""

from decon.datasets.shards import Shards, save_shards
from decon.network.mpi.gathered import Share

__all__ = ["Shards", "Share", "save_shards"]
