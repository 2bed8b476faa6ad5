"""What P2 says of its figures, each sentence as a statement about numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CLOSE", "claims"]

CLOSE = 0.03
"""Accuracies that differ by no more are "close"; P2 gives no number."""

_ROBUST = ("geometric median", "median", "RSA")
"""The Byzantine-robust methods that P2 compares with."""


def claims(rows: pd.DataFrame, best: Mapping[str, float]) -> pd.DataFrame:
    """Return P2's claims, and whether the measured curves bear them out.

    Parameters
    ----------
    rows : DataFrame
        scenario, method, seed, iteration, accuracy.
    best : mapping
        Share of the test samples whose class an honest worker holds, by scenario.

    Returns
    -------
    DataFrame
        figure (of P2, or "here" for this project's own marks), claim, holds, numbers: mean final accuracies.
    """
    import pandas as pd

    told = _Told(rows)
    for figure in (_gaussian, _sign_flip, _same_value, _own_marks):
        figure(told, best)
    return pd.DataFrame(told.table, columns=["figure", "claim", "holds", "numbers"])


class _Told:
    """Mean curves, what they say, and the claims so far."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.mean = rows.groupby(["scenario", "method", "iteration"])["accuracy"].mean()
        self.end = rows["iteration"].max()
        self.table: list[tuple[str, str, bool, str]] = []
        self.methods = [str(m) for m in dict.fromkeys(rows["method"]) if not str(m).endswith("printed")]

    def at(self, scenario: str, method: str) -> float:
        """Return where a curve ends."""
        return float(self.mean[scenario, method, self.end])

    def arrives(self, scenario: str, method: str) -> float:
        """Return the first iteration within CLOSE of where ideal SGD ends."""
        curve = self.mean[scenario, method]
        there = curve.index[curve >= self.at(scenario, "ideal SGD") - CLOSE]
        return float(there[0]) if len(there) else float("inf")

    def add(self, figure: str, claim: str, holds: bool, scenario: str, *methods: str) -> None:
        """Write a claim down with the numbers it rests on."""
        self.table.append((figure, claim, bool(holds), ", ".join(f"{m} {self.at(scenario, m):.3f}" for m in methods)))


def _gaussian(told: _Told, best: Mapping[str, float]) -> None:
    """P2's figure 1."""
    at, add = told.at, told.add
    for q in (4, 8):
        g = f"gaussian q={q}"
        worst = min(told.methods, key=lambda m: at(g, m))
        add("1", f"q={q}: SGD is worst", at(g, "SGD") <= at(g, worst), g, "SGD", *_ROBUST, "ADMM")
    g = "gaussian q=4"
    robust = [m for m in told.methods if m not in ("ideal SGD", "SGD", "ADMM", "screened ADMM")]
    add("1", "q=4: ADMM is best of P2's robust methods", at(g, "ADMM") >= max(at(g, m) for m in _ROBUST), g, "ADMM",
        *_ROBUST)  # fmt: skip
    if len(robust) > len(_ROBUST):
        add("1", "q=4: ADMM is best of all robust methods here", at(g, "ADMM") >= max(at(g, m) for m in robust), g,
            "ADMM", *robust)  # fmt: skip
    g = "gaussian q=8"
    add("1", "q=8: all robust methods are close to ideal SGD",
        all(_near(at(g, m), at(g, "ideal SGD")) for m in (*_ROBUST, "ADMM")), g, *_ROBUST, "ADMM",
        "ideal SGD")  # fmt: skip
    speed = {m: told.arrives(g, m) for m in (*_ROBUST, "ADMM")}
    told.table.append(
        (
            "1",
            f"q=8: ADMM converges fastest (first within {CLOSE:g} of ideal SGD's end)",
            speed["ADMM"] <= min(speed.values()) and bool(np.isfinite(speed["ADMM"])),
            ", ".join(f"{m} {k:.0f}" if np.isfinite(k) else f"{m} never" for m, k in speed.items()),
        )
    )


def _sign_flip(told: _Told, best: Mapping[str, float]) -> None:
    """P2's figure 2."""
    at, add = told.at, told.add
    for q in (4, 8):
        f = f"sign-flip q={q}"
        add("2", f"q={q}: SGD fails", at(f, "SGD") < at(f, "ideal SGD") - 0.1, f, "SGD", "ideal SGD")
    f = "sign-flip q=4"
    add("2", "q=4: ADMM is close to ideal SGD", _near(at(f, "ADMM"), at(f, "ideal SGD")), f, "ADMM", "ideal SGD")
    add("2", "q=4: RSA beats geometric median and median",
        at(f, "RSA") > max(at(f, "geometric median"), at(f, "median")), f, *_ROBUST)  # fmt: skip
    f = "sign-flip q=8"
    close = ("ADMM", "RSA", "geometric median")
    add("2", "q=8: ADMM, RSA and geometric median are close to ideal SGD",
        all(_near(at(f, m), at(f, "ideal SGD")) for m in close), f, *close, "ideal SGD")  # fmt: skip
    add("2", "q=8: ADMM, RSA and geometric median beat the median",
        min(at(f, m) for m in close) > at(f, "median"), f, *close, "median")  # fmt: skip


def _same_value(told: _Told, best: Mapping[str, float]) -> None:
    """P2's figure 3."""
    at, add = told.at, told.add
    for q in (4, 8):
        s = f"same-value q={q}"
        add("3", f"q={q}: geometric median and median recognise one class only",
            max(at(s, "geometric median"), at(s, "median")) < 0.15, s,
            "geometric median", "median")  # fmt: skip
        add("3", f"q={q}: ADMM and RSA work well (within 0.05 of the classes left, {best[s]:.3f})",
            min(at(s, "ADMM"), at(s, "RSA")) >= best[s] - 0.05, s, "ADMM", "RSA")  # fmt: skip
        add("3", f"q={q}: ADMM is better than RSA", at(s, "ADMM") > at(s, "RSA"), s, "ADMM", "RSA")


def _own_marks(told: _Told, best: Mapping[str, float]) -> None:
    """Hold the runs to marks of our own."""
    at, add = told.at, told.add
    for q, mark in ((4, 0.94), (8, 0.91)):
        g, f, s = f"gaussian q={q}", f"sign-flip q={q}", f"same-value q={q}"
        add("here", f"gaussian q={q}: ADMM within .01 of ideal SGD", at(g, "ADMM") >= at(g, "ideal SGD") - 0.01, g,
            "ADMM", "ideal SGD")  # fmt: skip
        add("here", f"sign-flip q={q}: ADMM at least {mark:g}", at(f, "ADMM") >= mark, f, "ADMM")
        if "screened ADMM" in told.methods:
            add("here", f"sign-flip q={q}: screened ADMM within .01 of ideal SGD",
                at(f, "screened ADMM") >= at(f, "ideal SGD") - 0.01, f,
                "screened ADMM", "ADMM", "Krum", "ideal SGD")  # fmt: skip
        add("here", f"same-value q={q}: ADMM within .01 of the classes left ({best[s]:.3f})",
            at(s, "ADMM") >= best[s] - 0.01, s, "ADMM")  # fmt: skip


def _near(value: float, other: float) -> bool:
    return abs(value - other) <= CLOSE
