"""What a run is given besides its problem: checked before any work, and refused by name."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decon.arrays import real_array
from decon.attacks import Attack, NoAttack
from decon.attacks.liars import Liars, choose
from decon.costs.base import Array, Costs
from decon.errors import OptionError
from decon.options import whole
from decon.runs.stopping import Residuals
from decon.streams import stream
from topologies import Topology

__all__ = ["check_falsification", "check_numbers", "check_parts", "dtype_of", "initial"]


def _is_real(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def dtype_of(precision: str) -> type[np.floating[Any]]:
    """Return the type of updates, messages and duals."""
    if precision not in ("double", "single"):
        raise OptionError(f'precision must be "double" or "single", not {precision!r}')
    return np.float32 if precision == "single" else np.float64


def check_numbers(
    topo: Topology,
    costs: Costs,
    byzantine: Liars,
    dual_bound: float,
    iterations: int,
    tol: float | Residuals | None,
    record_every: int,
    seed: int,
) -> NDArray[np.int64]:
    """Refuse what cannot run; return the falsifying agents in ascending order."""
    if costs.n != topo.n:
        raise OptionError(f"{topo.n} agents need {topo.n} costs, not {costs.n}")
    if not (_is_real(dual_bound) and dual_bound > 0):
        raise OptionError(f"the dual bound must be positive, not {dual_bound!r}")
    for name, value, least in (("iterations", iterations, 0), ("record_every", record_every, 1), ("seed", seed, 0)):
        if not whole(least).accepts(value):
            raise OptionError(f"{name} must be an integer of at least {least}, not {value!r}")
    if tol is not None and not isinstance(tol, Residuals) and not (_is_real(tol) and tol > 0):
        raise OptionError(f"tol must be positive, not {tol!r}")
    return choose(topo, byzantine, seed)


def check_parts(attack: object, screening: object, local_step: object, method: object = None) -> None:
    """Refuse a name or a class where an instance belongs, such as ``screening="profiling"``."""
    for name, given, fits, example in (
        ("attack", attack, callable(attack) and hasattr(attack, "per_arc"), "decon.attacks.Gaussian()"),
        ("screening", screening, hasattr(screening, "judge"), "decon.Profiling()"),
        ("local_step", local_step, callable(local_step) and hasattr(local_step, "keeps_falsified"), "decon.Exact()"),
        ("method", method, all(hasattr(method, step) for step in ("begin", "propose", "absorb")), "decon.Admm()"),
    ):
        if given is not None and (isinstance(given, type) or not fits):
            raise OptionError(f"{name} must be an object such as {example}, not {given!r}")


def check_falsification(who: NDArray[np.int64], attack: Attack | None) -> Attack:
    """Refuse liars without a lie and a lie without liars; return what is sent."""
    if attack is None and who.size:
        raise OptionError(
            f"{who.size} agents are Byzantine, but attack is not given; decon.attacks.NoAttack() lets them be honest"
        )
    if not (attack is None or isinstance(attack, NoAttack) or who.size):
        raise OptionError(f"the attack {attack!r} is given, but nobody to make it; say who is byzantine")
    return attack or NoAttack()


def initial(name: str, given: ArrayLike | Literal["normal"] | None, costs: Costs, seed: int) -> Array:
    """Return x⁰ or α⁰, checked."""
    shape = (costs.n, costs.dim)
    if given is None:
        return np.zeros(shape)
    if isinstance(given, str):
        if given != "normal":
            raise OptionError(f'{name} must be an array or "normal", not {given!r}')
        drawn = stream(seed, name).normal(size=shape)
        return drawn - drawn.mean(axis=0) if name == "alpha0" else drawn
    array = np.array(real_array(name, given, error=OptionError))
    if array.shape != shape or not np.isfinite(array).all():
        found = "one with NaN or infinity" if array.shape == shape else f"{array.shape}"
        raise OptionError(f"{name} must be a finite array of shape {shape}, not {found}")
    if name == "alpha0" and np.abs(array.sum(axis=0)).max() > 1e-9 * max(1.0, np.abs(array).max()) * costs.n:
        raise OptionError("alpha0 must sum to zero over the agents, or the run ends at another point")
    return array
