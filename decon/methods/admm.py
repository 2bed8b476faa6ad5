"""Decentralized ADMM: P1, P2 and the family of docs/theory.md section 1 as one method.

The duals are stored summed at each agent (node form) where that is the same thing, one on every arc (arc form) where it
is not; one on every edge is enough where all broadcast and nothing is screened.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import scipy.sparse.linalg as spla
from numpy.typing import NDArray

from decon.costs.base import Array, Costs, lengths
from decon.methods.duals import arc_start, arc_step, arc_sums, node_start, node_step
from decon.methods.local_steps import Exact, LocalStep
from decon.methods.penalty import choose_penalty, screening_rate
from decon.methods.protocol import Proposal
from decon.network.edge_links import EdgeLinks
from decon.network.heard import Heard
from decon.network.links import Links, LocalLinks
from topologies import Topology

__all__ = ["Admm", "AdmmState"]


class AdmmState(NamedTuple):
    """Everything that one iteration of the ADMM hands to the next.

    Attributes
    ----------
    x : (n, N) ndarray
        True updates.
    duals : (arcs, N) or (n, N) ndarray
        η_ij on the arcs of the links in arc form, the total in node form.
    total : (n, N) ndarray
        Σ_j η_ij.
    linear : (n, N) ndarray
        Σ_j (2η_ij - η⁻_ij + β_ij z_i), without the last where the method is centred.
    weight : (n,) ndarray
        Σ_j β_ij = 2c Σ_j w_ij over the links in use.
    active : (arcs,) ndarray of bool or None
        The links in use when the duals were last advanced; None for all.
    solved : pair of (n, N) ndarray or None
        Linear term and weight_i x_i of the exact local step that gave x.
    """

    x: Array
    duals: Array
    total: Array
    linear: Array
    weight: Array
    active: NDArray[np.bool_] | None = None
    solved: tuple[Array, Array] | None = None

    @property
    def gradient(self) -> Array | None:
        """(n, N) ∇f(x) by the optimality condition of an exact local step, None after any other."""
        return None if self.solved is None else self.solved[0] - self.solved[1]

    @property
    def alpha(self) -> Array:
        """(n, N) P1's multipliers α_i = -Σ_j η_ij."""
        return -self.total


@dataclass(frozen=True)
class Admm:
    r"""Decentralized ADMM, P1 (4)-(7), or any other member of the family of docs/theory.md section 1.

    Parameters
    ----------
    penalty : float or {"auto", "certified", "theorem3", "exact"}
        c, or how theory should choose it; P2's β is 2c.
    dual_bound : float
        λ > 0, P2's bound on every entry of every dual; infinite is P1.
    local_step : LocalStep
    alpha0 : (n, N) ndarray, optional
        Initial multipliers of all agents, summing to zero over them; zeros unless given.
    form : {"auto", "node", "arc"}
        How the duals are stored; "node" exists only for λ = ∞ with broadcasts and no screening, "arc" always.

    References
    ----------
    .. [1] Li, Kailkhura, Goldhahn, Ray, Varshney (2017). arXiv:1710.05241, equations (4)-(7).
    .. [2] Lin, Ling, Li, Xiong (2020). ICASSP, Algorithm 1.

    Examples
    --------
    >>> import topologies
    >>> from decon import solve
    >>> from decon.costs import Quadratic
    >>> costs = Quadratic([[[1.0]], [[1.0]]], [[0.0], [2.0]])
    >>> solve(topologies.make("path", 2), costs, method=Admm(penalty=0.5), iterations=60)
    Result(completed, iterations=60, distance=...)
    """

    penalty: float | str = "auto"
    dual_bound: float = np.inf
    local_step: LocalStep = field(default_factory=Exact)
    alpha0: Array | None = field(default=None, compare=False, repr=False)
    form: Literal["auto", "node", "arc"] = "auto"

    @property
    def keeps_falsified(self) -> bool:
        """Whether a falsifying agent's own recursion uses what it broadcast (P1) or its true update (P2)."""
        return self.local_step.keeps_falsified

    @property
    def bears_nonfinite(self) -> bool:
        """Whether the dual bound takes what a message that is not finite would do."""
        return math.isfinite(self.dual_bound)

    @property
    def centred(self) -> bool:
        """Whether every agent's own z_i is its x_i, so that its local step starts from the duals alone."""
        return not self.keeps_falsified

    @property
    def c(self) -> float:
        """The penalty as a number."""
        return float(self.penalty)

    def by_node(self, links: Links) -> bool:
        """Whether the duals are summed at each agent."""
        if self.form != "auto":
            return self.form == "node"
        return (links.uniform or links.restarts) and not self.bears_nonfinite

    def settle(self, topo: Topology, costs: Costs) -> tuple[Self, dict[str, Any]]:
        """Return the method with its penalty as a number, and where that came from."""
        value, source = choose_penalty(topo, costs, self.penalty)
        notes = {
            "penalty": {"value": value, "source": source},
            "dual_bound": str(self.dual_bound),
            "local_step": self.local_step,
        }
        return replace(self, penalty=value), notes

    def certified_rate(self, topo: Topology, costs: Costs) -> float | None:
        """Return a certified rate, or None where theory gives none."""
        return screening_rate(topo, costs, self.c)

    def lighten(self, links: Links, byzantine: NDArray[np.int64]) -> Links:
        """Return ``links`` without the arcs whose duals follow from others', if these links let it."""
        paired = self.form == "auto" and links.uniform and not self.by_node(links) and type(links) is LocalLinks
        return EdgeLinks(links.topo, byzantine, seed=links.seed, uniform=True) if paired else links

    def begin(self, costs: Costs, links: Links, x0: Array) -> AdmmState:
        """Return the state before the first iteration: z⁰ = x⁰ and duals that sum to -α⁰."""
        weight = 2.0 * self.c * links.degrees
        alpha = np.zeros_like(x0) if self.alpha0 is None else self.alpha0[links.agents].astype(x0.dtype, copy=False)
        if self.by_node(links):
            duals = node_start(links, self.c, alpha, weight, x0, centred=self.centred)
        else:
            duals = arc_start(links, self.c, _spread(links, alpha), weight, x0, centred=self.centred)
        return AdmmState(x0, *duals, weight)

    def resume(self, links: Links, state: AdmmState, active: NDArray[np.bool_] | None) -> AdmmState:
        """Return the state from which an earlier run's end goes on: its duals, at this penalty and in this form."""
        used = links.arc_weights if active is None else links.arc_weights * active
        weight = 2.0 * self.c * (links.degrees if active is None else links.arc_sum(used))
        stored_by_node = state.duals.shape == state.total.shape and np.array_equal(state.duals, state.total)
        if self.by_node(links):
            if np.array_equal(weight, state.weight):
                return state._replace(duals=state.total, active=active)
            sums = node_start(links, self.c, -state.total, weight, state.x, centred=self.centred, active=active)
            return AdmmState(state.x, *sums, weight, active)
        values = _spread(links, -state.total) if stored_by_node else links.held(state.duals)
        if np.array_equal(weight, state.weight):
            return state._replace(duals=values, active=active)
        if active is not None:
            values = np.where(active[:, None], values, 0.0)
        duals = arc_start(links, self.c, values, weight, state.x, centred=self.centred, active=active)
        return AdmmState(state.x, *duals, weight, active)

    @property
    def reveals(self) -> bool:
        """Whether a message tells the gradient at it: exact steps, and steps along full gradients."""
        return bool(getattr(self.local_step, "reveals", False))

    def implied(
        self, costs: Costs, links: Links, record: AdmmState, said: Array, proposal: Proposal, k: int
    ) -> tuple[Array, Array, Array, Array]:
        """Return the gradients that messages claim, docs/theory.md (10.1).

        Parameters
        ----------
        record : AdmmState
            As all can work it out from what was said before.
        said : (n, N) ndarray
            This iteration's broadcasts.
        proposal : Proposal
            What the agents computed, for how near their local steps came to their equations.

        Returns
        -------
        point, gradient : (n, N) ndarray
        size : (n,) ndarray
            Of the terms that the gradient is a difference of, the duals of all arcs included.
        error : (n,) ndarray
            Residuals of the local steps, as the agents report them; at most 1e-7 of ``size`` is believed.
        """
        linear, weight = self._alone(costs, links, record)
        point, gradient, size = self.local_step.implied(record.x, linear, weight, said, k)  # type: ignore[attr-defined]
        duals = lengths(record.duals)
        size = size + (duals if self.by_node(links) else links.arc_sum(duals))
        error = np.zeros(len(size))
        if costs.iterative and proposal.note is not None:
            error = lengths(costs.gradient(proposal.x) - (proposal.note[0] - proposal.note[1]))
            error = np.minimum(np.nan_to_num(error, nan=0.0), 1e-7 * size)
        return point, gradient, size, error

    def restart(self, costs: Costs, links: Links, x0: Array, active: NDArray[np.bool_] | None) -> AdmmState:
        """Return the state at the start x⁰ with no flow on any link, on the links in use."""
        return self.resume(links, replace(self, alpha0=None).begin(costs, links, x0), active)

    def spread(self, links: Links, state: AdmmState) -> AdmmState:
        """Return the state with a dual for every arc, also of those that were left out."""
        return state if self.by_node(links) else state._replace(duals=links.all_arcs(state.duals))

    def propose(self, costs: Costs, links: Links, state: AdmmState, k: int) -> Proposal:
        """Take the local step; its outcome is what is sent."""
        linear, weight = self._alone(costs, links, state)
        x, weighted = self.local_step(costs, state.x, linear, weight, k, links.seed)
        x = x.astype(state.x.dtype, copy=False)  # in single precision, what is sent and kept on arcs is rounded here
        return Proposal(x, x, None if weighted is None else (linear, weighted))

    def listen(self, links: Links, state: AdmmState, heard: Heard, lengths: Array) -> Array:
        """Advance the duals as if all arcs were in use: it passes over all messages, and measures them."""
        return arc_step(links, self.c, self.dual_bound, state.duals, heard.kept, heard.messages, lengths)

    def absorb(
        self, costs: Costs, links: Links, state: AdmmState, proposal: Proposal, heard: Heard, k: int
    ) -> AdmmState:
        """Take the dual step: a lost pair freezes its dual, a cut drops it at both ends."""
        x, solved = proposal.x, proposal.note
        if self.by_node(links):
            own = heard.kept
            mine = solved[1] if own is x and solved is not None else state.weight[:, None] * own
            used = state.active
            duals = node_step(links, self.c, state.total, mine, heard.sent, centred=self.centred, active=used)
            return AdmmState(x, *duals, state.weight, used, solved)
        values = heard.listened if heard.listened is not None else self._advance(links, state, heard)
        total, weight, active = state.total, state.weight, heard.in_use
        before = state.active
        if active is not None and active is not before and not _same(active, before):
            weight = 2.0 * self.c * links.arc_sum(links.arc_weights * active)
            total = links.arc_sum(np.where(active[:, None], state.duals, 0.0))
        found = arc_sums(links, values, total, weight, heard.kept, active, centred=self.centred)
        return AdmmState(x, *found, weight, active, solved)

    def _advance(self, links: Links, state: AdmmState, heard: Heard) -> Array:
        """Return the advanced duals of all arcs, in the messages' own memory where nobody needs it."""
        messages, fresh = heard.messages, heard.is_new
        if fresh is not None and not fresh.all():
            messages = np.where(fresh[:, None], messages, heard.own)
        elif not heard.spare:
            messages = messages.copy()
        return arc_step(links, self.c, self.dual_bound, state.duals, heard.kept, messages)

    def _alone(self, costs: Costs, links: Links, state: AdmmState) -> tuple[Array, Array]:
        """Return linear terms and weights of the local steps.

        An agent whose links are all severed has weight 0. Where costs are not strongly convex its local step would have
        no unique answer; it then takes a proximal step from where it stands, as heavy as when it had its links.
        """
        if state.active is None or costs.strong_convexity > 0 or state.weight.all():
            return state.linear, state.weight
        alone = state.weight == 0
        weight = np.where(alone, 2.0 * self.c * links.degrees, state.weight)
        linear = state.linear if self.centred else np.where(alone[:, None], weight[:, None] * state.x, state.linear)
        return linear, weight


def _same(active: NDArray[np.bool_], before: NDArray[np.bool_] | None) -> bool:
    return bool(active.all()) if before is None else np.array_equal(active, before)


def _spread(links: Links, alpha: Array) -> Array:
    """Return antisymmetric arc duals with Σ_j η_ij = -α_i: the flow w_ij(u_j - u_i) of L₋ u = α."""
    if links.total((float(alpha.any()),)) == (0.0,):
        return np.zeros((len(links.receivers), alpha.shape[1]), dtype=alpha.dtype)
    grounded = links.topo.L_minus[1:, 1:].tocsc()
    everyone = links.gather_agents(alpha)
    potential = np.zeros_like(everyone)
    potential[1:] = spla.splu(grounded).solve(np.ascontiguousarray(everyone[1:]))
    flow: Array = potential[links.senders] - potential[links.agents[links.receivers]]
    flow *= links.arc_weights[:, None]
    return flow.astype(alpha.dtype, copy=False)
