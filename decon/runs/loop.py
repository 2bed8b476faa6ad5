"""One shared loop around the round: owns stopping, history, link events, callbacks and progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decon.attacks.liars import honest_connected
from decon.errors import CostError
from decon.network.links import Links
from decon.runs.checkpoint import Checkpoint
from decon.runs.metrics import Metrics
from decon.runs.round import Moment, Setup, play
from decon.runs.stopping import Residuals

__all__ = ["Callback", "Probe", "Run"]

_DIVERGED = 1e12
"""A mean distance this many times the initial one (or 1, if larger) is called divergence."""


Callback = Callable[[int, Moment], bool | None]
Probe = Callable[[Moment], Any]


@dataclass(eq=False)
class Run:
    """One shared loop: owns stopping, history, events, callbacks and progress.

    Parameters
    ----------
    setup : Setup
    links : Links
    metrics : Metrics
    iterations, record_every : int
    tol : float, Residuals or None
    progress : bool
    checkpoint : Checkpoint or None
    callback : callable or None
        ``callback(k, moment)`` after every iteration; True stops.
    probes : mapping of str to callable
        What else is kept of each recorded moment.
    """

    setup: Setup
    links: Links
    metrics: Metrics
    iterations: int
    tol: float | Residuals | None
    record_every: int
    progress: bool
    checkpoint: Checkpoint | None = None
    callback: Callback | None = None
    probes: Mapping[str, Probe] = field(default_factory=dict)
    status: str = "completed"
    message: str = ""
    seconds: float = 0.0
    severed: list[tuple[int, int, int]] = field(default_factory=list)
    readmitted: list[tuple[int, int, int]] = field(default_factory=list)

    def advance(self, first: Moment) -> None:
        """Iterate from ``first`` until the end, whatever ends it."""
        from tqdm import tqdm

        self.last = first
        del first  # else it would be held, as large as all that follow, until the end
        self.kept: dict[str, list[Any]] = {name: [] for name in self.probes}
        self.message = f"all {self.iterations} iterations done"
        self._change = np.inf
        self._began = self.last.k
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is a status
            self.limit = _DIVERGED * max(1.0, self._measure(self.last))
            before = self._resume()
            began = time.perf_counter()
            try:
                with tqdm(total=self.iterations, initial=self.last.k, disable=not self.progress, unit="it") as bar:
                    while self.last.k < self.iterations and not self._reached():
                        after = self._play()
                        if after is None or not self._accept(after):
                            break
                        bar.update()
                        if self.checkpoint is not None and self.checkpoint.due(self.last.k):
                            self._save(before + time.perf_counter() - began)
            except KeyboardInterrupt:
                self.status, self.message = "interrupted", f"interrupted after iteration {self.last.k}"
        self._check_ending()
        self.seconds = before + time.perf_counter() - began
        ended = self.status in ("completed", "failed")
        if self.checkpoint is not None and ended and not self.checkpoint.due(self.last.k):
            self._save(self.seconds)  # to go on for more iterations

    def exposed(self) -> NDArray[np.void] | None:
        """Return whom a rule on agents exposed, None where no such rule judged."""
        return self.setup.screening.exposed(self.links, self.last.screen) if self.setup.public else None  # type: ignore[union-attr]

    def _play(self) -> Moment | None:
        """Return the next moment; None if a local step failed after others went well, so that these are not lost.

        Over ranks it raises: the others would wait for this one.
        """
        try:
            return play(self.setup, self.links, self.last)
        except CostError as error:
            if self.last.k == self._began or self.links.places > 1:
                raise
            self.status, self.message = "failed", f"iteration {self.last.k + 1} could not be done: {error}"
            return None

    def trajectories(self) -> dict[str, NDArray[Any]]:
        """Return what the probes found, one entry a recorded iteration."""
        return {name: np.array(found) for name, found in self.kept.items()}

    def _measure(self, moment: Moment) -> float:
        for name, probe in self.probes.items():
            self.kept[name].append(np.array(probe(moment)))
        return self.metrics.measure(moment)

    def _check_ending(self) -> None:
        """Say so if a run that went through ends with the honest agents apart, although links might have come back."""
        active = self.last.active
        if self.status != "completed" or active is None:
            return
        if not self._whole(active):
            self.status = "disconnected"
            self.message = f"the honest agents are not one network at the end, iteration {self.last.k}"

    def _save(self, seconds: float) -> None:
        """Keep the run as it is now."""
        memory = {
            "rows": self.metrics.rows,
            "recorded": self.metrics.recorded,
            "severed": self.severed,
            "readmitted": self.readmitted,
            "seconds": seconds,
        }
        assert self.checkpoint is not None  # noqa: S101 - for the type checker
        self.checkpoint.save(self.last, memory, tuple(np.array(found) for found in self.kept.values()))

    def _resume(self) -> float:
        """Go back to the last checkpoint, if there is one; return the seconds it took to get there."""
        found = None if self.checkpoint is None else self.checkpoint.load(self.last, len(self.kept))
        if found is None:
            return 0.0
        self.last, memory, kept = found
        self.metrics.rows[:] = [tuple(row) for row in memory["rows"]]
        self.metrics.recorded[:] = memory["recorded"]
        self.severed = [tuple(event) for event in memory["severed"]]
        self.readmitted = [tuple(event) for event in memory["readmitted"]]
        for name, rows in zip(self.kept, kept, strict=True):
            self.kept[name] = list(rows)
        return float(memory["seconds"])

    def _reached(self) -> bool:
        if self.tol is None:
            return False
        distance, consensus = self.metrics.rows[-1][0], self.metrics.rows[-1][2]
        if isinstance(self.tol, Residuals):
            done = consensus <= self.tol.primal and self._change <= self.tol.dual
            words = f"consensus error {consensus:.3g}, last change {self._change:.3g}"
        else:
            done, words = distance <= self.tol, f"distance {distance:.3g}"
        if done:
            self.status, self.message = "converged", f"{words} at iteration {self.last.k}"
        return done

    def _accept(self, state: Moment) -> bool:
        """Take ``state`` into the run; return whether to go on."""
        if state.poisoned is not None:
            self.status = "nonfinite"
            self.message = (
                f"agent {state.poisoned} sent a non-finite message at iteration {state.k} and nothing screens it "
                "(numbers too large to compute with count as such)"
            )
            return False
        self._note_links(self.last, state)
        before, self.last = self.last, state
        if self.callback is not None and self.callback(state.k, state):
            self.status, self.message = "stopped", f"stopped by the callback after iteration {state.k}"
        if state.k % self.record_every and state.k != self.iterations and self.status != "stopped":
            return self._connected(before, state)
        distance = self._measure(state)
        if isinstance(self.tol, Residuals):
            self._change = self.metrics.change(before, state)
        if not distance <= self.limit:
            self.status = "diverged"
            gap = np.full(len(state.x), -1.0)
            honest = self.metrics.honest
            target = 0.0 if self.metrics.minimizer is None else self.metrics.minimizer
            gap[honest] = np.abs(state.x[honest] - target).max(axis=1)  # no squares: it may be huge
            size, worst = self.links.largest(np.nan_to_num(gap, nan=np.inf, posinf=np.inf))
            off = "away from zero" if self.metrics.minimizer is None else "off the minimizer"
            self.message = f"diverged: agent {worst} is {size:.3g} {off} at iteration {state.k}"
            return False
        return self.status != "stopped" and not self._reached() and self._connected(before, state)

    def _note_links(self, before: Moment, after: Moment) -> None:
        if after.active is None or before.active is None or np.array_equal(before.active, after.active):
            return
        links, honest = self.links, self.links.roles(self.setup.byzantine).honest_receiver
        for events, change in (
            (self.severed, before.active & ~after.active),
            (self.readmitted, after.active & ~before.active),
        ):
            arcs = np.flatnonzero(change & honest)
            ends = zip(links.agents[links.receivers[arcs]], links.senders[arcs], strict=True)
            events.extend((after.k, int(i), int(j)) for i, j in ends)

    def _connected(self, before: Moment, after: Moment) -> bool:
        """Check that the honest agents still form one network, if a rule that never readmits has cut links."""
        screening = self.setup.screening
        if screening is None or screening.readmits or after.active is None or before.active is None:
            return True
        changed = not np.array_equal(before.active, after.active)
        if self.links.total((float(changed),)) == (0.0,):
            return True
        if self._whole(after.active):
            return True
        self.status = "disconnected"
        self.message = f"the honest agents lost touch with each other at iteration {after.k}"
        return False

    def _whole(self, active: NDArray[np.bool_]) -> bool:
        """Whether the links in use connect all honest agents, on all ranks together."""
        topo, used = self.setup.topo, self.links.gather_arcs(active)
        return honest_connected(
            topo.n, np.stack([topo.receivers[used], topo.senders[used]], axis=1), self.setup.byzantine
        )
