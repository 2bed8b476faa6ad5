"""Who computes what: the methods, their local steps and parameters."""

from decon.methods.admm import Admm
from decon.methods.protocol import Algorithm, Proposal

__all__ = ["Admm", "Algorithm", "Proposal"]
