"""Consistency screening: an agent is cut off if and only if no cost of the class explains what it said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array, Costs, lengths, row_sums
from decon.errors import OptionError
from decon.methods.protocol import Algorithm
from decon.network.links import Links
from decon.options import FLAG, NOT_NEGATIVE, Kind, check_options, is_number, option, or_none
from decon.screens.claims import Claim, claims_of, contradiction, widened
from decon.screens.memory import Memory, fresh, remember
from decon.screens.public import BALL, EXPOSED, PAIR, Ruling, Statement

if TYPE_CHECKING:
    from topologies import Topology

__all__ = ["Consistency"]

_ALLOWANCE = {np.dtype(np.float64): 1e-11, np.dtype(np.float32): 1e-4}
"""Rounding allowed in a claimed gradient, relative to what it is a difference of (docs/theory.md section 10)."""

_GRADIENT_ROOM = 1.1

_CONVEXITY = Kind("a finite number of at least 0", lambda value: is_number(value) and value >= 0)
_SMOOTHNESS = Kind("a positive number, or inf", lambda v: v == np.inf or (is_number(v) and v > 0))
_BOUND = Kind('a finite number of at least 0, "auto" or None', lambda v: v in ("auto", None) or NOT_NEGATIVE.accepts(v))


def _one_of(*names: str) -> Kind:
    return Kind(" or ".join(f'"{name}"' for name in names), lambda value: isinstance(value, str) and value in names)


@dataclass(frozen=True)
class Consistency:
    r"""Cut an agent off if no ν-strongly convex, ℓ-smooth cost explains what it said (docs/theory.md section 10).

    What an agent broadcasts reveals the gradient it claims: its method says which (``implied``). An honest agent's
    claims (z, g), g = ∇f_i(z), obey for every two iterations, with y = z - z', d = g - g',

    .. math:: \langle d - νy,\; ℓy - d \rangle \ge 0,

    and with a bound G ≥ ‖∇f_i(r)‖ at a public point r every single one obeys
    ‖g + m(r - z)‖ ≤ G + ½(ℓ - ν)‖r - z‖, m = ½(ν + ℓ). Who violates either beyond rounding, sends what is not finite,
    or two different messages in one iteration, is cut off by everyone before its newest message is used. At a cut all
    flows are dropped and the run goes on from its public start, so that nothing of what was said remains in it.

    It needs a deterministic method (:class:`decon.Admm` with exact local steps or full gradients) and constants that
    are true: ν too large or ℓ too small cut honest agents. With ``pairs="all"`` nothing that a cost explains is cut and
    everything else is, once said; at the price of K vectors an agent after K iterations. The default keeps at most 16
    claims an agent: recent ones at ages that double, the first, the one before the last restart, the farthest, powers
    of two. Fewer pairs cut fewer, never others.

    Parameters
    ----------
    strong_convexity, smoothness : float, optional
        ν ≥ 0 and ℓ ≤ ∞ of the class everyone is known to belong to; those of the costs unless given.
    gradient_bound : float, "auto" or None
        G, in units of a gradient; "auto" is 1.1 times the largest ‖∇f_i(r)‖ over the costs that were given, and None
        judges pairs only.
    pairs : {"anchored", "all"}
        Which earlier claims the newest one is compared with.
    restart : bool
        Whether a cut restarts everyone at the public start; otherwise the flows of the cut links are dropped and the
        run goes on warm, which is safe only where messages were small: rounding of a huge one stays in the flows.
    knowledge : {"public", "star"}
        Who hears what. "public": everything said is heard, or forwarded with signatures, to all. "star": the hub hears
        all that its workers say and announces who is cut; refused on any other graph.
    allowance : float, optional
        Rounding allowed in a claimed gradient, relative to the size of what it is a difference of; 1e-11 in double and
        1e-4 in single precision unless given.

    Raises
    ------
    OptionError
        If an option is not of its kind, or ν > ℓ.

    References
    ----------
    .. [1] Nesterov (2018). Lectures on Convex Optimization, Theorem 2.1.12 for the inequality.
    .. [2] Taylor, Hendrickx, Glineur (2017). Smooth strongly convex interpolation. Math. Program. 161.

    Examples
    --------
    >>> import decon, topologies
    >>> costs = decon.datasets.quadratics(range(8), dim=2)
    >>> lie = decon.attacks.SignFlip()
    >>> run = decon.solve(topologies.make("complete", 8), costs, byzantine=[3], attack=lie, screening=Consistency())
    >>> run.exposed["agent"].tolist(), bool(run.distance[-1] < 1e-9)
    ([3], True)
    """

    strong_convexity: float | None = option(or_none(_CONVEXITY), None)
    smoothness: float | None = option(or_none(_SMOOTHNESS), None)
    gradient_bound: float | Literal["auto"] | None = option(_BOUND, "auto")
    pairs: Literal["anchored", "all"] = option(_one_of("anchored", "all"), "anchored")
    restart: bool = option(FLAG, True)
    knowledge: Literal["public", "star"] = option(_one_of("public", "star"), "public")
    allowance: float | None = option(or_none(NOT_NEGATIVE), None)

    readmits = False
    public = True

    def __post_init__(self) -> None:
        check_options(self)
        if None not in (self.strong_convexity, self.smoothness) and self.strong_convexity > self.smoothness:  # type: ignore[operator]
            raise OptionError(f"ν = {self.strong_convexity} is larger than ℓ = {self.smoothness}")

    def settle(self, topo: Topology, whole: Costs, method: Algorithm, costs: Costs, links: Links, x0: Array) -> Self:
        """Return the rule with numbers for all its options.

        Parameters
        ----------
        topo : Topology
        whole : Costs
            Of all agents; of these only ν and ℓ are asked for.
        method : Algorithm
        costs : Costs
            Of the agents here.
        links : Links
        x0 : (n, N) ndarray
            The public start of the agents here.

        Raises
        ------
        OptionError
            If the method's messages do not reveal gradients, or the graph is not what ``knowledge`` needs.
        """
        if not getattr(method, "reveals", False):
            raise OptionError(
                f"Consistency() judges the gradients that messages reveal, and those of {method!r} reveal none "
                "(minibatches, or no `implied`); use Profiling() or MedianDistance()"
            )
        if self.knowledge == "star" and not (topo.n_edges == topo.n - 1 == np.bincount(topo.receivers).max()):
            raise OptionError(f'knowledge="star" needs a star, and {topo.name} is none')
        low = whole.strong_convexity if self.strong_convexity is None else float(self.strong_convexity)
        high = whole.smoothness if self.smoothness is None else float(self.smoothness)
        bound: float | None
        if self.gradient_bound == "auto":
            here = np.broadcast_to(_centre(links, x0, whole.n), x0.shape).astype(float)
            bound = _GRADIENT_ROOM * links.largest(np.linalg.norm(costs.gradient(here), axis=1))[0]
        else:
            bound = self.gradient_bound
        allowance = _ALLOWANCE[x0.dtype] if self.allowance is None else self.allowance
        return replace(
            self, strong_convexity=low, smoothness=high, gradient_bound=bound, allowance=max(allowance, costs.accuracy)
        )

    def start(self, links: Links, x0: Array) -> Memory:
        """Return the memory before anything was said."""
        return fresh(x0, _centre(links, x0, links.topo.n), anchored=self.pairs == "anchored")

    def judge(self, links: Links, said: Statement, held: Memory) -> Ruling:
        """Return whom this iteration's statements expose, and the memory with these statements."""
        low, high = float(self.strong_convexity or 0.0), float(self.smoothness or np.inf)
        claim = claims_of(said, low, high, float(self.allowance or 0.0))
        judged = held.free if said.present is None else held.free & said.present
        book = _Book(links.agents, said.k, held.exposed, judged)
        if said.improper is not None:
            book.write(said.improper > 0, said.improper)
        if isinstance(bound := self.gradient_bound, (int, float)):
            needs, room = self._needed(claim, held.reference, low, high)
            over = needs - bound > room
            if over.any():
                by = (needs - bound) / np.maximum(room, np.finfo(float).tiny)
                book.write(over, BALL, excess=by, gradient_bound=needs)
        excess, other = contradiction(claim, held.claims, 0.0 if np.isinf(high) else 1.0 / high, book.fine)
        if excess is not None and (excess > 1.0).any():
            range_ = widened(claim, held.claims, other, np.flatnonzero(excess > 1.0), low, high)
            book.write(excess > 1.0, PAIR, excess=excess, other=other, strong_convexity=range_[0], smoothness=range_[1])
        anyone = links.total((float(book.fine is not judged),)) != (0.0,)
        after = remember(held, claim, book.fine, restarted=anyone)
        if not anyone:
            return Ruling(np.zeros(len(judged), dtype=bool), False, None, after)
        exposed = judged & ~book.fine
        after = after._replace(exposed=book.exposed, free=held.free & ~exposed)
        return Ruling(exposed, True, held.origin if self.restart else None, after)

    def _needed(self, claim: Claim, reference: Array, low: float, high: float) -> tuple[Array, Array]:
        """Return the bound on ‖∇f(r)‖ that each claim needs, and by how much rounding may have raised it."""
        gap = reference - claim.point
        length = lengths(gap)
        if np.isinf(high):  # some g⁰ with ‖g⁰‖ ≤ G has ⟨g⁰ - g - ν(r - z), r - z⟩ ≥ 0
            inner = row_sums((claim.gradient + low * gap) * gap)
            return inner / np.maximum(length, np.finfo(float).tiny), claim.kept.errors[0]
        gap *= 0.5 * (low + high)
        gap += claim.gradient
        room = claim.kept.errors[0] + (high * claim.relative) * float(np.linalg.norm(reference))
        return lengths(gap) - (0.5 * (high - low)) * length, room

    @staticmethod
    def exposed(links: Links, state: Memory) -> NDArray[np.void]:
        """Return (m,) records of :data:`EXPOSED`, all agents together, in the order of exposure."""
        everyone = links.gather_agents(state.exposed)
        found = everyone[everyone["k"] > 0]
        return found[np.lexsort((found["agent"], found["k"]))]


def _centre(links: Links, x0: Array, n: int) -> Array:
    """Return (N,) the mean of the public start over all agents."""
    return np.asarray(links.total_rows(x0.astype(float)) / n)


class _Book:
    """Who is exposed in this iteration, and why."""

    def __init__(self, agents: NDArray[np.int64], k: int, exposed: NDArray[np.void], fine: NDArray[np.bool_]) -> None:
        self.agents, self.k, self.exposed, self.fine = agents, k, exposed, fine
        self._own = False

    def write(
        self,
        which: NDArray[np.bool_],
        reason: int | NDArray[np.int8],
        *,
        excess: Array | None = None,
        other: NDArray[np.int64] | None = None,
        **excuse: Array,
    ) -> None:
        """Expose ``which`` of those that are still fine."""
        rows = np.flatnonzero(which & self.fine)
        if not rows.size:
            return
        if not self._own:
            self.exposed, self.fine, self._own = self.exposed.copy(), self.fine.copy(), True
        self.fine[rows] = False
        page = np.zeros(len(rows), dtype=EXPOSED)
        page["k"], page["agent"] = self.k, self.agents[rows]
        page["reason"] = reason if isinstance(reason, int) else reason[rows]
        page["other"] = 0 if other is None else other[rows]
        page["excess"] = np.inf if excess is None else excess[rows]
        for name in ("strong_convexity", "smoothness", "gradient_bound"):
            page[name] = excuse[name][rows] if name in excuse else np.nan
        self.exposed[rows] = page
