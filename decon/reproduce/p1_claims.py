"""What P1 says of its figures, held against the curves."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from decon.attacks import Gaussian

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["claims", "label", "told"]

TOLERANCE = 1e-8
"""The distance at which a run counts as converged, in units of x (the true x is N(0, I))."""

COMPARABLE = 1.5
"""How many times the iterations without Byzantine agents still counts as P1's "comparable convergence speed"."""


def label(attack: Gaussian) -> str:
    """Name a falsification as tables and figures do.

    Examples
    --------
    >>> label(Gaussian(1.0, 2.0))
    'N(1, 2²)'
    """
    return f"N({attack.mean:g}, {attack.std:g}²)"


def claims(table: pd.DataFrame, attacks: Sequence[Gaussian]) -> pd.DataFrame:
    """Hold the curves against what P1 says of its figures.

    Returns
    -------
    pandas.DataFrame
        Index: the claim. Columns: ``passed``; ``measured``, in words with numbers.
    """
    import pandas as pd

    rows = [
        *_claims_a(attacks, _runs_of(table[table["figure"] == "A"])),
        *_claims_b(_runs_of(table[table["figure"] == "B"])),
    ]
    return pd.DataFrame(rows, columns=["claim", "passed", "measured"]).set_index("claim")


def told(held: pd.DataFrame) -> str:
    """Return the claims as text, each with its verdict and, below, what was measured.

    Examples
    --------
    >>> import pandas as pd
    >>> print(told(pd.DataFrame({"passed": [False], "measured": ["3 of 5"]}, index=["it converges"])))
    NOT PASSED  it converges
                3 of 5
    """
    indent = " " * 12
    blocks = (
        f"{'passed' if row['passed'] else 'NOT PASSED':<12}{claim}\n"
        + textwrap.fill(row["measured"], 110, initial_indent=indent, subsequent_indent=indent)
        for claim, row in held.iterrows()
    )
    return "\n".join(blocks)


def _runs_of(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a run: where it ended, when it was converged, and when its links were all right."""
    import pandas as pd

    rows = []
    for key, run in table.groupby(["method", "attack", "choice", "seed"], sort=False):
        aim = run["distance_all"] if key[0] == "plain" else run["distance"]
        last = run.iloc[-len(run) // 4 :]
        rows.append(
            {
                **dict(zip(("method", "attack", "choice", "seed"), key, strict=True)),
                "final": aim.iloc[-1],
                "radius": last["distance_all"].mean(),
                "converged": _from(run["k"], aim <= TOLERANCE),
                "found": _from(run["k"], (run["missed"] == 0)),
                "right": run["missed"].iloc[-1] == 0 and run["wronged"].iloc[-1] == 0,
            }
        )
    return pd.DataFrame(rows)


def _from(k: pd.Series, holds: pd.Series) -> float:
    """Return the first iteration from which ``holds`` stays true, infinite if it does not."""
    never = np.flatnonzero(~holds.to_numpy())
    first = 0 if never.size == 0 else int(never[-1]) + 1
    return float(k.iloc[first]) if first < len(k) else np.inf


def _claims_a(attacks: Sequence[Gaussian], runs: pd.DataFrame) -> list[tuple[str, bool, str]]:
    plain = runs[runs["method"] == "plain"].set_index("attack")
    clean = plain.loc[["none"]].set_index("seed")
    radius = plain.groupby("attack")["radius"].median()

    def grows(labels: Sequence[str]) -> tuple[bool, str]:
        values = [float(radius[name]) for name in labels]
        told = ", ".join(f"{name}: {value:.3g}" for name, value in zip(labels, values, strict=True))
        return all(a < b for a, b in pairwise(values)), told

    found = [
        (
            "plain ADMM converges without Byzantine agents",
            bool(np.isfinite(clean["converged"]).all()),
            f"to {TOLERANCE:g} in {clean['converged'].median():.0f} iterations (median); ends at most "
            f"{clean['final'].max():.1e} away",
        ),
        (
            "plain ADMM under attack does not converge",
            bool((radius.drop("none") > 1e3 * TOLERANCE).all()),
            f"median radius {radius.drop('none').min():.2g} … {radius.drop('none').max():.3g}",
        ),
        ("its radius grows with the deviation", *grows([label(a) for a in attacks if a.mean == 0])),
        ("its radius grows with the mean", *grows([label(a) for a in attacks if a.std == 1])),
    ]
    for method, name in (("robust", "robust ADMM"), ("P1's rule", "P1's rule")):
        found += _claims_robust(name, runs[runs["method"] == method].set_index("attack"), clean)
    return found


def _claims_robust(name: str, runs: pd.DataFrame, clean: pd.DataFrame) -> list[tuple[str, bool, str]]:
    """Return what P1 says of its robust variant, for one rule; ``clean`` is plain ADMM without liars, by seed."""
    lied_to, unharmed = runs.drop(index="none"), runs.loc[["none"]]
    done = np.isfinite(lied_to["converged"])
    alone = clean.loc[lied_to["seed"], "converged"].to_numpy()
    total, after = (
        float(np.median((times.to_numpy() / alone)[done])) if done.any() else np.inf
        for times in (lied_to["converged"], lied_to["converged"] - lied_to["found"])
    )
    cut = lied_to["found"][np.isfinite(lied_to["found"])]
    by = f"; all cut for good by iteration {cut.median():.0f} (median of those found)" if len(cut) else ""
    return [
        (
            f"{name} identifies all Byzantine agents, and no honest one",
            bool(lied_to["right"].all()),
            _shares(lied_to["right"]) + by,
        ),
        (
            f"{name} converges to the honest agents' minimiser",
            bool(done.all()),
            f"within {TOLERANCE:g}: {_shares(done)}",
        ),
        (
            f"{name}: about as fast as without Byzantine agents",
            after <= COMPARABLE,
            f"{after:.2f} × the iterations once all are found, {total:.2f} × in all (medians of runs that converge); "
            f"bar: {COMPARABLE} × once found",
        ),
        (
            f"{name} cuts nothing where there is no Byzantine agent",
            bool(unharmed["right"].all()),
            f"{_shares(unharmed['right'])}; {unharmed['converged'].median():.0f} iterations (median)",
        ),
    ]


def _shares(holds: pd.Series[bool]) -> str:
    """Return how many runs of each attack ``holds`` is true for."""
    counts = holds.groupby(level=0, sort=False).agg(["sum", "size"])
    return ", ".join(f"{name}: {row['sum']} of {row['size']}" for name, row in counts.iterrows())


def _claims_b(runs: pd.DataFrame) -> list[tuple[str, bool, str]]:
    times = runs.groupby(["method", "choice"], sort=False)["converged"].median()
    found = []
    for method, name in (("robust", "robust ADMM under attack"), ("plain", "plain ADMM without attack")):
        mine = times[method]
        told = ", ".join(f"{choice}: {mine[choice]:.0f}" for choice in mine.index)
        others = mine.drop(["c*", "certified"])
        found += [
            (
                f"{name}: c* of Theorem 3 is faster than every c not from theory",
                bool((mine["c*"] < others).all()),
                told,
            ),
            (f"{name}: the certified c is at least as fast as c*", bool(mine["certified"] <= mine["c*"]), told),
        ]
    return found
