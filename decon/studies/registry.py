"""What a study file can name: attacks, screening rules and local steps, by class name."""

from __future__ import annotations

import dataclasses

import decon
from decon import attacks
from decon.methods.local_steps import Exact, SquareRoot

__all__ = ["ATTACKS", "LOCAL_STEPS", "SCREENINGS"]

ATTACKS: dict[str, type] = {
    name: value
    for name in attacks.__all__
    if isinstance(value := getattr(attacks, name), type)
    and issubclass(value, attacks.Attack)
    and dataclasses.is_dataclass(value)
}

_RULES = [value for name in dir(decon) if isinstance(value := getattr(decon, name), type)]
SCREENINGS: dict[str, type] = {rule.__name__: rule for rule in _RULES if hasattr(rule, "judge")}
LOCAL_STEPS: dict[str, type] = {
    Exact.__name__: Exact,
    SquareRoot.__name__: SquareRoot,  # the sigma of a Stochastic
    **{rule.__name__: rule for rule in _RULES if hasattr(rule, "keeps_falsified")},
}
