"""An experiment in words: what the command line's flags and a TOML file say alike."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from decon.errors import DataError, OptionError
from decon.options import Kind
from decon.spec.grammar import as_number, make_attack, make_screening, make_topology, nearest, parse

if TYPE_CHECKING:
    from decon.attacks import Attack
    from decon.costs import Costs
    from decon.screens.protocol import Screening
    from topologies import Topology

__all__ = ["Experiment", "read_toml"]

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
