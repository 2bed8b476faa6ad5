"""Costs and minimiser when no rank has all the costs."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from decon.costs import Costs
from decon.costs.base import Array
from decon.errors import CostError, OptionError
from decon.network.mpi.gathered import Share
from decon.network.mpi.mpi_links import MpiLinks
from decon.network.mpi.partition import Part, partition
from decon.problem.minimizer import minimizer
from topologies import Topology

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["OverRanks", "smoothness"]

_T = TypeVar("_T")

_NEWTON_STEPS = 100
"""Far more than a damped Newton method needs on any convex cost here; reaching them is reported."""


class OverRanks:
    """The whole network over the ranks of MPI's world, in the shape :func:`decon.solve` works with.

    Parameters
    ----------
    topo : Topology
        The same on all ranks.
    costs : Costs or callable
        All costs, of which a rank keeps its own; or a function from (m,) agent numbers to their costs, which each rank
        calls for its own agents only.

    Attributes
    ----------
    links : MpiLinks
    costs : Costs
        Of this rank's agents.
    whole : Costs
        What is known of all of them: n, N, ν and ℓ.
    """

    def __init__(self, topo: Topology, costs: Costs | Callable[[NDArray[np.int64]], Costs]) -> None:
        comm = _world()
        owner = comm.bcast(_agreed(comm, lambda: partition(topo, comm.size) if comm.rank == 0 else None))
        self.comm = comm
        if comm.size > 1:  # mpiexec names a process that died by its number
            sys.stderr.write(f"decon: rank {comm.rank} of {comm.size} is process {os.getpid()}\n")
        with self.guard():
            part = Part.of(topo, owner, comm.rank)
            self.links = MpiLinks(topo, part, comm)
        self._given = costs if isinstance(costs, Costs) else None
        if self._given is not None and self._given.n != topo.n:
            raise OptionError(f"{topo.n} agents need {topo.n} costs, not {self._given.n}")
        local = _agreed(comm, lambda: costs.subset(part.agents) if isinstance(costs, Costs) else costs(part.agents))
        wrong = [count for count in comm.allgather(local.n - len(part.agents)) if count]
        if wrong:
            raise OptionError(f"costs were given for {wrong[0]:+d} agents more than a rank asked for")
        self.whole: Costs = self._given or _Summary(topo.n, local, comm)
        self.costs: Costs = _OnRank(local, part.agents, topo.n, comm)

    def minimizer(self, agents: NDArray[np.int64]) -> Array:
        """Return (N,) the minimiser of the sum over ``agents``, the same on all ranks."""
        if self._given is not None:
            found = minimizer(self._given, agents) if self.comm.rank == 0 else None
            return np.asarray(self.comm.bcast(found))
        here = np.flatnonzero(np.isin(self.links.agents, agents))
        return _newton(self.costs.subset(here).pooled() if here.size else None, self.whole.dim, self.links)

    @contextmanager
    def guard(self) -> Iterator[None]:
        """End all ranks, with the name of this one, if it fails alone; else the others would wait for ever."""
        try:
            yield
        except Exception as error:
            if self.comm.size == 1:
                raise
            sys.stderr.write(
                f"decon: rank {self.comm.rank} of {self.comm.size} failed with {type(error).__name__}: {error}\n"
                + traceback.format_exc()
            )
            sys.stderr.flush()
            self.comm.Abort(1)

    def result(self, values: dict[str, Any]) -> Share:
        """Return this rank's share of the result."""
        (sent,) = self.links.total((float(self.links.bytes_sent),))
        links = self.links
        ends = np.stack([links.agents[links.receivers], links.senders], axis=1)
        edges = np.unique(np.sort(ends, axis=1), axis=0)
        return Share(**values, edges=edges, agents=links.agents, bytes_sent=int(sent), links=links)


def smoothness(costs: Callable[[NDArray[np.int64]], Costs], n: int) -> float:
    """Return ℓ, the largest of ``n`` agents, of which each rank looks at a share."""
    comm = _world()
    share = np.array_split(np.arange(n), comm.size)[comm.rank]
    return float(max(comm.allgather(_agreed(comm, lambda: costs(share).smoothness if share.size else 0.0))))


def _agreed(comm: Any, make: Callable[[], _T]) -> _T:
    """Return what ``make`` makes on this rank, or raise on all ranks if it fails on one."""
    made, failed = None, None
    try:
        made = make()
    except Exception as error:
        failed = f"rank {comm.rank}: {type(error).__name__}: {error}"
    failures = [text for text in comm.allgather(failed) if text is not None]
    if failures:
        raise OptionError("; ".join(failures))
    return cast(_T, made)


def _world() -> Any:
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise OptionError(f"engine='mpi' needs the extra: pip install 'decon[mpi]' ({error})") from None
    return MPI.COMM_WORLD


def _newton(total: Costs | None, dim: int, links: MpiLinks) -> Array:
    """Minimise the sum of one pooled cost a rank by damped Newton steps; only sums travel."""
    x = np.zeros(dim)

    def at(point: Array) -> tuple[float, Array]:
        here = np.zeros(dim + 1)
        if total is not None:
            here[0], here[1:] = total.value(point[None])[0], total.gradient(point[None])[0]
        summed = links.total_rows(here[None])
        return float(summed[0]), summed[1:]

    value, gradient = at(x)
    for _ in range(_NEWTON_STEPS):
        local = np.zeros((dim, dim)) if total is None else total.hessian(x[None])[0]
        hessian = links.total_rows(local.reshape(1, -1)).reshape(dim, dim)
        try:
            step = np.linalg.solve(hessian, gradient)
        except np.linalg.LinAlgError:
            raise CostError("the sum of the costs is flat, so its minimiser is not unique; add a ridge") from None
        size, floor = 1.0, 1e-14 * abs(value)  # rounding of the sum
        trial, slope = at(x - step)
        while trial > value - 1e-4 * size * float(step @ gradient) + floor and size > 1e-10:  # Armijo
            size /= 2
            trial, slope = at(x - size * step)
        if not np.linalg.norm(slope) < np.linalg.norm(gradient) and trial >= value - floor:
            return x
        x, value, gradient = x - size * step, trial, slope
    raise CostError(f"no minimiser of the sum of the costs after {_NEWTON_STEPS} Newton steps")


class _Summary(Costs):
    """What is known of all costs when each rank has its own."""

    def __init__(self, n: int, local: Costs, comm: Any) -> None:
        self.n, self.dim, self._kind = n, local.dim, type(local).__name__
        found = comm.allgather((local.dim, local.strong_convexity, local.smoothness))
        if len({dim for dim, _, _ in found}) > 1:
            raise OptionError(f"ranks have variables of different lengths: {[dim for dim, _, _ in found]}")
        self._least, self._largest = float(min(nu for _, nu, _ in found)), float(max(ell for _, _, ell in found))

    @property
    def strong_convexity(self) -> float:
        """ν, the least over the ranks."""
        return self._least

    @property
    def smoothness(self) -> float:
        """ℓ, the largest over the ranks."""
        return self._largest

    def fingerprint(self) -> dict[str, Any]:
        """Return kind, sizes, ν, ℓ."""
        return {**super().fingerprint(), "kind": self._kind}

    def _nowhere(self) -> CostError:
        return CostError("no rank has all costs")

    def value(self, x: Array, gradient: Array | None = None) -> Array:
        """Refuse."""
        raise self._nowhere()

    def gradient(self, x: Array) -> Array:
        """Refuse."""
        raise self._nowhere()

    def prox(self, linear: Array, weight: Array, start: Array | None = None) -> Array:
        """Refuse."""
        raise self._nowhere()

    def subset(self, agents: Sequence[int] | NDArray[np.intp]) -> Costs:
        """Refuse."""
        raise self._nowhere()

    def expression(self, variable: cp.Variable) -> cp.Expression:
        """Refuse."""
        raise self._nowhere()


class _OnRank(Costs):
    """A rank's costs, with the sample counts of all agents, so that minibatches are drawn as in one process."""

    def __init__(self, local: Costs, agents: NDArray[np.int64], everyone: int, comm: Any) -> None:
        self.local, self.n, self.dim = local, local.n, local.dim
        self.iterative, self.accuracy = local.iterative, local.accuracy
        self._agents, self._everyone, self._comm = agents, everyone, comm
        self._samples: NDArray[np.intp] | None = None

    @property
    def strong_convexity(self) -> float:
        """ν of this rank's."""
        return self.local.strong_convexity

    @property
    def smoothness(self) -> float:
        """ℓ of this rank's."""
        return self.local.smoothness

    def value(self, x: Array, gradient: Array | None = None) -> Array:
        """Return (m,) values."""
        return self.local.value(x, gradient)

    def gradient(self, x: Array) -> Array:
        """Return (m, N) gradients."""
        return self.local.gradient(x)

    def prox(self, linear: Array, weight: Array, start: Array | None = None) -> Array:
        """Return (m, N) exact local steps."""
        return self.local.prox(linear, weight, start)

    def subset(self, agents: Sequence[int] | NDArray[np.intp]) -> Costs:
        """Return the costs of some of this rank's agents."""
        return self.local.subset(agents)

    def expression(self, variable: cp.Variable) -> cp.Expression:
        """Return the sum of this rank's."""
        return self.local.expression(variable)

    @property
    def samples(self) -> NDArray[np.intp]:
        """Sample counts of all agents that hold samples (a hub does not), fetched once from all ranks."""
        if self._samples is None:
            try:
                here = self.local.samples
            except CostError:
                if self.n > 1 or self._agents[0] > 0:  # only a hub that is alone here may have none
                    raise
                here = np.empty(0, dtype=np.intp)
            holders = self._agents[self.n - len(here) :]
            counts = np.zeros(self._everyone, dtype=np.intp)
            for agents, numbers in self._comm.allgather((holders, here)):
                counts[agents] = numbers
            self._samples = counts[counts > 0]
        return self._samples

    def stochastic_gradient(self, x: Array, rows: NDArray[np.intp]) -> Array:
        """Return (m, N) minibatch gradients of this rank's agents from the draws ``rows`` of all of them."""
        drawn = self._agents - (self._everyone - len(rows))
        drawn = drawn[drawn >= 0]
        return self.local.stochastic_gradient(x, rows[drawn]) if drawn.size else self.local.gradient(x)
