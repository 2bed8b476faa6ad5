"""A study: the grid of a TOML file as cells, each with a key that is a hash of all that changes its result."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import topologies
from decon import __version__, attacks
from decon.errors import OptionError
from decon.methods.penalty import METHODS
from decon.options import POSITIVE, Kind, or_none, whole
from decon.studies.options import build, expand, known, normal, refuse_unknown, refuse_wrong
from decon.studies.problem import check_problem
from decon.studies.registry import ATTACKS, LOCAL_STEPS, SCREENINGS

__all__ = ["AXES", "FORMAT", "Cell", "Study"]

FORMAT = 1
"""Raised whenever the meaning of a cell changes, so that old rows are not taken for new ones."""

AXES = ("topology", "n", "seed", "byzantine", "attack", "strength", "method", "penalty")
"""The grid's axes, slowest first: neighbours in this order share graph and data."""

_DEFAULTS: dict[str, Any] = {
    "topology": "ring",
    "n": 20,
    "seed": 0,
    "byzantine": 0.0,
    "attack": "Gaussian",
    "strength": 1.0,
    "method": "admm",
    "penalty": "auto",
}
_RUN = {"iterations": 400, "tol": None, "record_every": 1, "x0": None}
_RUN_KINDS = {
    "iterations": whole(0),
    "tol": or_none(POSITIVE),
    "record_every": whole(1),
    "x0": or_none(Kind('"normal"', lambda value: value == "normal")),
}


@dataclass(frozen=True)
class Cell:
    """One run of a study.

    Attributes
    ----------
    key : str
        Hash of ``spec``, of the version of decon and of the format of studies.
    labels : dict
        The value of each axis, as the tables show it.
    spec : dict
        Everything that decides the result, in JSON's types.
    """

    key: str
    labels: dict[str, Any]
    spec: dict[str, Any]


_MOST = 1_000_000
"""Runs of a study: more would not end, and their list alone would not fit into memory."""


@dataclass(frozen=True)
class Study:
    """A grid of runs.

    Attributes
    ----------
    name : str
    axes : dict
        A list of values for each name of ``AXES``.
    methods : dict
        Options of :func:`decon.solve` by method name.
    problem, run : dict
        Costs of the agents, and options of every run.

    Examples
    --------
    >>> study = Study.parse({"grid": {"n": [5, 10], "penalty": 0.5, "seed": {"start": 0, "stop": 3, "step": 1}}})
    >>> len(study.cells())
    8
    >>> Study.parse({"grid": {"atack": "SignFlip"}})
    Traceback (most recent call last):
    decon.errors.OptionError: [grid] has no key 'atack'; did you mean 'attack'?
    """

    name: str
    axes: dict[str, list[Any]]
    methods: dict[str, dict[str, Any]]
    problem: dict[str, Any]
    run: dict[str, Any]

    @staticmethod
    def load(path: str | Path) -> Study:
        """Read a study from a TOML file.

        Raises
        ------
        OptionError
            If the file is missing or not TOML, or a key or value is not one a study has; the message names it and,
            for a key, the nearest one there is.
        """
        file = Path(path)
        try:
            return Study.parse(tomllib.loads(file.read_text(encoding="utf-8")), name=file.stem)
        except FileNotFoundError:
            raise OptionError(f"no study at {file}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise OptionError(f"{file} is not TOML: {error}") from None
        except RecursionError:
            raise OptionError(f"{file} is not TOML: too many brackets within each other") from None
        except ValueError as error:
            raise OptionError(f"{file}: {error}") from None

    @staticmethod
    def parse(tables: Mapping[str, Any], name: str = "study") -> Study:
        """Return the study of tables as TOML gives them; raises as :meth:`load`."""
        refuse_unknown(tables, ("name", "grid", "methods", "problem", "run"), "the study")
        for key in ("grid", "methods", "problem", "run"):
            if not isinstance(tables.get(key, {}), Mapping):
                raise OptionError(f"{key} must be a table, not {tables[key]!r}")
        methods = {
            "admm": _method({}, "admm"),
            **{name: _method(entry, name) for name, entry in tables.get("methods", {}).items()},
        }
        grid = tables.get("grid", {})
        refuse_unknown(grid, AXES, "[grid]")
        axes = {axis: expand(grid.get(axis, _DEFAULTS[axis]), f"[grid] {axis}") for axis in AXES}
        _check_axes(axes, methods)
        axes["topology"] = [_topology(entry) for entry in axes["topology"]]
        axes["attack"] = [normal(entry, ATTACKS, "attack") for entry in axes["attack"]]
        for attack in axes["attack"]:
            build(attack, ATTACKS)  # refuses what the attack itself refuses
        run = tables.get("run", {})
        refuse_unknown(run, _RUN, "[run]")
        refuse_wrong(run, _RUN_KINDS, "[run]")
        study = Study(
            str(tables.get("name", name)), axes, methods, check_problem(tables.get("problem", {})), {**_RUN, **run}
        )
        for table, n in itertools.product(axes["topology"], axes["n"][:1]):
            _graph_exists(table, n)
        return study

    def cells(self) -> list[Cell]:
        """Return the runs, each once: where nobody falsifies, attack and strength make no difference."""
        count = math.prod(len(self.axes[axis]) for axis in AXES)
        if count > _MOST:
            raise OptionError(f"the grid has {count} runs; a study has at most {_MOST}")
        found: dict[str, Cell] = {}
        for values in itertools.product(*(self.axes[axis] for axis in AXES)):
            at = dict(zip(AXES, values, strict=True))
            if at["byzantine"] == 0 or at["attack"]["kind"] == attacks.NoAttack.__name__:
                at |= {"byzantine": 0.0, "strength": 0.0, "attack": {"kind": attacks.NoAttack.__name__}}
            labels = {
                **at,
                "topology": _label(at["topology"], "family"),
                "attack": _label(at["attack"], "kind"),
                "byzantine": float(at["byzantine"]),
                "strength": float(at["strength"]),
                "penalty": str(at["penalty"]),
            }
            spec = {**at, "method": self.methods[at["method"]], "problem": self.problem, "run": self.run}
            text = json.dumps({"format": FORMAT, "decon": __version__, "labels": labels, "spec": spec}, sort_keys=True)
            cell = Cell(hashlib.sha256(text.encode()).hexdigest()[:32], labels, spec)
            found.setdefault(cell.key, cell)
        return list(found.values())


def _label(table: Mapping[str, Any], head: str) -> str:
    """Return a short unique name of a graph or attack: its kind, and the options that differ from the default."""
    defaults: Mapping[str, Any] = {}
    if head == "kind":
        fields = ATTACKS[table["kind"]].__dataclass_fields__  # type: ignore[attr-defined]
        defaults = {name: field.default for name, field in fields.items()}
    parts = []
    for name, value in table.items():
        if name != head and not (name in defaults and defaults[name] == value):
            shown = _label(value, "kind") if isinstance(value, Mapping) and "kind" in value else value
            parts.append(f"{name}={shown}")
    return f"{table[head]}({', '.join(parts)})" if parts else str(table[head])


def _topology(entry: Any) -> dict[str, Any]:
    table = {"family": entry} if isinstance(entry, str) else entry
    if not isinstance(table, Mapping) or "family" not in table:
        raise OptionError(f"a topology is a name or a table with a family, not {entry!r}")
    known(table["family"], topologies.families(), "family")
    return dict(table)


def _graph_exists(table: Mapping[str, Any], n: int) -> None:
    """Make one graph, so that a wrong parameter is refused before any run."""
    params = {key: value for key, value in table.items() if key != "family"}
    topologies.make(table["family"], n, seed=0, **params)


def _method(entry: Any, name: str) -> dict[str, Any]:
    where = f"[methods.{name}]"
    if not isinstance(entry, Mapping):
        raise OptionError(f"{where} must be a table, not {entry!r}")
    refuse_unknown(entry, ("screening", "dual_bound", "local_step"), where)
    bound = entry.get("dual_bound", "inf")
    if isinstance(bound, bool) or not (bound == "inf" or (isinstance(bound, (int, float)) and bound > 0)):
        raise OptionError(f"{where} dual_bound must be a positive number, not {bound!r}")
    step = normal(entry.get("local_step", "Exact"), LOCAL_STEPS, "local step")
    if not hasattr(build(step, LOCAL_STEPS), "keeps_falsified"):
        raise OptionError(f"{where} local_step: {step['kind']} is no local step")
    screening = None
    if entry.get("screening") is not None:
        screening = normal(entry["screening"], SCREENINGS, "screening")
        build(screening, SCREENINGS)
    return {"screening": screening, "dual_bound": str(float(bound)), "local_step": step}


def _check_axes(axes: Mapping[str, list[Any]], methods: Mapping[str, Any]) -> None:
    for axis, least in (("n", 2), ("seed", 0)):
        for value in axes[axis]:
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise OptionError(f"[grid] {axis} must hold integers of at least {least}, not {value!r}")
    for axis, most in (("byzantine", 0.5), ("strength", float("inf"))):
        for value in axes[axis]:
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not 0 <= value <= most:
                raise OptionError(f"[grid] {axis} must hold numbers from 0 to {most}, not {value!r}")
    for value in axes["method"]:
        known(value, methods, "method")
    for value in axes["penalty"]:
        if isinstance(value, str):
            known(value, METHODS, "penalty")
        elif isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise OptionError(f"[grid] penalty must hold positive numbers or names, not {value!r}")
