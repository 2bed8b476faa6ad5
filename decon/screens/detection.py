"""The detection report: who severed whom and when, right or wrong, link by link and agent by agent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from decon.attacks.liars import honest_connected
from decon.screens.public import BALL, PAIR, REASONS

if TYPE_CHECKING:
    import pandas as pd

    from decon.costs.base import Costs
    from topologies import Topology

__all__ = ["Counts", "Detection", "undetected_harm"]


@dataclass(frozen=True)
class Counts:
    """True and false positives and negatives; a positive is a severed link or an accused agent."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    def __str__(self) -> str:
        caught, all_bad = self.true_positive, self.true_positive + self.false_negative
        wrong, all_good = self.false_positive, self.false_positive + self.true_negative
        return f"{caught} of {all_bad} found, {wrong} of {all_good} wrongly"


@dataclass(frozen=True, eq=False)
class Detection:
    """What screening found in a run; from :attr:`decon.Result.detection`.

    Parameters
    ----------
    n : int
        Number of agents.
    edges : (E, 2) ndarray of int
    byzantine : (b,) ndarray of int
    severed, readmitted : structured ndarray with fields k, i, j
        The link events of a :class:`decon.Result`.
    exposed : structured ndarray of :data:`decon.screens.public.EXPOSED`, optional
        Agents that a rule on agents exposed.

    Examples
    --------
    >>> from decon.runs.result import EVENT
    >>> edges = np.array([[0, 1], [0, 2], [1, 2]])
    >>> cuts = np.array([(3, 0, 2), (5, 1, 2)], dtype=EVENT)
    >>> found = Detection(3, edges, np.array([2]), cuts, np.empty(0, dtype=EVENT))
    >>> str(found.links), found.delays.tolist()
    ('2 of 2 found, 0 of 1 wrongly', [5])
    """

    n: int
    edges: NDArray[np.int64]
    byzantine: NDArray[np.int64]
    severed: NDArray[np.void]
    readmitted: NDArray[np.void]
    exposed: NDArray[np.void] | None = None

    @cached_property
    def _history(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return for each edge the first and last iterations of severance (0: never) and counts of both events."""
        position = {(int(i), int(j)): place for place, (i, j) in enumerate(self.edges)}
        first, last, cut, back = (np.zeros(len(self.edges), dtype=np.int64) for _ in range(4))
        taken = np.zeros(len(self.edges), dtype=np.int64)
        for events, count, latest in ((self.severed, cut, last), (self.readmitted, back, taken)):
            for k, i, j in events.tolist():
                edge = position[min(i, j), max(i, j)]
                count[edge] += latest[edge] != k  # both ends report an event of the same iteration
                latest[edge] = k
                if events is self.severed and not first[edge]:
                    first[edge] = k
        return first, np.where(last > taken, last, 0), cut, back

    @cached_property
    def is_severed(self) -> NDArray[np.bool_]:
        """(E,) whether the edge is severed at the end."""
        return np.asarray(self._history[1] > 0)

    @cached_property
    def _liars(self) -> NDArray[np.int64]:
        """(E,) number of falsifying ends."""
        return np.asarray(np.isin(self.edges, self.byzantine).sum(axis=1))

    @cached_property
    def links(self) -> Counts:
        """Links with an honest end at the end of the run: positive is severed, bad is one with a falsifying agent."""
        return _count(self.is_severed[self._liars < 2], self._liars[self._liars < 2] == 1)

    @cached_property
    def accused(self) -> NDArray[np.bool_]:
        """(n,) whether the agent was exposed, by a rule on links: lost more than half of those with honest agents."""
        if self.exposed is not None:
            return np.isin(np.arange(self.n), self.exposed["agent"])
        honest = ~np.isin(self.edges, self.byzantine)
        total, cut = np.zeros(self.n), np.zeros(self.n)
        for end in (0, 1):
            judged = honest[:, 1 - end]
            total += np.bincount(self.edges[judged, end], minlength=self.n)
            cut += np.bincount(self.edges[judged & self.is_severed, end], minlength=self.n)
        return np.asarray(2 * cut > total)

    @cached_property
    def agents(self) -> Counts:
        """Agents: positive is accused, bad is falsifying."""
        return _count(self.accused, np.isin(np.arange(self.n), self.byzantine))

    @cached_property
    def delays(self) -> NDArray[np.int64]:
        """(b,) iteration at which the last honest neighbour severed each falsifying agent for good; -1 if one did not.

        An agent without honest neighbours has delay 0.
        """
        when = np.full(len(self.byzantine), 0, dtype=np.int64)
        for place, agent in enumerate(self.byzantine):
            mine = (self.edges == agent).any(axis=1) & (self._liars == 1)
            last = self._history[1][mine]
            when[place] = 0 if not last.size else (-1 if (last == 0).any() else last.max())
        return when

    @cached_property
    def honest_connected(self) -> bool:
        """Whether the links left connect all honest agents without passing through a falsifying one."""
        return honest_connected(self.n, self.edges[~self.is_severed], self.byzantine)

    def table(self) -> pd.DataFrame:
        """Return one row for every link that was ever severed: ends, verdict, first and last iteration, counts."""
        import pandas as pd

        first, last, cut, back = self._history
        rows = np.flatnonzero(first)
        verdict = np.array(["wrong", "right", "among falsifying"])[self._liars[rows]]
        return pd.DataFrame(
            {
                "i": self.edges[rows, 0],
                "j": self.edges[rows, 1],
                "verdict": verdict,
                "first_severed": first[rows],
                "times_severed": cut[rows],
                "times_readmitted": back[rows],
                "severed_at_end": last[rows] > 0,
            }
        )

    def __str__(self) -> str:
        delays = ", ".join(
            f"agent {agent} {'not cut off' if k < 0 else f'cut off at {k}'}"
            for agent, k in zip(self.byzantine.tolist(), self.delays.tolist(), strict=True)
        )
        state = "connected" if self.honest_connected else "not connected"
        lines = [f"links severed:    {self.links}", f"agents accused:   {self.agents}"]
        lines += [f"detection:        {delays}"] if delays else []
        lines += [f"exposed:          {_charge(record)}" for record in ([] if self.exposed is None else self.exposed)]
        return "\n".join([*lines, f"honest agents:    {state} at the end"])


def _charge(record: np.void) -> str:
    """Return in words why an agent was exposed."""
    who = f"agent {record['agent']} at iteration {record['k']}"
    if record["reason"] == PAIR:
        range_ = f"[{record['strong_convexity']:.3g}, {record['smoothness']:.3g}]"
        return f"{who}, against iteration {record['other']}: to be honest, its cost would need curvatures {range_}"
    if record["reason"] == BALL:
        return f"{who}: to be honest, its cost would need a gradient of {record['gradient_bound']:.3g} at the start"
    return f"{who}: {REASONS[record['reason']]}"


def _unseen(
    topo: Topology, byzantine: Sequence[int] | NDArray[np.integer[Any]], threshold: float
) -> NDArray[np.float64]:
    """Return (b,) how far each falsifying agent may err without an alarm among honest agents that agree."""
    lies = np.zeros(topo.n, dtype=bool)
    lies[np.asarray(byzantine)] = True
    degree = np.bincount(topo.receivers, minlength=topo.n)
    liars = np.bincount(topo.receivers, lies[topo.senders], minlength=topo.n)
    seen = np.where(lies, np.inf, threshold * np.sqrt(2.0 / (1.0 - liars * (degree + 2) / (degree + 1) ** 2)))
    least = np.full(topo.n, np.inf)
    np.minimum.at(least, topo.senders, seen[topo.receivers])
    return np.asarray(least[np.asarray(byzantine)])


def _count(positive: NDArray[np.bool_], bad: NDArray[np.bool_]) -> Counts:
    return Counts(
        int((positive & bad).sum()),
        int((positive & ~bad).sum()),
        int((~positive & bad).sum()),
        int((~positive & ~bad).sum()),
    )


def undetected_harm(
    topo: Topology,
    costs: Costs,
    *,
    penalty: float,
    byzantine: Sequence[int] | NDArray[np.integer[Any]],
    threshold: float,
) -> float:
    """Return an upper bound on the honest agents' distance under errors that stay under a threshold for ever.

    Of honest agent i's d_i neighbours let b_i lie, and let everyone agree but for the errors. What stays under P1's
    alarm (29) then has Σ‖e_j‖² ≤ 2ε² / (1 - b_i(d_i + 2)/(d_i + 1)²): dev_i is at least half the left side times the
    bracket. Each liar is held to the strictest of its honest neighbours; the certified radius at the sum of all bounds
    what they can do. The errors meant are those of broadcasts z = x + e around the minimiser of *all* agents' sum: an
    agent that lies steadily enough is an honest one with another cost (docs/profiling.md).

    Parameters
    ----------
    topo : Topology
    costs : Costs
    penalty : float
        c.
    byzantine : sequence of int
    threshold : float
        ε of (29), in units of x.

    Returns
    -------
    float
        In units of x; infinite where the rate is not certified.

    Examples
    --------
    >>> import networkx as nx
    >>> from decon.costs import Quadratic
    >>> from topologies import Topology
    >>> costs = Quadratic(np.ones((4, 1, 1)), np.zeros((4, 1)))
    >>> topo = Topology(nx.complete_graph(4))
    >>> once = undetected_harm(topo, costs, penalty=0.3, byzantine=[0], threshold=1.0)
    >>> bool(np.isclose(undetected_harm(topo, costs, penalty=0.3, byzantine=[0], threshold=0.1), 0.1 * once))
    True
    """
    import analysis

    return float(
        analysis.certified_radius(
            topo,
            strong_convexity=costs.strong_convexity,
            smoothness=costs.smoothness,
            penalty=penalty,
            byzantine=[int(agent) for agent in byzantine],
            error_bound=float(np.linalg.norm(_unseen(topo, byzantine, threshold))),
        )
    )
