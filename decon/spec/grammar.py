"""Networks, attacks, screening rules and local steps made from words: "erdos_renyi:p=0.4"."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import topologies
from decon import attacks
from decon.attacks import Attack, Decaying, Scheduled
from decon.errors import OptionError
from decon.methods.local_steps import Exact, LocalStep, SquareRoot, Stochastic
from decon.screens.protocol import Screening
from topologies import Topology

__all__ = [
    "as_number",
    "attack_names",
    "make_attack",
    "make_local_step",
    "make_screening",
    "make_topology",
    "nearest",
    "parse",
]


def as_number(text: str | float) -> float | str:
    """Return ``text`` as a float if it reads as one."""
    try:
        return float(text)
    except ValueError:
        return str(text)


def nearest(name: str, known: Any) -> str:
    """Return words that suggest the nearest known name, or list them all."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """Split "name:key=value,key=(1, 2)" into a name and its parameters.

    Raises
    ------
    OptionError
        If a part is not key=value.

    Examples
    --------
    >>> parse("erdos_renyi:n=20,p=0.4")
    ('erdos_renyi', {'n': 20, 'p': 0.4})
    >>> parse("circulant:offsets=(1, 4)")
    ('circulant', {'offsets': (1, 4)})
    """
    name, _, rest = text.partition(":")
    values: dict[str, Any] = {}
    for part in re.split(r",(?![^(\[]*[)\]])", rest) if rest else ():
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise OptionError(f"{text!r}: {part!r} is not key=value")
        try:
            values[key.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            number = as_number(value.strip())  # inf and nan are no Python literals
            values[key.strip()] = number
    return name.strip(), values


def make_topology(text: str, n: int, seed: int) -> Topology:
    """Make a family, or read the file, that ``text`` names."""
    if Path(text).suffix and text.partition(":")[0] not in topologies.families():  # C:\nets\g.gml
        return topologies.read(text)
    name, params = parse(text)
    size = params.pop("n", None)
    if size is None and topologies.fixed_size(name) is None:
        size = n
    return topologies.make(name, size, seed=params.pop("seed", seed), **params)


def _attacks() -> dict[str, type[Attack]]:
    """Return the elementary attacks by their names in words."""
    found: dict[str, type[Attack]] = {}
    for name in attacks.__all__:
        kind: Any = getattr(attacks, name)
        if not (issubclass(kind, Attack) and dataclasses.is_dataclass(kind)):
            continue
        if all(field.default is not dataclasses.MISSING for field in fields(kind)):  # else words cannot say it
            found["none" if name == "NoAttack" else _words(name)] = cast("type[Attack]", kind)
    return found


def attack_names() -> dict[str, str]:
    """Return the attacks' names, what each does, and its parameters with their defaults."""
    lines = {}
    for name, kind in _attacks().items():
        takes = ", ".join(f"{field.name}={field.default}" for field in fields(cast("Any", kind)))
        lines[name] = (kind.__doc__ or "").splitlines()[0] + (f" Parameters: {takes}" if takes else "")
    return lines


def make_attack(text: str) -> Attack:
    """Make the attack that ``text`` names.

    Raises
    ------
    OptionError
        For an unknown attack or parameter.

    Examples
    --------
    >>> make_attack("sign_flip:scale=-8,start=100")
    Scheduled(attack=SignFlip(scale=-8), start=100, stop=None, every=1)
    """
    name, params = parse(text)
    when = {key: params.pop(key) for key in ("start", "stop", "every") if key in params}
    decay = params.pop("decay", None)
    attack: Attack = _make("attack", name, params, _attacks(), ("start", "stop", "every", "decay"))
    if decay is not None:
        attack = Decaying(attack, decay)
    return Scheduled(attack, **when) if when else attack


def make_local_step(text: str, smoothness: Callable[[], float]) -> LocalStep:
    """Make the local step that ``text`` names: "exact", or "stochastic" with sigma= or scale= (of σ√k) and batch_size=.

    Unless given, σ^k = ℓ√k with the costs' smoothness ℓ, which is then asked for, and 32 samples a minibatch;
    batch_size=None is full gradients.

    Raises
    ------
    OptionError
        For an unknown step or parameter.

    Examples
    --------
    >>> make_local_step("stochastic", lambda: 0.5)
    Stochastic(sigma=SquareRoot(scale=0.5), batch_size=32)
    """
    name, params = parse(text)
    if name not in ("exact", "stochastic"):
        raise OptionError(f"unknown local step {name!r}{nearest(name, ('exact', 'stochastic'))}")
    allowed = ("sigma", "scale", "batch_size") if name == "stochastic" else ()
    for key in params:
        if key not in allowed:
            known = nearest(key, allowed) if allowed else "; it takes none"
            raise OptionError(f"the local step {name!r} has no parameter {key!r}{known}")
    if name == "exact":
        return Exact()
    if "sigma" in params and "scale" in params:
        raise OptionError(f"{text!r} gives both sigma and scale")
    size = params.get("batch_size", 32)
    if "sigma" in params:
        return Stochastic(params["sigma"], None if size == "None" else size)
    scale = params["scale"] if "scale" in params else smoothness()
    return Stochastic(SquareRoot(scale), None if size == "None" else size)


def make_screening(text: str | None) -> Screening | None:
    """Make the screening rule that ``text`` names; None and "none" screen nothing.

    Raises
    ------
    OptionError
        For an unknown rule or parameter.

    Examples
    --------
    >>> make_screening("profiling:warmup=5,threshold=0.5")
    Profiling(warmup=5, threshold=0.5)
    """
    if text in (None, "none"):
        return None
    from decon.studies.registry import SCREENINGS

    name, params = parse(str(text))
    rule: Screening = _make("screening", name, params, {_words(key): kind for key, kind in SCREENINGS.items()})
    return rule


def _words(name: str) -> str:
    """Return a class name as words: SignFlip is sign_flip."""
    return re.sub(r"(?<!^)(?=[A-Z][a-z])", "_", name).lower()


def _make(what: str, name: str, params: dict[str, Any], known: Mapping[str, Any], more: tuple[str, ...] = ()) -> Any:
    """Make one of ``known`` frozen dataclasses; ``more`` are parameters that the caller took already."""
    if name not in known:
        raise OptionError(f"unknown {what} {name!r}{nearest(name, known)}")
    allowed = {field.name: field for field in fields(known[name]) if field.init}
    for key, value in params.items():
        if key not in allowed:
            raise OptionError(f"{what} {name!r} has no parameter {key!r}{nearest(key, [*allowed, *more])}")
        kind = str(allowed[key].type)
        if isinstance(value, str) and not allowed[key].metadata and "str" not in kind and "Literal" not in kind:
            raise OptionError(f"{what} {name!r}: {key} must be {kind}, not {value!r}")
    return known[name](**params)
