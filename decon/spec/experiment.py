"""An experiment in words: what flags, a TOML file, a study's cell and Python say alike."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from decon.errors import OptionError
from decon.options import Kind, check_options, is_number, option
from decon.spec.defaults import ATTACK, RIDGE
from decon.spec.grammar import as_number, liars_in_words, nearest
from decon.spec.networks import make_topology
from decon.spec.objects import make, make_attack, make_local_step, make_screening
from decon.spec.problems import Maker, costs_maker, problem_words, with_content
from decon.spec.registry import use

if TYPE_CHECKING:
    from decon.attacks import Attack
    from decon.costs import Costs
    from topologies import Topology

__all__ = ["Experiment", "read_toml"]


def _named(value: Any) -> bool:
    return isinstance(value, (str, Mapping))


def _listed(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(
        isinstance(one, (str, int)) and not isinstance(one, bool) for one in value
    )


_TEXT = Kind("a string", lambda value: isinstance(value, str))
_NAMED = Kind("a string or a table", _named)
_OPTIONAL = Kind("a string or a table", lambda value: value is None or _named(value))
_INTEGER = Kind("an integer", lambda value: is_number(value) and not isinstance(value, (float, np.floating)))
_REAL = Kind("a number", lambda value: isinstance(value, (int, float)) and not isinstance(value, bool))
_START = Kind('"normal"', lambda value: value is None or value == "normal")


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One problem, its networks, a method and its liars; every field is a flag and a key in TOML, and means the same.

    Attributes
    ----------
    topologies : tuple of str or table
        Families ("ring", "erdos_renyi:p=0.4", {"family": "ring", "n": 5}) or files (.graphml, .gml, .edgelist, .json,
        .npz; {"file": "mine.gml", "weight": "value"}). In TOML ``topology`` says one.
    agents : int
        n, for families without a size of their own.
    data : str or table
        A data set of :func:`decon.datasets.names`; "synthetic:dim=5,samples=20"; "quadratics:dim=10,condition=10" or a
        registered draw; "mine.csv" (:func:`decon.datasets.read_table`); a folder of shards
        (:class:`decon.distributed.Shards`); or a table as a study's ``[problem]``.
    cost : str or None
        Over the samples of data: "huber:delta=1", "least_squares", "logistic", "softmax" or a registered one; by the
        data's task unless given.
    split : str
        "iid", "label" or "dirichlet".
    alpha : float
        Of the Dirichlet split.
    ridge : float
        Added curvature of each local cost.
    method : str or table
        "admm" or a registered one.
    penalty : str or float
        Of ADMM, as are ``dual_bound``, ``local_step`` and ``alpha0``.
    byzantine : int, float or list
        As for :func:`decon.attacks.liars.choose`: a count, a share below 1, or the agents.
    attack : str, table or None
        "gaussian:mean=1,std=1"; with start=, stop=, every= it is scheduled, with decay= it dies out. Unless given it
        is ``ATTACK`` where there are liars.
    strength : float
        Scales the error of the attack.
    screening : str, table or None
        "profiling:warmup=20"; None screens nothing.
    dual_bound : float
    local_step : str or table
        "exact" or "stochastic:scale=0.3,batch_size=32".
    x0, alpha0 : {"normal"} or None
    iterations : int
    tol : float or None
    record_every, seed : int
    precision : str
    use : tuple of str
        Python files whose ``decon.register`` name classes of yours; they run first.

    Examples
    --------
    >>> import decon
    >>> told = Experiment(topologies=("ring",), agents=6, data="quadratics:dim=2", penalty=2, byzantine=1, iterations=5)
    >>> topo, costs = told.build_topology(), told.build_costs(told.build_topology())
    >>> decon.solve(topo, costs, **told.options(topo, costs)).byzantine.tolist()
    [0]
    """

    topologies: tuple[Any, ...] = option(
        Kind("a list of strings or tables", lambda value: isinstance(value, tuple) and all(map(_named, value))),
        ("ring",),
    )
    agents: int = option(_INTEGER, 20)
    data: Any = option(_NAMED, "diabetes")
    cost: str | None = option(Kind("a string", lambda value: value is None or isinstance(value, str)), None)
    split: str = option(_TEXT, "iid")
    alpha: float = option(_REAL, 1.0)
    ridge: float = option(_REAL, RIDGE)
    method: Any = option(_NAMED, "admm")
    penalty: str | float = option(
        Kind("a number or a string", lambda value: _REAL.accepts(value) or isinstance(value, str)), "auto"
    )
    byzantine: Any = option(
        Kind("a count, a share or a list of agents", lambda value: _REAL.accepts(value) or _listed(value)), 0
    )
    attack: Any = option(_OPTIONAL, None)
    strength: float = option(_REAL, 1.0)
    screening: Any = option(_OPTIONAL, None)
    dual_bound: float = option(_REAL, float("inf"))
    local_step: Any = option(_NAMED, "exact")
    x0: str | None = option(_START, None)
    alpha0: str | None = option(_START, None)
    iterations: int = option(_INTEGER, 400)
    tol: float | None = option(Kind("a number", lambda value: value is None or _REAL.accepts(value)), None)
    record_every: int = option(_INTEGER, 1)
    precision: str = option(_TEXT, "double")
    seed: int = option(_INTEGER, 0)
    use: tuple[str, ...] = option(
        Kind("a list of strings", lambda value: isinstance(value, tuple) and all(isinstance(v, str) for v in value)),
        (),
    )

    def __post_init__(self) -> None:
        check_options(self)
        for path in self.use:
            use(path)

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any], where: str) -> Experiment:
        """Return an experiment from keys and values.

        Raises
        ------
        OptionError
            For an unknown key, named with the nearest known one, or a value of the wrong kind.
        """
        known = {field.name: field for field in fields(cls)}
        told = dict(given)
        if "topology" in told:
            if "topologies" in told:
                raise OptionError(f"{where}: topology and topologies are both given")
            told["topologies"] = [told.pop("topology")]
        for key, value in told.items():
            if key not in known:
                raise OptionError(f"{where}: unknown key {key!r}{nearest(key, known)}")
            if key == "byzantine" and isinstance(value, str):
                told[key] = liars_in_words(value)
            if isinstance(value, list):
                told[key] = tuple(value)
            kind = known[key].metadata["kind"]
            if not kind.accepts(told[key]):
                raise OptionError(f"{where}: {key} must be {kind.words}, not {value!r}")
        return dataclasses.replace(cls(), **told)

    def build_topologies(self) -> dict[str, Topology]:
        """Make or read the topologies, by the words that name them."""
        return {
            entry if isinstance(entry, str) else _shown(entry): make_topology(entry, self.agents, self.seed)
            for entry in self.topologies
        }

    def build_topology(self) -> Topology:
        """Make or read the one topology there is."""
        if len(self.topologies) != 1:
            raise OptionError(f"this runs on one topology, not {len(self.topologies)}; give --topology")
        return make_topology(self.topologies[0], self.agents, self.seed)

    def build_costs(self, topo: Topology) -> Costs:
        """Return the costs of a network's agents."""
        return _costs(self._problem(), topo.n, self.seed, topo.labels)

    def local_costs(self, topo: Topology) -> Maker:
        """Return what makes the costs of some of a network's agents, by their numbers, and of no others."""
        return costs_maker(json.loads(self._problem()), topo.n, self.seed, topo.labels)

    def _problem(self) -> str:
        """Return the agents' problem; of a table with what it holds now, so that no cache mistakes it."""
        problem = problem_words(self.data, self.cost, self.split, self.alpha, self.ridge)
        return json.dumps(problem if problem["costs"] == "shards" else with_content(problem))

    def build_attack(self) -> Attack:
        """Return the attack: the one given, or the one there is where nothing is said."""
        from decon.attacks import Scaled

        attack = make_attack(ATTACK if self.attack is None else self.attack)
        return attack if self.strength == 1 else Scaled(attack, float(self.strength))

    def options(self, topo: Topology, costs: Costs | Maker) -> dict[str, Any]:
        """Return the keyword arguments of :func:`decon.solve` for this experiment.

        Raises
        ------
        OptionError
            For words that name nothing, and for a falsification without anybody to make it.
        """
        from decon.attacks.liars import choose

        options: dict[str, Any] = {
            "screening": make_screening(self.screening),
            "iterations": self.iterations,
            "tol": self.tol,
            "seed": self.seed,
            "x0": self.x0,
            "record_every": self.record_every,
            "precision": self.precision,
            **self._method(topo, costs),
        }
        attack = self.build_attack()
        who = choose(topo, self.byzantine, self.seed)
        if who.size:
            options |= {"byzantine": who, "attack": attack}
        elif self.attack is not None and make_attack(self.attack) != make_attack("none"):
            raise OptionError("an attack is given, but nobody to make it; say how many or which agents are byzantine")
        return options

    def _method(self, topo: Topology, costs: Costs | Maker) -> dict[str, Any]:
        """Return who computes what, as arguments of :func:`decon.solve`."""
        from decon.methods import Admm

        def smoothness() -> float:
            if callable(costs):
                from decon.network.mpi.ranks import smoothness

                return smoothness(costs, topo.n)
            return costs.smoothness

        method = make("method", self.method, smoothness)
        shorthands = {
            "penalty": as_number(self.penalty),
            "dual_bound": float(self.dual_bound),
            "local_step": make_local_step(self.local_step, smoothness),
            "alpha0": self.alpha0,
        }
        if method == Admm():
            return shorthands
        usual = Admm()
        for key, value in shorthands.items():
            if value != getattr(usual, key):
                raise OptionError(f"{key} is a shorthand for the method admm; here the method is {self.method!r}")
        return {"method": method}


def _shown(entry: Mapping[str, Any]) -> str:
    """Return a table as words."""
    name = entry.get("family", entry.get("file", ""))
    rest = ",".join(f"{key}={value}" for key, value in entry.items() if key not in ("family", "file"))
    return f"{name}:{rest}" if rest else str(name)


@lru_cache(maxsize=4)
def _costs(problem: str, n: int, seed: int, labels: tuple[Any, ...]) -> Costs:
    return costs_maker(json.loads(problem), n, seed, labels)(np.arange(n))


def read_toml(path: str | Path) -> dict[str, Any]:
    """Read a TOML file, with or without a byte-order mark.

    Raises
    ------
    OptionError
        If it is missing or not TOML; the message names it.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise OptionError(f"cannot read {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{path} is not TOML: {error}") from None
