"""P1's experiments, section 5: falsified ADMM, the robust variant, and the choice of c.

The stored paper has lost its numbers, so network, agents, attack and rule are chosen here, and said under the figure.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import topologies
from decon.attacks import Gaussian
from decon.attacks.liars import draw_byzantine
from decon.costs import Costs
from decon.datasets import costs as local_costs
from decon.datasets import synthetic_regression
from decon.methods.penalty import choose_penalty
from decon.reproduce.links import wrong_links
from decon.reproduce.p1_claims import claims, label
from decon.runs.result import Result
from decon.runs.solve import solve
from decon.screens.profiling import Profiling
from decon.screens.protocol import Screening
from topologies import Topology

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ATTACKS", "Setting", "curves", "figure", "p1"]

ATTACKS = (Gaussian(0.0, 0.1), Gaussian(0.0, 1.0), Gaussian(0.0, 10.0), Gaussian(1.0, 1.0), Gaussian(5.0, 1.0))
"""Figure A's falsifications: three deviations without a mean, three means with the same deviation."""


@dataclass(frozen=True)
class Setting:
    """What P1's text lost.

    Parameters
    ----------
    n, degree : int
        A random regular network, drawn anew for each seed.
    byzantine : int
        Falsifying agents, drawn so that the honest ones stay connected.
    samples, dim : int
        Rows and unknowns of each agent's least squares, standard normal with noise 0.1.
    iterations : int
        Of every run.
    paper_rule : Screening
        P1's rule with its T and ε; one ε does not fit all strengths, this one is for deviations of about 1.
    screening : Screening
        The default rule, which has no such numbers.
    """

    n: int = 20
    degree: int = 6
    byzantine: int = 3
    samples: int = 10
    dim: int = 3
    iterations: int = 400
    paper_rule: Screening = field(default_factory=lambda: Profiling(warmup=20, threshold=1.0, score_threshold=0.5))
    screening: Screening = field(default_factory=Profiling)

    def problem(self, seed: int) -> tuple[Topology, Costs]:
        """Return the network and the costs of one seed."""
        topo = topologies.make("random_regular", self.n, d=self.degree, seed=seed)
        data = synthetic_regression(self.n * self.samples, self.dim, seed=seed)
        return topo, local_costs(data, self.n, seed=seed)

    @property
    def rules(self) -> dict[str, Screening | None]:
        """The methods of figure A."""
        return {"plain": None, "P1's rule": self.paper_rule, "robust": self.screening}

    def caption(self) -> str:
        """Say the setting in one paragraph."""
        return (
            f"{self.byzantine} Byzantine of n = {self.n} agents, random {self.degree}-regular graph; least squares, "
            f"{self.samples} rows for {self.dim} unknowns each; x⁰, α⁰ ~ N(0, 1); falsification N(mean, std²) added to "
            f"every entry of every message; A: c certified. P1's rule: {self.paper_rule!r} (T, ε, score); "
            f"robust ADMM: {self.screening!r}. Lines: median over seeds, bands: all seeds; a line ends "
            "where the honest agents are no longer connected."
        )


def curves(setting: Setting, seeds: Iterable[int]) -> pd.DataFrame:
    """Run both figures and return their curves.

    Returns
    -------
    pandas.DataFrame
        One row an iteration of a run. Columns: ``figure`` ("A", "B"), ``method`` ("plain", "P1's rule", "robust"),
        ``attack`` ("none" or mean and deviation), ``penalty`` (c), ``choice`` (how c was chosen), ``seed``, ``k``,
        ``distance`` (to the honest agents' minimiser), ``distance_all`` (to that of all agents, P1's), ``missed`` and
        ``wronged`` (Byzantine links in use and honest links severed after iteration k, one direction of each).
    """
    import pandas as pd

    return pd.concat([run for seed in seeds for run in _runs(setting, seed)], ignore_index=True)


def _runs(setting: Setting, seed: int) -> list[pd.DataFrame]:
    topo, costs = setting.problem(seed)
    liars = draw_byzantine(topo, setting.byzantine, seed)
    choices = _penalties(topo, costs)
    common: dict[str, Any] = {"iterations": setting.iterations, "seed": seed, "x0": "normal", "alpha0": "normal"}

    def run(figure: str, choice: str, attack: Gaussian | None, method: str) -> pd.DataFrame:
        options = {"byzantine": () if attack is None else liars, "attack": attack, **common}
        result = solve(topo, costs, penalty=choices[choice], screening=setting.rules[method], **options)
        return _rows(result, figure=figure, choice=choice, attack=attack, method=method)

    rows = [run("A", "certified", attack, method) for attack in (None, *ATTACKS) for method in setting.rules]
    for choice in choices:
        rows += [run("B", choice, Gaussian(1.0, 1.0), "robust"), run("B", choice, None, "plain")]
    return rows


def _penalties(topo: Topology, costs: Costs) -> dict[str, float]:
    """Return figure B's values of c by how they were chosen."""
    star, certified = (choose_penalty(topo, costs, method)[0] for method in ("theorem3", "certified"))
    return {"certified": certified, "c*": star, "c*/5": star / 5, "5 c*": 5 * star, "1": 1.0}


def _rows(result: Result, **where: Any) -> pd.DataFrame:
    """Return the curve of one run."""
    import pandas as pd

    attack = where.pop("attack")
    missed, wronged = wrong_links(result)
    return pd.DataFrame(
        {
            "figure": where["figure"],
            "method": where["method"],
            "attack": "none" if attack is None else label(attack),
            "penalty": result.penalty,
            "choice": where["choice"],
            "seed": result.manifest["seed"],
            "k": result.recorded,
            "distance": result.distance,
            "distance_all": result.distance_all,
            "missed": missed,
            "wronged": wronged,
        }
    )


def figure(setting: Setting, table: pd.DataFrame) -> Figure:
    """Draw figures A (one panel a method) and B: medians over seeds, with the range of all seeds as a band."""
    import matplotlib.pyplot as plt

    from decon.report.figures import style

    drawn, panels = plt.subplots(2, 2, figsize=(11, 8.2), sharex=True, sharey=True, layout="constrained")
    index = {"none": 6} | {label(attack): place for place, attack in enumerate(ATTACKS)}
    a, b = table[table["figure"] == "A"], table[table["figure"] == "B"]
    titles = {"plain": "A: ADMM", "P1's rule": "A: robust ADMM, P1's rule", "robust": "A: robust ADMM, default rule"}
    for ax, (method, title) in zip(panels.flat, titles.items(), strict=False):
        for attack, runs in a[a["method"] == method].groupby("attack", sort=False):
            _band(ax, runs, "distance_all" if method == "plain" else "distance", str(attack), style(index[str(attack)]))
        ax.set_title(title, fontsize=11)
    panels[0, 0].legend(title="falsification", fontsize=8, title_fontsize=8, loc="lower left")
    for place, (choice, runs) in enumerate(b[b["method"] == "robust"].groupby("choice", sort=False)):
        name = f"{choice}: c = {runs['penalty'].median():.3g}" if choice != "1" else "c = 1"
        _band(panels[1, 1], runs, "distance", name, style(place))
    panels[1, 1].set_title("B: robust ADMM, default rule, under N(1, 1²)", fontsize=11)
    panels[1, 1].legend(title="penalty", fontsize=8, title_fontsize=8, loc="lower left")
    drawn.supylabel("mean distance to the minimiser (plain: all agents'; robust: the honest agents')", fontsize=10)
    drawn.supxlabel("iteration\n" + textwrap.fill(setting.caption(), 165), fontsize=8)
    return drawn


def _band(ax: Axes, runs: pd.DataFrame, column: str, name: str, line: dict[str, Any]) -> None:
    curves_ = runs.pivot(index="k", columns="seed", values=column).clip(lower=1e-17)
    ax.semilogy(curves_.index, curves_.median(axis=1), label=name, **line)
    ax.fill_between(
        curves_.index, curves_.min(axis=1), curves_.max(axis=1), color=line["color"], alpha=0.15, linewidth=0
    )
    ax.grid(visible=True, which="major", alpha=0.3)


def p1(out: Path, seeds: Sequence[int] = range(5), *, quick: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reproduce P1's two figures into ``out``: p1-curves.csv, p1-claims.csv and p1.png.

    Parameters
    ----------
    out : Path
        A folder; made if it does not exist.
    seeds : sequence of int
        Each draws its own network, data, start, liars and falsifications.
    quick : bool
        Only the first two seeds.

    Returns
    -------
    curves, claims : pandas.DataFrame
        See :func:`curves` and :func:`decon.reproduce.p1_claims.claims`.

    References
    ----------
    .. [1] Li, Kailkhura, Goldhahn, Ray, Varshney (2017). arXiv:1710.05241, section 5.
    """
    import matplotlib.pyplot as plt

    setting = Setting()
    table = curves(setting, tuple(seeds)[:2] if quick else seeds)
    held = claims(table, ATTACKS)
    out.mkdir(parents=True, exist_ok=True)
    table.to_csv(out / "p1-curves.csv", index=False)
    held.to_csv(out / "p1-claims.csv")
    drawn = figure(setting, table)
    drawn.savefig(out / "p1.png", dpi=150)
    plt.close(drawn)
    return table, held
