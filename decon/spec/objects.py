"""Attacks, screens, methods and local steps from words or tables: "gaussian:std=2" is {kind = "Gaussian", std = 2}."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from decon.attacks import Attack
from decon.errors import OptionError
from decon.methods.local_steps import LocalStep
from decon.screens.protocol import Screening
from decon.spec.grammar import nearest, parse
from decon.spec.registry import registry, resolve, words

__all__ = ["attack_names", "build", "make", "make_attack", "make_local_step", "make_screening", "normal"]

_WHEN = ("start", "stop", "every")
_SMOOTHNESS = "smoothness"
"""In a table the scale of a :class:`SquareRoot` that is to be the costs' ℓ."""
_PARTS = {"Attack": "attack", "LocalStep": "local step"}
"""Fields by annotation whose values are objects too."""


def normal(what: str, entry: Any) -> dict[str, Any]:
    """Return words, or a table with a ``kind``, as a full table of options: the form that is hashed and built.

    Every option is written out, defaults too, so that a default that changes with a release changes the hash.

    Raises
    ------
    OptionError
        For an unknown kind or option, named with the nearest there is.

    Examples
    --------
    >>> normal("attack", "gaussian:std=2") == normal("attack", {"kind": "Gaussian", "std": 2})
    True
    >>> normal("attack", "zero:start=50")
    {'kind': 'Scheduled', 'attack': {'kind': 'Zero'}, 'start': 50, 'stop': None, 'every': 1}
    """
    if isinstance(entry, str):
        name, table = parse(entry)
    elif isinstance(entry, Mapping) and "kind" in entry:
        name, table = entry["kind"], {key: value for key, value in entry.items() if key != "kind"}
    else:
        raise OptionError(f"{what}: a name or a table with a kind is needed, not {entry!r}")
    kind = resolve(what, name)
    fields = {field.name: field for field in dataclasses.fields(registry(what)[kind]) if field.init}  # type: ignore[arg-type]
    if kind == "Stochastic":
        _default_sigma(entry, table)
    around = _around(table, fields) if what == "attack" else {}
    for key in table:
        if key not in fields:
            more = (*_WHEN, "decay") if what == "attack" else ()
            raise OptionError(f"the {what} {name!r} has no parameter {key!r}{nearest(key, [*fields, *more])}")
    full: dict[str, Any] = {"kind": kind}
    for key, field in fields.items():
        full[key] = _value(what, name, field, table)
    for outer, options in around.items():
        full = {**normal(what, {"kind": outer, "attack": full, **options})}
    return full


def _value(what: str, name: Any, field: dataclasses.Field[Any], table: Mapping[str, Any]) -> Any:
    """Return one option: as given, or its default."""
    if field.name in table:
        value, part = table[field.name], _PARTS.get(str(field.type))
        if part is not None and isinstance(value, (str, Mapping)):
            return normal(part, value)
        if isinstance(value, Mapping) and "kind" in value:
            return normal(what, value)
        if name == "SquareRoot" and value == _SMOOTHNESS:
            return value
        kind = str(field.type)
        if isinstance(value, str) and not field.metadata and "str" not in kind and "Literal" not in kind:
            raise OptionError(f"the {what} {name!r}: {field.name} must be {kind}, not {value!r}")
        return float(value) if isinstance(field.default, float) and type(value) is int else value
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        raise OptionError(f"the {what} {name!r} needs {field.name}")
    if dataclasses.is_dataclass(value) and str(field.type) in _PARTS:
        return normal(_PARTS[str(field.type)], type(value).__name__)
    return value


def _around(table: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Take when an attack is made, and its decay, out of its options: they wrap it."""
    when = {key: table.pop(key) for key in _WHEN if key in table and key not in fields}
    decay = {"ratio": table.pop("decay")} if "decay" in table and "decay" not in fields else {}
    return {name: options for name, options in (("Decaying", decay), ("Scheduled", when)) if options}


def _default_sigma(entry: Any, table: dict[str, Any]) -> None:
    """Let ``scale`` be that of σ√k, the costs' smoothness unless given; 32 samples a minibatch."""
    if "sigma" in table and "scale" in table:
        raise OptionError(f"{entry!r} gives both sigma and scale")
    if "sigma" not in table:
        table["sigma"] = {"kind": "SquareRoot", "scale": table.pop("scale", _SMOOTHNESS)}
    table.setdefault("batch_size", 32)
    if table["batch_size"] == "None":  # TOML has no null
        table["batch_size"] = None


def build(what: str, table: Mapping[str, Any], smoothness: Callable[[], float] | None = None) -> Any:
    """Return the object that a table made by :func:`normal` stands for.

    Parameters
    ----------
    what : str
        "attack", "screening", "method" or "local step".
    table : mapping
    smoothness : callable, optional
        Gives the costs' ℓ, should the table leave a step size to it.

    Examples
    --------
    >>> build("attack", normal("attack", {"kind": "Gaussian", "std": 2.0}))
    Gaussian(mean=0.0, std=2.0, replace=False)
    """
    kind = registry(what)[table["kind"]]
    options: dict[str, Any] = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        if field.name in table:
            value = table[field.name]
            if isinstance(value, str) and value == _SMOOTHNESS:
                if smoothness is None:
                    raise OptionError(f"the {what} needs the costs' smoothness")
                value = smoothness()
            elif isinstance(value, Mapping) and "kind" in value:
                value = build(_PARTS.get(str(field.type), what), value, smoothness)
            options[field.name] = tuple(value) if isinstance(value, list) else value
    try:
        return kind(**options)
    except TypeError as error:
        raise OptionError(f"{table['kind']} cannot take these options: {error}") from None


def make(what: str, entry: Any, smoothness: Callable[[], float] | None = None) -> Any:
    """Return the object that words or a table stand for.

    Examples
    --------
    >>> make("attack", "sign_flip:scale=-8,start=100")
    Scheduled(attack=SignFlip(scale=-8.0), start=100, stop=None, every=1)
    """
    return build(what, normal(what, entry), smoothness)


def make_attack(entry: Any) -> Attack:
    """Return the attack that words or a table stand for."""
    attack: Attack = make("attack", entry)
    return attack


def make_screening(entry: Any) -> Screening | None:
    """Return the screening rule that words or a table stand for; None and "none" screen nothing.

    Examples
    --------
    >>> make_screening("profiling:warmup=5,threshold=0.5")
    Profiling(warmup=5, threshold=0.5)
    """
    if entry is None or entry == "none":
        return None
    rule: Screening = make("screening", entry)
    return rule


def make_local_step(entry: Any, smoothness: Callable[[], float]) -> LocalStep:
    """Return the local step: "exact", or "stochastic" with sigma= or scale= (of σ√k) and batch_size=.

    Unless given, σ^k = ℓ√k with the costs' smoothness ℓ, which is then asked for, and 32 samples a minibatch;
    batch_size=None is full gradients.

    Examples
    --------
    >>> make_local_step("stochastic", lambda: 0.5)
    Stochastic(sigma=SquareRoot(scale=0.5), batch_size=32)
    """
    step: LocalStep = make("local step", entry, smoothness)
    if not hasattr(step, "keeps_falsified"):
        raise OptionError(f"{type(step).__name__} is no local step")
    return step


def attack_names() -> dict[str, str]:
    """Return the attacks that words can name, what each does, and its parameters with their defaults."""
    lines = {}
    for name, kind in registry("attack").items():
        fields = dataclasses.fields(kind)  # type: ignore[arg-type]
        if any(field.default is dataclasses.MISSING for field in fields):  # words cannot say it
            continue
        takes = ", ".join(f"{field.name}={field.default}" for field in fields)
        told = "none" if name == "NoAttack" else words(name)
        lines[told] = (kind.__doc__ or "").splitlines()[0] + (f" Parameters: {takes}" if takes else "")
    return lines
