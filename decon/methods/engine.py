"""The engine: one synchronous algorithm for both papers (docs/theory.md, section 1).

Local step, messages, screening, dual step. Agents are rows, messages are arcs. The duals are stored summed at each
agent (node form) where that is the same thing, one on every arc (arc form) where it is not; one on every edge is
enough where all broadcast and nothing is screened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Literal, NamedTuple

import numpy as np
import scipy.sparse.linalg as spla
from numpy.typing import NDArray

from decon.attacks import Attack, NoAttack
from decon.costs.base import Array, Costs
from decon.methods.duals import arc_start, arc_step, arc_sums, node_start, node_step
from decon.methods.local_steps import Exact, LocalStep
from decon.network.links import EdgeLinks, Links, LocalLinks
from decon.screens.protocol import Inbox, Screening
from decon.streams import stream
from topologies import Topology

__all__ = ["Method", "State", "iterate", "lightest", "start", "step"]

_TOO_LARGE = 1e100
"""A falsified value beyond this is sent, but the falsifying agent's own memory keeps its true update; as a
message it counts as not finite: squares of what is left cannot overflow."""

_KEPT_BYTES = 31 * 2**20
"""The GNU allocator keeps freed memory up to twice the largest array (below 32 MB) it has seen freed. One such array,
never touched, spares large iterations half their time: else memory goes back to the system and is zeroed anew. A second
one comes from the memory that is kept, and NumPy asks for large pages there, which spares a tenth more."""


@dataclass(frozen=True, eq=False)
class Method:
    """A run's frozen options: who computes what with whom, and who lies how.

    Parameters
    ----------
    topo : Topology
    costs : Costs
    penalty : float
        c > 0; P2's β is 2c.
    byzantine : (b,) ndarray of int, ascending
    attack : Attack
    screening : Screening or None
    dual_bound : float
        λ; infinite for P1.
    local_step : LocalStep
    seed : int
    rate : float or None
        A certified rate, for screening rules that use one.
    form : {"auto", "node", "arc"}
        How the duals are stored; "node" exists only for λ = ∞ with broadcasts and no screening, "arc" always.
    """

    topo: Topology
    costs: Costs
    penalty: float
    byzantine: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    attack: Attack = field(default_factory=NoAttack)
    screening: Screening | None = None
    dual_bound: float = np.inf
    local_step: LocalStep = field(default_factory=Exact)
    seed: int = 0
    rate: float | None = None
    form: Literal["auto", "node", "arc"] = "auto"

    @cached_property
    def by_node(self) -> bool:
        """Whether the duals are summed at each agent."""
        if self.form != "auto":
            return self.form == "node"
        return np.isinf(self.dual_bound) and not self.attack.per_arc and self.screening is None

    @property
    def centred(self) -> bool:
        """Whether every agent's own z_i is its x_i, so that its local step starts from the duals alone."""
        return not self.local_step.keeps_falsified

    @cached_property
    def attacked(self) -> bool:
        """Whether anyone falsifies."""
        return self.byzantine.size > 0 and not isinstance(self.attack, NoAttack)


class State(NamedTuple):
    """Everything that one iteration hands to the next.

    Attributes
    ----------
    k : int
        Iterations done.
    x, z : (n, N) ndarray
        True updates, and what was broadcast (for an equivocating agent: its true update).
    own : (n, N) ndarray
        What each agent's own recursion takes for its broadcast.
    duals : (arcs, N) or (n, N) ndarray
        η_ij on the arcs of the links in arc form, the total in node form.
    total : (n, N) ndarray
        Σ_j η_ij.
    linear : (n, N) ndarray
        Σ_j (2η_ij - η⁻_ij + β_ij z_i), without the last where ``Method.centred``.
    weight : (n,) ndarray
        Σ_j β_ij = 2c Σ_j w_ij over the links in use.
    error : float
        ‖e‖ over the falsifying agents; for an equivocating one the root mean square over its neighbours.
    solved : pair of (n, N) ndarray or None
        Linear term and weight_i x_i of the exact local step that gave x.
    active : (arcs,) ndarray of bool or None
        Links in use; None where nothing screens.
    screen : object
        The screening rule's memory.
    poisoned : int or None
        An agent whose message was not finite, or too large to compute with, while nothing stood against it.
    """

    k: int
    x: Array
    z: Array
    own: Array
    duals: Array
    total: Array
    linear: Array
    weight: Array
    error: float = 0.0
    solved: tuple[Array, Array] | None = None
    active: NDArray[np.bool_] | None = None
    screen: Any = None
    poisoned: int | None = None

    @property
    def gradient(self) -> Array | None:
        """(n, N) ∇f(x) by the optimality condition of an exact local step, None after any other."""
        return None if self.solved is None else self.solved[0] - self.solved[1]

    @property
    def alpha(self) -> Array:
        """(n, N) P1's multipliers α_i = -Σ_j η_ij."""
        return -self.total


def lightest(method: Method, links: Links) -> Links:
    """Return ``links`` without the arcs whose duals follow from others', if these links and the method let it."""
    paired = method.form == "auto" and method.screening is None and not method.attack.per_arc and not method.by_node
    return EdgeLinks(method.topo, method.byzantine) if paired and type(links) is LocalLinks else links


def start(method: Method, links: Links, x0: Array, alpha0: Array) -> State:
    """Return the state before the first iteration: z⁰ = x⁰ and duals that sum to -α⁰."""
    weight = 2.0 * method.penalty * links.degrees
    if method.by_node:
        duals = node_start(links, method.penalty, alpha0, weight, x0, centred=method.centred)
    else:
        flow = _spread(method.topo, links, alpha0)
        duals = arc_start(links, method.penalty, flow, weight, x0, centred=method.centred)
    state = State(0, x0, x0, x0, *duals, weight)
    if method.screening is None:
        return state
    active = np.ones(len(links.receivers), dtype=bool)
    return state._replace(active=active, screen=method.screening.start(links, x0.shape[1], method.rate))


def _spread(topo: Topology, links: Links, alpha: Array) -> Array:
    """Return antisymmetric arc duals with Σ_j η_ij = -α_i: the flow w_ij(u_j - u_i) of L₋ u = α."""
    if links.total((float(alpha.any()),)) == (0.0,):
        return np.zeros((len(links.receivers), alpha.shape[1]), dtype=alpha.dtype)
    grounded = topo.L_minus[1:, 1:].tocsc()
    everyone = links.gather_agents(alpha)
    potential = np.zeros_like(everyone)
    potential[1:] = spla.splu(grounded).solve(np.ascontiguousarray(everyone[1:]))
    flow: Array = potential[links.senders] - potential[links.agents[links.receivers]]
    flow *= links.arc_weights[:, None]
    return flow.astype(alpha.dtype, copy=False)


def step(method: Method, links: Links, state: State) -> State:
    """Advance one synchronous round; mutates nothing."""
    k = state.k + 1
    with np.errstate(over="ignore", invalid="ignore"):
        linear, weight = _alone(method, links, state)
        x, weighted = method.local_step(method.costs, state.x, linear, weight, k, method.seed)
        solved = None if weighted is None else (linear, weighted)
        x = x.astype(state.x.dtype, copy=False)  # in single precision, what is sent and kept on arcs is rounded here
        z, own, error, poisoned, falsified = _falsify(method, links, state, k, x)
        if method.by_node:
            mine = weighted if own is x and weighted is not None else state.weight[:, None] * own
            duals = node_step(links, method.penalty, state.total, mine, z, centred=method.centred)
            return State(k, x, z, own, *duals, state.weight, error, solved, poisoned=poisoned)
        messages = links.broadcast(z)
        if falsified is not None:
            arcs, rows = falsified
            messages[arcs] = rows
        after = state._replace(k=k, x=x, z=z, own=own, error=error, solved=solved, poisoned=None)
        return _receive(method, links, state, after, messages)


def _alone(method: Method, links: Links, state: State) -> tuple[Array, Array]:
    """Return linear terms and weights of the local steps.

    An agent whose links are all severed has weight 0. Where costs are not strongly convex its local step would have no
    unique answer; it then takes a proximal step from where it stands, as heavy as when it had its links.
    """
    alone = state.weight == 0
    if state.active is None or method.costs.strong_convexity > 0 or not alone.any():
        return state.linear, state.weight
    weight = np.where(alone, 2.0 * method.penalty * links.degrees, state.weight)
    linear = state.linear if method.centred else np.where(alone[:, None], weight[:, None] * state.x, state.linear)
    return linear, weight


def _falsify(
    method: Method, links: Links, state: State, k: int, x: Array
) -> tuple[Array, Array, float, int | None, tuple[NDArray[np.int64], Array] | None]:
    """Return broadcasts, the agents' own memory of them, ‖e‖, who broadcasts what is not finite, and arcs' messages."""
    if not method.attacked:
        return x, x, 0.0, None, None
    roles = links.roles(method.byzantine)
    view = links.view(method, state, k, x)
    rows = method.attack(view, stream(method.seed, "attack", k)).astype(x.dtype, copy=False)
    if method.attack.per_arc:
        errors = rows - view.own[view.outgoing_position]
        squares = np.einsum("ij,ij->i", errors, errors)
        per_agent = np.bincount(view.outgoing_position, squares) / np.bincount(view.outgoing_position)
        return x, x, float(np.sqrt(per_agent.sum())), None, (roles.outgoing, rows[roles.outgoing_rows])
    z = x.copy()
    z[roles.liars] = rows[roles.liar_rows]
    error = float(np.linalg.norm(rows - view.own))
    sane = _all_sane(rows)
    poisoned = None if sane.all() else int(method.byzantine[np.argmin(sane)])
    if method.centred:
        return z, x, error, poisoned, None
    if sane.all():
        return z, z, error, poisoned, None
    own = z.copy()
    mad = roles.liars[~sane[roles.liar_rows]]
    own[mad] = x[mad]
    return z, own, error, poisoned, None


def _receive(method: Method, links: Links, before: State, after: State, messages: Array) -> State:
    """Judge the messages of ``after`` before they are used, then take the arc form's dual step."""
    total, weight, active = before.total, before.weight, before.active
    advance = partial(arc_step, links, method.penalty, method.dual_bound, before.duals, after.own)
    if active is None or method.screening is None:
        if method.attacked and np.isinf(method.dual_bound):
            after = after._replace(poisoned=links.first_sender(~_all_sane(messages)))
        duals = advance(messages)
    else:
        finite = _all_sane(messages)
        if not finite.all():
            messages = np.where(finite[:, None], messages, after.own[links.receivers])
        lengths = np.empty(len(messages))
        duals = advance(messages, lengths)
        inbox = Inbox(after.k, after.own, messages, finite, active, before.own, lengths)
        verdict = method.screening.judge(links, inbox, before.screen)
        honest_receiver = links.roles(method.byzantine).honest_receiver
        wanted = (verdict.keep & finite) | ~honest_receiver  # a falsifying agent never cuts itself off
        if links.places > 1 or ((wanted != active) & honest_receiver).any():  # else all stays: it was mutual
            active = wanted & links.exchange(wanted)
        if (active != before.active).any():
            weight = 2.0 * method.penalty * links.arc_sum(links.arc_weights * active)
            total = links.arc_sum(np.where(active[:, None], before.duals, 0.0))
        if verdict.messages is not None:
            duals = advance(verdict.messages, lengths)
        after = after._replace(weight=weight, active=active, screen=verdict.state)
    found = arc_sums(links, duals, total, weight, after.own, active, centred=method.centred)
    return after._replace(duals=found.values, total=found.total, linear=found.linear)


def _all_sane(messages: Array) -> NDArray[np.bool_]:
    """Return (rows,) whether all entries of a message are numbers of at most ``_TOO_LARGE``, less in single."""
    limit = min(_TOO_LARGE, 0.1 * float(np.sqrt(np.finfo(messages.dtype).max)))  # so that squares stay finite
    flat = messages.ravel()
    if flat @ flat <= limit:  # one quick pass where all is well; no for NaN, infinity and overflow
        return np.ones(len(messages), dtype=bool)
    return np.asarray(np.all(np.abs(messages) <= limit, axis=1))  # False for NaN


def iterate(method: Method, links: Links | None = None, *, x0: Array, alpha0: Array) -> Iterator[State]:
    """Yield the states of a run without end, the initial one first.

    Examples
    --------
    >>> import networkx as nx
    >>> from itertools import islice
    >>> from decon.costs import Quadratic
    >>> topo = Topology(nx.path_graph(2))
    >>> method = Method(topo, Quadratic([[[1.0]], [[1.0]]], [[0.0], [2.0]]), penalty=0.5)
    >>> zero = np.zeros((2, 1))
    >>> [state.x.ravel().round(3).tolist() for state in islice(iterate(method, x0=zero, alpha0=zero), 4)]
    [[0.0, 0.0], [0.0, 1.0], [0.5, 1.0], [0.75, 1.0]]
    """
    here = lightest(method, LocalLinks(method.topo) if links is None else links)
    for _ in range(2):
        np.empty(_KEPT_BYTES, dtype=np.uint8)
    state = start(method, here, x0, alpha0)
    while True:
        yield state
        state = step(method, here, state)
