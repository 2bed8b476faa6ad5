"""Falsifications of messages: frozen options, called as ``attack(view, rng)``."""

from decon.attacks.base import Attack, View
from decon.attacks.composed import Decaying, Scaled, Scheduled
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
from decon.attacks.omniscient import ALIE, Colluding, InnerProduct
from decon.attacks.targeted import Dissensus, Stealth
from decon.attacks.worst_case import WorstCase

__all__ = [
    "ALIE",
    "Attack",
    "Colluding",
    "Constant",
    "Decaying",
    "Dissensus",
    "Equivocate",
    "Gaussian",
    "InnerProduct",
    "NoAttack",
    "NonFinite",
    "Outlier",
    "SameValue",
    "Scaled",
    "Scheduled",
    "SignFlip",
    "Stealth",
    "View",
    "WorstCase",
    "Zero",
]
