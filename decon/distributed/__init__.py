"""Agents on MPI: each rank advances its share of the network and exchanges messages with its neighbours' ranks."""

from decon.distributed.gathered import Share
from decon.distributed.shards import Shards, save_shards

__all__ = ["Shards", "Share", "save_shards"]
