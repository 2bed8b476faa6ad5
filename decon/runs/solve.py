"""The one front door: a topology and local costs go in, a checked run comes out."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from decon.attacks import Attack
from decon.attacks.liars import Liars
from decon.costs.base import Costs
from decon.errors import OptionError
from decon.methods.admm import Admm
from decon.methods.local_steps import Exact, LocalStep
from decon.methods.protocol import Algorithm
from decon.network.links import Links
from decon.runs.checkpoint import Checkpoint
from decon.runs.inputs import check_falsification, check_numbers, check_parts, dtype_of, initial
from decon.runs.loop import Callback, Probe, Run
from decon.runs.metrics import Metrics
from decon.runs.result import EVENT, Result
from decon.runs.round import Setup, begin, ready
from decon.runs.starting import cut_before, probes, rate_of, resume, settled, spread_out
from decon.runs.stopping import Residuals
from decon.runs.where import Network, network
from decon.screens.protocol import Screening
from topologies import Topology

__all__ = ["solve"]


def solve(
    topo: Topology,
    costs: Costs | Callable[[NDArray[np.int64]], Costs],
    *,
    method: Algorithm | None = None,
    penalty: float | str = "auto",
    byzantine: Liars = (),
    attack: Attack | None = None,
    screening: Screening | None = None,
    dual_bound: float = np.inf,
    local_step: LocalStep | None = None,
    x0: ArrayLike | Literal["normal"] | None = None,
    alpha0: ArrayLike | Literal["normal"] | None = None,
    start: Result | None = None,
    iterations: int = 400,
    tol: float | Residuals | None = None,
    seed: int = 0,
    record_every: int = 1,
    record: Sequence[str] | Mapping[str, Probe] = (),
    callback: Callback | None = None,
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
    method : Algorithm, optional
        Who computes what: :class:`decon.Admm` or an object of the user's with the same three steps. ``penalty``,
        ``dual_bound``, ``local_step`` and ``alpha0`` are shorthands for ``method=Admm(…)`` and go with no other.
    penalty : float or {"auto", "certified", "theorem3", "exact"}
        c, or how theory should choose it, see :func:`decon.methods.penalty.choose_penalty`.
    byzantine : list, int or float
        The falsifying agents, at most half of all: a list of their numbers, or labels as text; or how many, or which
        share below 1, to be drawn by :func:`decon.draw_byzantine` with this seed.
    attack : Attack
        What they send; needed if anyone falsifies, and only then.
    screening : Screening, optional
        How honest agents judge messages before they use them.
    dual_bound : float
        λ > 0, P2's bound on every entry of every dual; infinite is P1.
    local_step : LocalStep, optional
        ``Exact()`` unless given.
    x0, alpha0 : (n, N) array_like, "normal" or None
        Initial updates and multipliers, zeros unless given; "normal" draws N(0, 1) as P1's experiments do. The
        multipliers must sum to zero over agents (P1's α⁰ ∈ range(L₋)); a drawn α⁰ is centred so that it does.
    start : Result, optional
        Go on from where another run on this topology ended: its iterates, duals and cut links. Penalty, liars, costs
        and screening may be others; an ADMM in the same form at the same penalty goes on as if it had not stopped.
    iterations : int
        Upper bound on the iterations; after a checkpoint of a run that ended, more may be asked for.
    tol : float or Residuals, optional
        Stop once ``distance`` is at most this; or, without knowing x*, once both residuals of
        :class:`decon.Residuals` are: no minimiser is computed then.
    seed : int
        Of all randomness; streams are named, so that two methods on the same seed meet the same attack draws.
    record_every : int
        Iterations between history entries.
    record : sequence of str, or mapping of str to callable
        What else to keep at every recorded iteration, in ``Result.trajectories``: "x", "z", "active", the name of a
        part of the method's state such as "duals", or functions of the user's from a
        :class:`Moment <decon.runs.round.Moment>` to a number or an array.
    callback : callable, optional
        ``callback(k, moment)`` after every iteration; True stops the run.
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
        Also when the run diverges, is interrupted with Ctrl-C or meets a local step without an answer after others that
        had one: see its ``status``, and ``require()``.

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
    where = network(engine, topo, costs)
    whole = where.whole
    who = check_numbers(topo, whole, byzantine, dual_bound, iterations, tol, record_every, seed)
    check_parts(attack, screening, local_step, method)
    falsify = check_falsification(who, attack)
    first = initial("x0", x0, whole, seed)[where.links.agents].astype(dtype_of(precision), copy=False)
    alpha = None if alpha0 is None else initial("alpha0", alpha0, whole, seed)
    given = Admm(penalty, float(dual_bound), local_step or Exact(), alpha)
    if method is None:
        method = given
    elif given != Admm() or alpha is not None:
        raise OptionError("penalty, dual_bound, local_step and alpha0 are options of decon.Admm; give them in method=")
    method, notes = settled(method, topo, whole)
    public = getattr(screening, "public", False)
    if screening is not None and public:
        screening = screening.settle(topo, whole, method, where.costs, where.links, first)  # type: ignore[attr-defined]
    setup = Setup(
        topo=topo,
        costs=where.costs,
        method=method,
        byzantine=who,
        attack=falsify,
        screening=screening,
        seed=seed,
        rate=None if screening is None or public else rate_of(method, topo, whole),
        cut=cut_before(start, where.links),
    )
    manifest = {
        "topology": {"name": topo.name, "n": topo.n, "edges": topo.n_edges},
        "costs": whole.fingerprint(),
        "method": method,
        **notes,
        "attack": setup.attack,
        "screening": screening,
        "iterations": iterations,
        "tol": tol,
        "record_every": record_every,
        "precision": precision,
        "seed": seed,
        "versions": _versions(),
    }
    links = ready(setup, where.links)
    keep = None
    if checkpoint is not None:
        same = {key: value for key, value in manifest.items() if key != "iterations"}  # more of them may be asked for
        begun = None if start is None else start.final
        decides = (same, topo.adjacency, topo.labels, who, first, alpha, where.costs, sorted(record), begun)
        keep = Checkpoint(checkpoint, checkpoint_every, links, decides)
    with where.guard(), keep or nullcontext():
        metrics = _metrics(where, links, who, known=not isinstance(tol, Residuals))
        shown = progress and links.place == 0
        run = Run(setup, links, metrics, iterations, tol, record_every, shown, keep, callback, probes(record))
        run.advance(begin(setup, links, first) if start is None else resume(setup, links, first, start))
        return _result(where, run, manifest)


def _metrics(where: Network, links: Links, who: NDArray[np.int64], *, known: bool) -> Metrics:
    """Return what measures a run, with the minimisers unless nobody needs to know them."""
    everyone = np.arange(where.whole.n)
    honest = np.setdiff1d(everyone, who)
    target = where.minimizer(honest) if known else None
    target_all = target if who.size == 0 or not known else where.minimizer(everyone)
    return Metrics(where.costs, links, np.flatnonzero(np.isin(links.agents, honest)), target, target_all)


def _result(where: Network, run: Run, manifest: dict[str, Any]) -> Result:
    severed, readmitted = (run.links.gather_events(events) for events in (run.severed, run.readmitted))
    return where.result(
        {
            "x": run.last.x,
            "minimizer": run.metrics.minimizer,
            **run.metrics.histories(),
            "recorded": np.array(run.metrics.recorded, dtype=np.int64),
            "severed": np.array(severed, dtype=EVENT),
            "readmitted": np.array(readmitted, dtype=EVENT),
            "exposed": run.exposed(),
            "status": run.status,
            "message": run.message,
            "iterations": run.last.k,
            "penalty": float(getattr(run.setup.method, "penalty", np.nan)),
            "byzantine": run.setup.byzantine,
            "seconds": run.seconds,
            "manifest": manifest,
            "trajectories": run.trajectories(),
            "final": spread_out(run.setup, run.links, run.last),
        }
    )


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
