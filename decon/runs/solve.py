"""The one front door: a topology and local costs go in, a checked run comes out."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decon.attacks import Attack, NoAttack
from decon.costs.base import Array, Costs
from decon.errors import OptionError
from decon.methods.admm import Admm
from decon.methods.local_steps import Exact, LocalStep
from decon.network.links import Links, LocalLinks
from decon.options import require_instance
from decon.problem.minimizer import minimizer
from decon.runs.checkpoint import Checkpoint
from decon.runs.inputs import check_numbers, check_parts, dtype_of, initial
from decon.runs.loop import Run
from decon.runs.metrics import Metrics
from decon.runs.result import EVENT, Result
from decon.runs.round import Setup, ready
from decon.screens.protocol import Screening
from topologies import Topology

__all__ = ["solve"]


class Network(Protocol):
    """The agents of a run, and where they are: all here, or on many ranks."""

    @property
    def links(self) -> Links:
        """The neighbour exchange of the agents here."""

    @property
    def costs(self) -> Costs:
        """Costs of the agents here."""

    @property
    def whole(self) -> Costs:
        """What is known of all costs, at least n, N, ν and ℓ."""

    def minimizer(self, agents: NDArray[np.int64]) -> Array:
        """Return (N,) the minimiser of the sum of the costs of ``agents``."""

    def guard(self) -> AbstractContextManager[object]:
        """Return what sees to it that one place's failure ends all."""

    def result(self, values: dict[str, Any]) -> Result:
        """Return the result with these fields, and the edges."""


class _Here:
    """All agents in this process."""

    def __init__(self, topo: Topology, costs: Costs) -> None:
        self.links, self.costs, self.whole = LocalLinks(topo), costs, costs

    def minimizer(self, agents: NDArray[np.int64]) -> Array:
        return minimizer(self.costs, agents)

    def guard(self) -> AbstractContextManager[object]:
        return nullcontext()

    def result(self, values: dict[str, Any]) -> Result:
        return Result(**values, edges=self.links.topo.edges)


def solve(
    topo: Topology,
    costs: Costs | Callable[[NDArray[np.int64]], Costs],
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
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 100,
    engine: Literal["local", "mpi"] = "local",
    precision: Literal["double", "single"] = "double",
) -> Result:
    r"""Run decentralized ADMM, P1 (4)-(7), or any other member of the family of docs/theory.md section 1.

    Parameters
    ----------
    topo : Topology
        n agents.
    costs : Costs
        n local costs on R^N; or a function from agent numbers to their costs, such as
        :func:`decon.datasets.quadratics` or :class:`decon.distributed.Shards`, which with ``engine="mpi"`` each rank
        calls for its own agents only.
    penalty : float or {"auto", "certified", "theorem3", "exact"}
        c, or how theory should choose it, see :func:`decon.methods.penalty.choose_penalty`.
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
    checkpoint : path, optional
        Folder for the state of the run, kept every ``checkpoint_every`` iterations. If it holds one of this very run,
        the run goes on from there, and ends with the same bits as one that was never killed.
    checkpoint_every : int
    engine : {"local", "mpi"}
        Where the agents live: in this process, or shared out over the ranks of ``mpiexec``, all of which call this
        function alike. Over MPI the outcome is a :class:`decon.distributed.Share`, whose ``x`` are this rank's agents'.
    precision : {"double", "single"}
        Of updates, messages and duals. Single halves the memory of the arc form and the bytes between ranks; local
        steps are solved in double and rounded; a run stops short of x* by 1e-7 to 1e-5 of its size (docs/scaling.md).

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
    where = _network(engine, topo, costs)
    whole = where.whole
    who = check_numbers(topo, whole, byzantine, dual_bound, iterations, tol, record_every, seed)
    check_parts(attack, screening, local_step)
    start_x = initial("x0", x0, whole, seed)[where.links.agents].astype(dtype_of(precision), copy=False)
    start_alpha = None if alpha0 is None else initial("alpha0", alpha0, whole, seed)
    admm = Admm(penalty, float(dual_bound), local_step or Exact(), start_alpha)
    method, notes = admm.settle(topo, whole)
    setup = Setup(
        topo=topo,
        costs=where.costs,
        method=method,
        byzantine=who,
        attack=attack or NoAttack(),
        screening=screening,
        seed=seed,
        rate=None if screening is None else method.certified_rate(topo, whole),
    )
    manifest = {
        "topology": {"name": topo.name, "n": topo.n, "edges": topo.n_edges},
        "costs": whole.fingerprint(),
        **notes,
        "attack": setup.attack,
        "screening": screening,
        "dual_bound": str(dual_bound),
        "local_step": method.local_step,
        "iterations": iterations,
        "tol": tol,
        "record_every": record_every,
        "precision": precision,
        "seed": seed,
        "versions": _versions(),
    }
    honest = np.setdiff1d(np.arange(topo.n), who)
    links = ready(setup, where.links)
    keep = None
    if checkpoint is not None:
        keep = Checkpoint(checkpoint, checkpoint_every, links, (manifest, topo.adjacency, who, start_x, start_alpha))
    with where.guard(), keep or nullcontext():
        target = where.minimizer(honest)
        target_all = target if who.size == 0 else where.minimizer(np.arange(topo.n))
        here = np.flatnonzero(np.isin(links.agents, honest))
        metrics = Metrics(where.costs, links, here, target, target_all)
        run = Run(setup, links, metrics, iterations, tol, record_every, progress and links.place == 0, keep)
        run.advance(start_x)
        severed, readmitted = (links.gather_events(events) for events in (run.severed, run.readmitted))
        return where.result(
            {
                "x": run.last.x,
                "minimizer": target,
                **metrics.histories(),
                "recorded": np.array(metrics.recorded, dtype=np.int64),
                "severed": np.array(severed, dtype=EVENT),
                "readmitted": np.array(readmitted, dtype=EVENT),
                "status": run.status,
                "message": run.message,
                "iterations": run.last.k,
                "penalty": method.c,
                "byzantine": who,
                "seconds": run.seconds,
                "manifest": manifest,
            }
        )


def _network(engine: str, topo: Topology, costs: Costs | Callable[[NDArray[np.int64]], Costs]) -> Network:
    """Return the agents, in this process or over the ranks of MPI."""
    require_instance("topo", topo, Topology, "topologies")
    if engine == "mpi":
        from decon.network.mpi.ranks import OverRanks

        return OverRanks(topo, costs)
    if engine != "local":
        raise OptionError(f'engine must be "local" or "mpi", not {engine!r}')
    made = costs(np.arange(topo.n)) if callable(costs) else costs
    require_instance("costs", made, Costs, "decon.costs")
    return _Here(topo, made)


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
