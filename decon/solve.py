"""The one front door: a topology and local costs go in, a checked run comes out."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decon.attacks import Attack, NoAttack
from decon.costs.base import Array, Costs
from decon.engine import Method, State, iterate
from decon.errors import OptionError
from decon.links import LocalLinks
from decon.local_steps import Exact, LocalStep
from decon.metrics import Metrics
from decon.minimizer import minimizer
from decon.penalty import choose_penalty
from decon.result import EVENT, Result
from decon.screening import Screening
from decon.streams import stream
from topologies import Topology

__all__ = ["solve"]

_DIVERGED = 1e12
"""A mean distance this many times the initial one (or 1, if larger) is called divergence."""


def solve(
    topo: Topology,
    costs: Costs,
    *,
    penalty: float | str = "auto",
    byzantine: Sequence[int] | NDArray[np.integer[Any]] = (),
    attack: Attack | None = None,
    screening: Screening | None = None,
    dual_bound: float = np.inf,
    local_step: LocalStep | None = None,
    x0: ArrayLike | Literal["normal"] | None = None,
    alpha0: ArrayLike | Literal["normal"] | None = None,
    iterations: int = 400,
    tol: float | None = None,
    seed: int = 0,
    record_every: int = 1,
    progress: bool = False,
) -> Result:
    r"""Run decentralized ADMM, P1 (4)-(7), or any other member of the family of docs/theory.md section 1.

    Parameters
    ----------
    topo : Topology
        n agents.
    costs : Costs
        n local costs on R^N.
    penalty : float or {"auto", "certified", "theorem3", "exact"}
        c, or how theory should choose it, see :func:`decon.penalty.choose_penalty`.
    byzantine : sequence of int
        The falsifying agents; at most half of all.
    attack : Attack, optional
        What they send; nothing false unless given.
    screening : Screening, optional
        How honest agents judge messages before they use them.
    dual_bound : float
        λ > 0, P2's bound on every entry of every dual; infinite is P1.
    local_step : LocalStep, optional
        ``Exact()`` unless given.
    x0, alpha0 : (n, N) array_like, "normal" or None
        Initial updates and multipliers, zeros unless given; "normal" draws N(0, 1) as P1's experiments do. The
        multipliers must sum to zero over agents (P1's α⁰ ∈ range(L₋)); a drawn α⁰ is centred so that it does.
    iterations : int
        Upper bound on the iterations.
    tol : float, optional
        Stop once ``distance`` is at most this.
    seed : int
        Of all randomness; streams are named, so that two methods on the same seed meet the same attack draws.
    record_every : int
        Iterations between history entries.
    progress : bool
        Show a progress bar on stderr.

    Returns
    -------
    Result
        Also when the run diverges or is interrupted with Ctrl-C: see its ``status``, and ``require()``.

    Raises
    ------
    TopologyError, CostError, OptionError
        All ``ValueError``; for sizes that do not fit or options out of range, before any work is done.

    References
    ----------
    .. [1] Li, Kailkhura, Goldhahn, Ray, Varshney (2017). arXiv:1710.05241, equations (4)-(7).
    .. [2] Lin, Ling, Li, Xiong (2020). ICASSP, Algorithm 1.

    Examples
    --------
    >>> import networkx as nx
    >>> from decon.costs import Quadratic
    >>> topo = Topology(nx.path_graph(2))
    >>> costs = Quadratic([[[1.0]], [[1.0]]], [[0.0], [2.0]])
    >>> solve(topo, costs, penalty=0.5, iterations=60)
    Result(completed, iterations=60, distance=...)
    """
    who = _check(topo, costs, byzantine, dual_bound, iterations, tol, record_every, seed)
    start_x, start_alpha = _initial("x0", x0, costs, seed), _initial("alpha0", alpha0, costs, seed)
    value, source = choose_penalty(topo, costs, penalty)
    method = Method(
        topo=topo,
        costs=costs,
        penalty=value,
        byzantine=who,
        attack=attack or NoAttack(),
        screening=screening,
        dual_bound=float(dual_bound),
        local_step=local_step or Exact(),
        seed=seed,
        rate=_screening_rate(topo, costs, value) if screening is not None else None,
    )
    honest = np.setdiff1d(np.arange(costs.n), who)
    target = minimizer(costs, honest)
    target_all = target if who.size == 0 else minimizer(costs)
    metrics = Metrics(costs, honest, target, target_all)
    run = _Run(method, metrics, iterations, tol, record_every, progress)
    run.advance(start_x, start_alpha)
    state = run.last
    return Result(
        x=state.x,
        minimizer=target,
        **metrics.histories(),
        recorded=np.array(metrics.recorded, dtype=np.int64),
        severed=np.array(run.severed, dtype=EVENT),
        readmitted=np.array(run.readmitted, dtype=EVENT),
        status=run.status,
        message=run.message,
        iterations=state.k,
        penalty=value,
        byzantine=who,
        edges=topo.edges,
        seconds=run.seconds,
        manifest={
            "topology": {"name": topo.name, "n": topo.n, "edges": topo.n_edges},
            "costs": costs.fingerprint(),
            "penalty": {"value": value, "source": source},
            "attack": method.attack,
            "screening": screening,
            "dual_bound": str(dual_bound),
            "local_step": method.local_step,
            "iterations": iterations,
            "tol": tol,
            "record_every": record_every,
            "seed": seed,
            "versions": _versions(),
        },
    )


def _check(
    topo: Topology,
    costs: Costs,
    byzantine: Sequence[int] | NDArray[np.integer[Any]],
    dual_bound: float,
    iterations: int,
    tol: float | None,
    record_every: int,
    seed: int,
) -> NDArray[np.int64]:
    """Refuse what cannot run; return the falsifying agents in ascending order."""
    if not isinstance(topo, Topology):
        raise OptionError(f"topo must be a topologies.Topology, not {type(topo).__name__}")
    if not isinstance(costs, Costs):
        raise OptionError(f"costs must be a decon.costs.Costs, not {type(costs).__name__}")
    if costs.n != topo.n:
        raise OptionError(f"{topo.n} agents need {topo.n} costs, not {costs.n}")
    given = np.asarray(byzantine)
    if given.ndim != 1 or (given.size and not np.issubdtype(given.dtype, np.integer)):
        raise OptionError(f"byzantine must be a list of agent indices, not {byzantine!r}")
    who = np.unique(given.astype(np.int64))
    if who.size and (who[0] < 0 or who[-1] >= topo.n):
        raise OptionError(f"byzantine agents must lie in 0 … {topo.n - 1}, found {who[0] if who[0] < 0 else who[-1]}")
    if 2 * who.size > topo.n:
        raise OptionError(f"{who.size} of {topo.n} agents Byzantine is a majority; no method can help")
    if not dual_bound > 0:
        raise OptionError(f"the dual bound must be positive, not {dual_bound}")
    for name, value, least in (("iterations", iterations, 0), ("record_every", record_every, 1), ("seed", seed, 0)):
        if not isinstance(value, (int, np.integer)) or value < least:
            raise OptionError(f"{name} must be an integer of at least {least}, not {value!r}")
    if tol is not None and not tol > 0:
        raise OptionError(f"tol must be positive, not {tol}")
    return who


def _initial(name: str, given: ArrayLike | Literal["normal"] | None, costs: Costs, seed: int) -> Array:
    """Return x⁰ or α⁰, checked."""
    shape = (costs.n, costs.dim)
    if given is None:
        return np.zeros(shape)
    if isinstance(given, str):
        if given != "normal":
            raise OptionError(f'{name} must be an array or "normal", not {given!r}')
        drawn = stream(seed, name).normal(size=shape)
        return drawn - drawn.mean(axis=0) if name == "alpha0" else drawn
    array = np.array(given, dtype=float)
    if array.shape != shape or not np.isfinite(array).all():
        raise OptionError(f"{name} must be a finite array of shape {shape}, not {array.shape}")
    if name == "alpha0" and np.abs(array.sum(axis=0)).max() > 1e-9 * max(1.0, np.abs(array).max()) * costs.n:
        raise OptionError("alpha0 must sum to zero over the agents, or the run ends at another point")
    return array


def _screening_rate(topo: Topology, costs: Costs, penalty: float) -> float | None:
    """Return a certified rate for screening rules, or None where theory gives none."""
    import analysis

    if not (costs.strong_convexity > 0 and np.isfinite(costs.smoothness)):
        return None
    rate = analysis.certified_rate(
        topo, strong_convexity=costs.strong_convexity, smoothness=costs.smoothness, penalty=penalty
    )
    return float(rate) if rate < 1 else None


@dataclass(eq=False)
class _Run:
    """One shared loop: owns stopping, history, events and progress."""

    method: Method
    metrics: Metrics
    iterations: int
    tol: float | None
    record_every: int
    progress: bool
    status: str = "completed"
    message: str = ""
    seconds: float = 0.0
    severed: list[tuple[int, int, int]] = field(default_factory=list)
    readmitted: list[tuple[int, int, int]] = field(default_factory=list)

    def advance(self, x0: Array, alpha0: Array) -> None:
        """Iterate until the end, whatever ends it."""
        from tqdm.auto import tqdm

        links = LocalLinks(self.method.topo)
        states = iterate(self.method, links, x0=x0, alpha0=alpha0)
        self.last = next(states)
        began = time.perf_counter()
        initial = self.metrics.measure(self.last)
        self.limit = _DIVERGED * max(1.0, initial)
        self.message = f"all {self.iterations} iterations done"
        try:
            with tqdm(total=self.iterations, disable=not self.progress, unit="it", leave=False) as bar:
                while self.last.k < self.iterations and not self._reached(initial):
                    state = next(states)
                    if not self._accept(state):
                        break
                    bar.update()
        except KeyboardInterrupt:
            self.status, self.message = "interrupted", f"interrupted after iteration {self.last.k}"
        self.seconds = time.perf_counter() - began

    def _reached(self, distance: float) -> bool:
        done = self.tol is not None and distance <= self.tol
        if done:
            self.status, self.message = "converged", f"distance {distance:.3g} at iteration {self.last.k}"
        return done

    def _accept(self, state: State) -> bool:
        """Take ``state`` into the run; return whether to go on."""
        if state.poisoned is not None:
            self.status = "nonfinite"
            self.message = (
                f"agent {state.poisoned} sent a non-finite message at iteration {state.k} and nothing screens it"
            )
            return False
        self._note_links(self.last, state)
        before, self.last = self.last, state
        if state.k % self.record_every and state.k != self.iterations:
            return self._connected(before, state)
        distance = self.metrics.measure(state)
        if not distance <= self.limit:
            self.status = "diverged"
            gap = np.abs(state.x - self.metrics.minimizer).max(axis=1)  # no squares: it may be huge
            worst = self.metrics.honest[int(np.argmax(np.nan_to_num(gap, nan=np.inf)[self.metrics.honest]))]
            self.message = f"diverged: agent {worst} is {gap[worst]:.3g} off the minimizer at iteration {state.k}"
            return False
        return not self._reached(distance) and self._connected(before, state)

    def _note_links(self, before: State, after: State) -> None:
        if after.active is None or before.active is None or np.array_equal(before.active, after.active):
            return
        topo, honest = self.method.topo, self.method.honest_receiver
        for events, change in (
            (self.severed, before.active & ~after.active),
            (self.readmitted, after.active & ~before.active),
        ):
            arcs = np.flatnonzero(change & honest)
            events.extend(
                (after.k, int(i), int(j)) for i, j in zip(topo.receivers[arcs], topo.senders[arcs], strict=True)
            )

    def _connected(self, before: State, after: State) -> bool:
        """Check that the honest agents still form one network, if a rule that never readmits has cut links."""
        screening = self.method.screening
        if screening is None or screening.readmits or after.active is None or before.active is None:
            return True
        if np.array_equal(before.active, after.active) or honest_connected(self.method, after.active):
            return True
        self.status = "disconnected"
        self.message = f"the honest agents lost touch with each other at iteration {after.k}"
        return False


def honest_connected(method: Method, active: NDArray[np.bool_]) -> bool:
    """Whether the links in use connect all honest agents without passing through a falsifying one."""
    import scipy.sparse as sp
    from scipy.sparse.csgraph import connected_components

    topo = method.topo
    honest = np.setdiff1d(np.arange(topo.n), method.byzantine)
    ends = (topo.receivers[active], topo.senders[active])
    used = sp.csr_array((np.ones(len(ends[0])), ends), shape=(topo.n, topo.n))
    return bool(connected_components(used[honest][:, honest], directed=False, return_labels=False) == 1)


def _versions() -> dict[str, str]:
    import networkx
    import scipy

    from decon import __version__

    return {
        "decon": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "networkx": networkx.__version__,
    }
