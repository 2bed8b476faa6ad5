"""The main job: topologies in, one row each out, measured and promised."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from decon.attacks import Attack
from decon.attacks.liars import Liars, choose
from decon.costs import Costs
from decon.errors import OptionError
from decon.runs.inputs import check_falsification
from decon.runs.result import Result
from decon.runs.solve import solve
from decon.spec.defaults import ATTACK, COMPARED
from decon.spec.experiment import Experiment
from decon.spec.objects import make_attack
from decon.studies.predictions import promises
from decon.studies.rows import measures, worst_at_end
from topologies import Topology

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Runs", "compare", "compare_experiment"]


@dataclass(frozen=True)
class Runs:
    """The runs behind a comparison, kept in ``table.attrs["runs"]`` for figures: topology, honest, attacked."""

    rows: tuple[tuple[Topology, Result, Result | None], ...]

    def __deepcopy__(self, memo: dict[int, Any]) -> Runs:
        """Return self: pandas copies its attrs at every operation, and results do not change."""
        return self


def compare(
    topologies_: Mapping[str, Topology] | Sequence[Topology],
    costs: Costs | Callable[[int], Costs],
    *,
    penalty: float | str = "auto",
    byzantine: Liars = COMPARED["byzantine"],
    attack: Attack | None = None,
    iterations: int = 400,
    seed: int = 0,
    progress: bool = False,
    **options: Any,
) -> pd.DataFrame:
    """Compare topologies on the same problem, without and with falsifying agents.

    Parameters
    ----------
    topologies_ : mapping of names to Topology, or sequence of Topology
    costs : Costs or callable
        Local costs; or a function from a number of agents to local costs, for topologies of several sizes.
    penalty : float or str
        As in :func:`decon.solve`; named penalties are chosen for each topology.
    byzantine : int, float or list
        How many agents falsify, or which share below 1 (drawn so that the honest ones stay connected), or which; see
        :func:`decon.attacks.liars.choose`. 0: no attacked run.
    attack : Attack, optional
        ``Gaussian(1, 1)``, P1's, unless given.
    iterations, seed : int
        As in :func:`decon.solve`.
    progress : bool
        Show a progress bar over topologies on stderr.
    **options
        Further options of :func:`decon.solve`, for both runs.

    Returns
    -------
    pandas.DataFrame
        Index: topology. Columns: ``n``, ``edges``; ``connectivity`` (a), ``signless_max`` (Λ), ``graph_condition``
        (κ_G); ``penalty`` and ``penalty_from``; ``rate`` and ``rate_error`` (fitted on the tail),
        ``iterations_to_1e-6`` (missing if never), ``final_error``; what theory promises, see
        :func:`decon.studies.predictions.promises`; ``attacked_error`` (largest distance over the last tenth of the
        attacked run),
        ``attacked_status`` and ``seconds``. ``attrs["runs"]`` holds the runs for :func:`decon.plots.comparison`.

    Raises
    ------
    OptionError
        If there is nothing to compare, or an option is refused by :func:`decon.solve`.

    Examples
    --------
    >>> import decon, topologies
    >>> topos = [topologies.make("ring", 6), topologies.make("complete", 6)]
    >>> table = compare(topos, decon.costs.Quadratic(np.ones((6, 1, 1)), np.arange(6.0)[:, None]), penalty=0.3)
    >>> table["rate"].round(2).to_dict()
    {'ring': 0.67, 'complete': 0.75}
    """
    given = {"penalty": penalty, "iterations": iterations, "seed": seed, **options}

    def told(topo: Topology, local: Costs) -> dict[str, Any]:
        who = choose(topo, byzantine, seed)
        if attack is not None:
            check_falsification(who, attack)
        return {**given, "byzantine": who, "attack": attack or make_attack(ATTACK)} if who.size else given

    return _compare(_named(topologies_), lambda topo: costs(topo.n) if callable(costs) else costs, told, progress)


def compare_experiment(experiment: Experiment, *, progress: bool = False) -> pd.DataFrame:
    """Return :func:`compare` of an experiment in words."""
    return _compare(experiment.build_topologies(), experiment.build_costs, experiment.options, progress)


def _compare(
    named: Mapping[str, Topology],
    costs: Callable[[Topology], Costs],
    told: Callable[[Topology, Costs], dict[str, Any]],
    progress: bool,
) -> pd.DataFrame:
    """Run each topology without and with its liars; ``told`` gives the keyword arguments of :func:`decon.solve`."""
    import pandas as pd
    from tqdm import tqdm

    table, runs = [], []
    for name, topo in tqdm(named.items(), disable=not progress, unit="topology", leave=False):
        local = costs(topo)
        began = time.perf_counter()
        options = told(topo, local)
        lies = {key: options.pop(key) for key in ("byzantine", "attack") if key in options}
        honest = solve(topo, local, **options)
        attacked = None
        if lies:
            if "method" not in options:
                options["penalty"] = honest.penalty  # chosen once
            attacked = solve(topo, local, **options, **lies)
        runs.append((topo, honest, attacked))
        row = _row(topo, local, honest, attacked, admm="method" not in options)
        table.append({"topology": name, **row, "seconds": time.perf_counter() - began})
    frame = pd.DataFrame(table).set_index("topology")
    frame.attrs["runs"] = Runs(tuple(runs))
    return frame


def _named(given: Mapping[str, Topology] | Sequence[Topology]) -> dict[str, Topology]:
    """Return topologies by name; a name that comes twice gets a number."""
    if not isinstance(given, (Mapping, Sequence)):
        raise OptionError(f"topologies must come as a list or a dict, not as {type(given).__name__}")
    for topo in given.values() if isinstance(given, Mapping) else given:
        if not isinstance(topo, Topology):
            raise OptionError(f"every topology must be a topologies.Topology, not {topo!r}")
    if isinstance(given, Mapping):
        named = dict(given)
    else:
        named = {}
        for topo in given:
            name, count = topo.name, 2
            while name in named:
                name, count = f"{topo.name}-{count}", count + 1
            named[name] = topo
    if not named:
        raise OptionError("there is no topology to compare")
    return named


def _row(topo: Topology, costs: Costs, honest: Result, attacked: Result | None, *, admm: bool) -> dict[str, Any]:
    found, spectrum = measures(honest), topo.spectrum
    first = found["iterations_to_1e-6"]
    row: dict[str, Any] = {
        "n": topo.n,
        "edges": topo.n_edges,
        "connectivity": spectrum.algebraic_connectivity,
        "signless_max": spectrum.signless_max,
        "graph_condition": spectrum.graph_condition,
        "penalty": honest.penalty,
        "penalty_from": found["penalty_from"],
        "rate": found["rate"],
        "rate_error": found["rate_error"],
        "iterations_to_1e-6": np.nan if first is None else int(first),
        "final_error": found["distance"],
        "status": found["status"],
    }
    if admm:  # what theory promises is about ADMM
        bound = 0.0 if attacked is None else float(np.max(attacked.error_norm))
        row |= promises(topo, costs, honest.penalty, () if attacked is None else attacked.byzantine, bound)
    if attacked is not None:
        row["attacked_error"] = worst_at_end(attacked)
        row["attacked_status"] = attacked.status
    return row
