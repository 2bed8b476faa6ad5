"""An experiment in words: what the command line's flags and a TOML file say alike."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

import topologies
from decon import attacks
from decon.attacks import Attack, Decaying, Scheduled
from decon.costs import Costs
from decon.errors import DataError, OptionError
from decon.local_steps import Exact, LocalStep, SquareRoot, Stochastic
from decon.options import Kind
from decon.screening import Screening
from topologies import Topology

__all__ = ["Experiment", "attack_names", "nearest", "parse", "read_toml"]

DEFAULT_TOPOLOGIES = (
    "path",
    "ring",
    "grid",
    "torus",
    "watts_strogatz",
    "random_regular:d=4",
    "erdos_renyi:p=0.4",
    "star",
    "complete",
    "karate_club:weighted=False",
)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_TEXT = Kind("a string", lambda value: isinstance(value, str))
_KINDS: dict[Any, Kind] = {
    "penalty": Kind("a number or a string", lambda value: _is_number(value) or isinstance(value, str)),
    float: Kind("a number", _is_number),
    int: Kind("an integer", lambda value: _is_number(value) and isinstance(value, int)),
    str: _TEXT,
    type(None): _TEXT,
    tuple: Kind(
        "a list of strings",
        lambda value: isinstance(value, (list, tuple)) and all(isinstance(entry, str) for entry in value),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One problem, its networks and its liars; every field is a flag of ``decon compare`` and a key in TOML.

    Attributes
    ----------
    topologies : tuple of str
        Families ("ring", "erdos_renyi:p=0.4") or files (.graphml, .gml, .edgelist, .json, .npz).
    agents : int
        n, for families without a size of their own.
    data : str
        A data set of :func:`decon.datasets.names`; "quadratics:dim=10,condition=10", costs that are drawn by agent
        number (:func:`decon.datasets.quadratics`); or a folder of shards (:class:`decon.distributed.Shards`).
    split : str
        "iid", "label" or "dirichlet".
    alpha : float
        Of the Dirichlet split.
    ridge : float
        Added curvature of each local cost.
    penalty : str or float
    byzantine : int
        Number of falsifying agents.
    attack : str
        "gaussian:mean=1,std=1"; with start=, stop=, every= it is scheduled, with decay= it dies out.
    screening : str or None
        "profiling:warmup=20"; None screens nothing.
    dual_bound : float
    iterations, seed : int
    """

    topologies: tuple[str, ...] = DEFAULT_TOPOLOGIES
    agents: int = 20
    data: str = "diabetes"
    split: str = "iid"
    alpha: float = 1.0
    ridge: float = 5.0
    penalty: str | float = "auto"
    byzantine: int = 3
    attack: str = "gaussian:mean=1,std=1"
    screening: str | None = None
    dual_bound: float = float("inf")
    iterations: int = 400
    seed: int = 0

    @classmethod
    def from_mapping(cls, given: dict[str, Any], where: str) -> Experiment:
        """Return an experiment from keys and values.

        Raises
        ------
        OptionError
            For an unknown key, named with the nearest known one, or a value of the wrong kind.
        """
        known = {field.name: field for field in fields(cls)}
        for key, value in given.items():
            if key not in known:
                raise OptionError(f"{where}: unknown key {key!r}{nearest(key, known)}")
            kind = _KINDS.get(key) or _KINDS[type(known[key].default)]
            if not kind.accepts(value):
                raise OptionError(f"{where}: {key} must be {kind.words}, not {value!r}")
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in given.items()
        }
        return dataclasses.replace(cls(), **values)

    def build_topologies(self) -> dict[str, Topology]:
        """Make or read the topologies, by the words that name them."""
        return {text: make_topology(text, self.agents, self.seed) for text in self.topologies}

    def build_costs(self, n: int) -> Costs:
        """Return the costs of ``n`` agents."""
        return _costs(self.data, n, self.split, self.alpha, self.ridge, self.seed)

    def local_costs(self, n: int) -> Callable[[NDArray[np.int64]], Costs]:
        """Return what makes the costs of some of ``n`` agents, by their numbers, and of no others."""
        return _maker(self.data, n, self.split, self.alpha, self.ridge, self.seed)

    def build_attack(self) -> Attack:
        """Return the attack."""
        return make_attack(self.attack)

    def build_screening(self) -> Screening | None:
        """Return the screening rule, or None."""
        return make_screening(self.screening)

    def number_or_name(self) -> float | str:
        """Return the penalty as a number if it is one."""
        return as_number(self.penalty)


def as_number(text: str | float) -> float | str:
    """Return ``text`` as a float if it reads as one."""
    try:
        return float(text)
    except ValueError:
        return str(text)


@lru_cache(maxsize=64)
def _costs(data: str, n: int, how: Any, alpha: float, ridge: float, seed: int) -> Costs:
    return _maker(data, n, how, alpha, ridge, seed)(np.arange(n))


def _maker(data: str, n: int, how: Any, alpha: float, ridge: float, seed: int) -> Callable[[NDArray[np.int64]], Costs]:
    from decon import datasets
    from decon.distributed import Shards

    if data in datasets.names():
        return partial(_shared_out, data, n, split=how, alpha=alpha, ridge=ridge, seed=seed)
    made = Path(data).is_dir()
    name, params = ("shards", {}) if made else parse(data)
    if not made and name != "quadratics":
        raise DataError(f"no data set or folder {data!r}{nearest(name, (*datasets.names(), 'quadratics'))}")
    for key, given in (("split", how), ("alpha", alpha), ("ridge", ridge)):
        if given != getattr(Experiment, key):
            raise OptionError(f"{data}: {key} is for data sets; the costs of {name} are what they are")
    if made:
        return Shards(data)
    for key in params:
        if key not in ("dim", "condition"):
            raise OptionError(f"{name} have no parameter {key!r}{nearest(key, ('dim', 'condition'))}")
    return partial(datasets.quadratics, **params, seed=seed)


def _shared_out(data: str, n: int, agents: NDArray[np.int64], **options: Any) -> Costs:
    from decon import datasets

    return datasets.costs(data, n, agents=agents, **options)


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
    if Path(text).suffix and ":" not in text:
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
    """Return the attacks' names and what each does."""
    return {name: (kind.__doc__ or "").splitlines()[0] for name, kind in _attacks().items()}


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


def read_toml(path: str | Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    OptionError
        If it is missing or not TOML; the message names it.
    """
    try:
        with Path(path).open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise OptionError(f"cannot read {path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"{path} is not TOML: {error}") from None
