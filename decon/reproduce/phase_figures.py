"""The pictures of the breakdown study: heat maps, and hits against false alarms."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from decon.report.figures import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["heat_maps", "roc"]

_FLOOR = 1e-16
"""Errors below rounding are shown as rounding."""


def heat_maps(runs: pd.DataFrame) -> Figure:
    """Draw one column of maps a topology: share of liars' links severed above, final error below.

    Parameters
    ----------
    runs : pandas.DataFrame
        From :func:`decon.reproduce.phase.phase_runs`; cells show the mean share and the median error over seeds.
    """
    import matplotlib.pyplot as plt

    names = list(runs["topology"].unique())
    drawn, panels = plt.subplots(
        2,
        len(names),
        figsize=(2.2 * len(names) + 1.0, 5.4),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for column, name in enumerate(names):
        here = runs[runs["topology"] == name]
        shares = here.pivot_table(index="byzantine", columns="strength", values="detected", aggfunc="mean")
        errors = here.pivot_table(index="byzantine", columns="strength", values="final", aggfunc="median")
        exponents = np.log10(errors.clip(lower=_FLOOR, upper=1e4))
        hit = _map(panels[0, column], shares, _share, cmap="cividis", vmin=0.0, vmax=1.0)
        off = _map(panels[1, column], exponents, _whole, cmap="cividis_r", vmin=-16.0, vmax=4.0)
        panels[0, column].set_title(name, fontsize=10)
    for row in panels:
        row[0].set_ylabel("Byzantine agents of 20")
    drawn.supxlabel("strength s of the falsification N(s, s²), in units of x", fontsize=10)
    drawn.colorbar(hit, ax=panels[0], label="links to liars severed (mean share)", pad=0.01)
    drawn.colorbar(off, ax=panels[1], label="log₁₀ final distance (median)", pad=0.01)
    return drawn


def _share(value: float) -> str:
    return f"{value:.2f}".removeprefix("0").removesuffix(".00") or "0"


def _whole(value: float) -> str:
    return str(round(value))


def _map(ax: Axes, cells: pd.DataFrame, words: Callable[[float], str], **colors: Any) -> Any:
    """Draw one labelled map."""
    values = cells.to_numpy()
    image = ax.imshow(values, origin="lower", aspect="auto", **colors)
    bright = np.asarray(image.to_rgba(values))[..., :3] @ (0.299, 0.587, 0.114) > 0.5
    for (i, j), value in np.ndenumerate(values):
        ax.text(j, i, words(value), ha="center", va="center", fontsize=7, color="black" if bright[i, j] else "white")
    ax.set_xticks(range(len(cells.columns)), [f"{value:g}" for value in cells.columns], fontsize=8)
    ax.set_yticks(range(len(cells.index)), [str(value) for value in cells.index], fontsize=8)
    return image


def roc(table: pd.DataFrame) -> Figure:
    """Draw hits against false alarms, one panel a strength, one line a rule, a mark a threshold.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`decon.reproduce.phase.roc_runs`.
    """
    import matplotlib.pyplot as plt

    strengths = list(table["strength"].unique())
    drawn, panels = plt.subplots(
        1, len(strengths), figsize=(4.4 * len(strengths), 4.2), sharey=True, squeeze=False, layout="constrained"
    )
    for ax, strength in zip(panels[0], strengths, strict=True):
        for place, (rule, points) in enumerate(table[table["strength"] == strength].groupby("rule", sort=False)):
            size = 10 if len(points) == 1 else 5  # a rule without a threshold is one mark
            ax.plot(
                points["false_alarms"],
                points["hits"],
                label=str(rule),
                marker="os^*"[place % 4],
                ms=size,
                **style(place),
            )
        ax.plot([0, 1], [0, 1], color="0.7", linewidth=0.8, linestyle=":")
        ax.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="honest links severed (share)")
        ax.set_title(f"falsification N({strength:g}, {strength:g}²)", fontsize=10)
        ax.grid(visible=True, alpha=0.3)
    panels[0, 0].set_ylabel("links to liars severed (share)")
    panels[0, -1].legend(loc="lower right", fontsize=8)
    return drawn
