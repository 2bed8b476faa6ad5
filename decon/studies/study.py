"""A study: the grid of a TOML file as cells, each with a key that is a hash of all that changes its result."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from decon import __version__
from decon.errors import OptionError
from decon.methods.penalty import METHODS
from decon.options import NOT_NEGATIVE, POSITIVE, Kind, or_none, whole
from decon.spec.defaults import ATTACK
from decon.spec.experiment import Experiment
from decon.spec.networks import make_topology, network_table
from decon.spec.networks import with_content as with_file
from decon.spec.objects import build, normal
from decon.spec.problems import problem_table
from decon.spec.problems import with_content as with_shards
from decon.spec.registry import registry, use
from decon.spec.tables import known, refuse_unknown, refuse_wrong
from decon.studies.options import expand

__all__ = ["AXES", "FORMAT", "Cell", "Study"]

FORMAT = 2
"""Raised whenever the meaning of a cell changes, so that old rows are not taken for new ones."""

AXES = ("topology", "n", "seed", "byzantine", "attack", "strength", "method", "penalty")
"""The grid's axes, slowest first: neighbours in this order share graph and data."""

_DEFAULTS: dict[str, Any] = {
    "topology": "ring",
    "n": 20,
    "seed": 0,
    "byzantine": 0.0,
    "attack": ATTACK,
    "strength": 1.0,
    "method": "admm",
    "penalty": "auto",
}
_NOBODY = {"kind": "NoAttack"}
_RUN = {name: getattr(Experiment, name) for name in ("iterations", "tol", "record_every", "x0", "alpha0", "precision")}
_METHOD = ("method", "screening", "dual_bound", "local_step")
_RUN_KINDS = {
    "iterations": whole(0),
    "tol": or_none(POSITIVE),
    "record_every": whole(1),
    "x0": or_none(Kind('"normal"', lambda value: value == "normal")),
    "alpha0": or_none(Kind('"normal"', lambda value: value == "normal")),
    "precision": Kind('"double" or "single"', lambda value: value in ("double", "single")),
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

    def experiment(self) -> Experiment:
        """Return the cell as the experiment that flags or Python would say."""
        spec = self.spec
        topology, problem = (
            {k: v for k, v in spec[part].items() if k != "content"} for part in ("topology", "problem")
        )
        attack = None if spec["attack"] == _NOBODY else spec["attack"]
        return Experiment(
            topologies=(topology,),
            agents=spec["n"],
            data=problem,
            byzantine=tuple(spec["byzantine"]) if isinstance(spec["byzantine"], list) else spec["byzantine"],
            attack=attack if spec["byzantine"] else None,
            strength=spec["strength"] if spec["byzantine"] else 1.0,
            penalty=spec["penalty"],
            seed=spec["seed"],
            use=tuple(spec["use"]),
            **{**spec["method"], "dual_bound": float(spec["method"]["dual_bound"])},
            **spec["run"],
        )


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
    used : dict
        Hashes of the Python files whose classes the words may name, by path.

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
    used: dict[str, str]

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
            return Study.parse(tomllib.loads(file.read_text(encoding="utf-8-sig")), name=file.stem)
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
        refuse_unknown(tables, ("name", "use", "grid", "methods", "problem", "run"), "the study")
        for key in ("grid", "methods", "problem", "run"):
            if not isinstance(tables.get(key, {}), Mapping):
                raise OptionError(f"{key} must be a table, not {tables[key]!r}")
        files = tables.get("use", [])
        used = {str(path): use(path) for path in ([files] if isinstance(files, str) else files)}
        methods = {
            "admm": _method({}, "admm"),
            **{name: _method(entry, name) for name, entry in tables.get("methods", {}).items()},
        }
        grid = dict(tables.get("grid", {}))
        if "agents" in grid and "n" not in grid:
            grid["n"] = grid.pop("agents")  # as the flag says it
        refuse_unknown(grid, AXES, "[grid]")
        axes = {axis: expand(grid.get(axis, _DEFAULTS[axis]), f"[grid] {axis}") for axis in AXES}
        _check_axes(axes, methods)
        axes["topology"] = [with_file(network_table(entry)) for entry in axes["topology"]]
        axes["attack"] = [normal("attack", entry) for entry in axes["attack"]]
        for attack in axes["attack"]:
            build("attack", attack)  # refuses what the attack itself refuses
        run = tables.get("run", {})
        refuse_unknown(run, _RUN, "[run]")
        refuse_wrong(run, _RUN_KINDS, "[run]")
        problem = with_shards(problem_table(tables.get("problem", {})))
        study = Study(str(tables.get("name", name)), axes, methods, problem, {**_RUN, **run}, used)
        for table, n in itertools.product(axes["topology"], axes["n"][:1]):
            make_topology(
                {key: value for key, value in table.items() if key != "content"}, n, 0
            )  # refused before any run
        return study

    def cells(self) -> list[Cell]:
        """Return the runs, each once: where nobody falsifies, attack and strength make no difference."""
        count = math.prod(len(self.axes[axis]) for axis in AXES)
        if count > _MOST:
            raise OptionError(f"the grid has {count} runs; a study has at most {_MOST}")
        found: dict[str, Cell] = {}
        for values in itertools.product(*(self.axes[axis] for axis in AXES)):
            at = dict(zip(AXES, values, strict=True))
            if at["byzantine"] in (0, []) or at["attack"] == _NOBODY:
                at |= {"byzantine": 0.0, "strength": 0.0, "attack": _NOBODY}
            listed = isinstance(at["byzantine"], list)
            labels = {
                **at,
                "topology": _label(at["topology"], "family" if "family" in at["topology"] else "file"),
                "attack": _label(at["attack"], "kind"),
                "byzantine": float(len(at["byzantine"]) if listed else at["byzantine"]),
                "who": ", ".join(map(str, at["byzantine"])) if listed else "",
                "strength": float(at["strength"]),
                "penalty": str(at["penalty"]),
            }
            spec = {
                **at,
                "method": self.methods[at["method"]],
                "problem": self.problem,
                "run": self.run,
                "use": self.used,
            }
            text = json.dumps({"format": FORMAT, "decon": __version__, "labels": labels, "spec": spec}, sort_keys=True)
            cell = Cell(hashlib.sha256(text.encode()).hexdigest()[:32], labels, spec)
            found.setdefault(cell.key, cell)
        return list(found.values())


def _bare(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table without the hash of the files it names."""
    return {key: value for key, value in table.items() if key != "content"}


def _label(table: Mapping[str, Any], head: str) -> str:
    """Return a short unique name of a graph or attack: its kind, and the options that differ from the default."""
    defaults: Mapping[str, Any] = {}
    if head == "kind":
        fields: Any = dataclasses.fields(registry("attack")[table["kind"]])  # type: ignore[arg-type]
        defaults = {field.name: field.default for field in fields}
    parts = []
    for name, value in table.items():
        if name not in (head, "content") and not (name in defaults and defaults[name] == value):
            shown = _label(value, "kind") if isinstance(value, Mapping) and "kind" in value else value
            parts.append(f"{name}={shown}")
    return f"{table[head]}({', '.join(parts)})" if parts else str(table[head])


def _method(entry: Any, name: str) -> dict[str, Any]:
    where = f"[methods.{name}]"
    if not isinstance(entry, Mapping):
        raise OptionError(f"{where} must be a table, not {entry!r}")
    refuse_unknown(entry, _METHOD, where)
    bound = entry.get("dual_bound", "inf")
    if not (bound in ("inf", float("inf")) or POSITIVE.accepts(bound)):
        raise OptionError(f"{where} dual_bound must be a positive number, not {bound!r}")
    step = normal("local step", entry.get("local_step", "Exact"))
    if not hasattr(registry("local step")[step["kind"]], "keeps_falsified"):
        raise OptionError(f"{where} local_step: {step['kind']} is no local step")
    build("local step", step, lambda: 1.0)  # refuses what the step itself refuses
    screening = None
    if entry.get("screening") not in (None, "none"):
        screening = normal("screening", entry["screening"])
        build("screening", screening)
    method = normal("method", entry.get("method", "admm"))
    build("method", method)
    return {"method": method, "screening": screening, "dual_bound": str(float(bound)), "local_step": step}


def _check_axes(axes: Mapping[str, list[Any]], methods: Mapping[str, Any]) -> None:
    for axis, least in (("n", 2), ("seed", 0)):
        for value in axes[axis]:
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise OptionError(f"[grid] {axis} must hold integers of at least {least}, not {value!r}")
    for value in axes["strength"]:
        if not NOT_NEGATIVE.accepts(value):
            raise OptionError(f"[grid] strength must hold numbers of at least 0, not {value!r}")
    for value in axes["byzantine"]:
        counted = whole(0).accepts(value)
        listed = isinstance(value, list) and all(type(agent) in (int, str) for agent in value)
        if not (counted or listed or (isinstance(value, float) and 0 <= value <= 0.5)):
            raise OptionError(
                f"[grid] byzantine must hold counts, shares from 0 to 0.5 or lists of agents, not {value!r}"
            )
    for value in axes["method"]:
        known(value, methods, "method")
    for value in axes["penalty"]:
        if isinstance(value, str):
            known(value, METHODS, "penalty")
        elif isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise OptionError(f"[grid] penalty must hold positive numbers or names, not {value!r}")
