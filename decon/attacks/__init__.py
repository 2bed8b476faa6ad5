"""Falsifications of messages: frozen options, called as ``attack(view, rng)``."""

from decon.attacks.base import Attack, View
from decon.attacks.composed import Decaying, Scheduled
from decon.attacks.falsifications import (
    Constant,
    Equivocate,
    Gaussian,
    NoAttack,
    NonFinite,
    Outlier,
    SameValue,
    SignFlip,
    Zero,
)

__all__ = [
    "Attack",
    "Constant",
    "Decaying",
    "Equivocate",
    "Gaussian",
    "NoAttack",
    "NonFinite",
    "Outlier",
    "SameValue",
    "Scheduled",
    "SignFlip",
    "View",
    "Zero",
]
