"""One round for every method: propose → attack → carry → judge → absorb."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from decon.attacks import Attack, NoAttack
from decon.costs.base import Array, Costs
from decon.errors import OptionError
from decon.methods.protocol import Algorithm, Proposal, Revealing
from decon.network.heard import Heard
from decon.network.links import Links, LocalLinks
from decon.runs.judging import advance_record, all_sane, judge_agents, judge_links
from decon.screens.protocol import Screening
from decon.screens.public import PublicScreening
from decon.streams import stream
from topologies import Topology

__all__ = ["Moment", "Setup", "begin", "iterate", "play", "ready"]


@dataclass(frozen=True, eq=False)
class Setup:
    """A run's frozen options: who computes what with whom, and who lies how.

    Parameters
    ----------
    topo : Topology
    costs : Costs
        Of the agents here.
    method : Algorithm
        With numbers for all its options.
    byzantine : (b,) ndarray of int, ascending
    attack : Attack
    screening : Screening or None
    seed : int
    rate : float or None
        A certified rate, for screening rules that use one.
    cut : (arcs,) ndarray of bool or None
        Links in use from the start, where an earlier run cut some.
    """

    topo: Topology
    costs: Costs
    method: Algorithm
    byzantine: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    attack: Attack = field(default_factory=NoAttack)
    screening: Screening | PublicScreening | None = None
    seed: int = 0
    rate: float | None = None
    cut: NDArray[np.bool_] | None = None

    @cached_property
    def attacked(self) -> bool:
        """Whether anyone falsifies."""
        return self.byzantine.size > 0 and not isinstance(self.attack, NoAttack)

    @cached_property
    def exchanges(self) -> int:
        """Rounds of messages an iteration."""
        found: int = getattr(self.method, "exchanges", 1)
        return found

    @cached_property
    def public(self) -> bool:
        """Whether the rule judges agents by what everybody knows, instead of links."""
        return getattr(self.screening, "public", False)

    @cached_property
    def apart(self) -> bool:
        """Whether what all can work out of a falsifying agent's state may differ from the state."""
        falls_apart = self.attack.per_arc or not getattr(self.method, "keeps_falsified", True)
        return self.public and self.attacked and falls_apart

    @property
    def restarts(self) -> bool:
        """Whether all hear the same broadcasts, and a cut starts the run again."""
        return (
            self.public and getattr(self.screening, "restart", False) and self.cut is None and not self.attack.per_arc
        )

    @property
    def uniform(self) -> bool:
        """Whether every arc carries its sender's broadcast, always."""
        return self.screening is None and self.cut is None and not self.attack.per_arc


class Moment(NamedTuple):
    """A run between two iterations.

    Attributes
    ----------
    k : int
        Iterations done.
    inner : object
        The method's state.
    z : (n, P) ndarray
        What was broadcast last (for an equivocating agent: its true value); x⁰ before anything was.
    own : (n, P) ndarray
        What each agent's own recursion takes for its broadcast.
    error : float
        ‖e‖ over the falsifying agents; for an equivocating one the root mean square over its neighbours.
    active : (arcs,) ndarray of bool or None
        Links in use; None where nothing screens.
    screen : object
        The screening rule's memory.
    poisoned : int or None
        An agent whose message was not finite, or too large to compute with, while nothing stood against it.
    public : object
        The method's state as everybody can work it out from what was said, where that may differ from ``inner``: a
        falsifying agent that runs its own recursion with its true values. None where it is the same.
    """

    k: int
    inner: Any
    z: Array
    own: Array
    error: float = 0.0
    active: NDArray[np.bool_] | None = None
    screen: Any = None
    poisoned: int | None = None
    public: Any = None

    @property
    def x(self) -> Array:
        """(n, N) the true iterates."""
        found: Array = self.inner.x
        return found

    @property
    def gradient(self) -> Array | None:
        """(n, N) ∇f(x) where the method knows it."""
        return getattr(self.inner, "gradient", None)


class _Spoken(NamedTuple):
    """What left the agents: broadcasts, their own memory of them, arcs with messages of their own, ‖e‖."""

    sent: Array
    kept: Array
    told: tuple[NDArray[np.int64], Array] | None = None
    error: float = 0.0
    poisoned: int | None = None


def ready(setup: Setup, links: Links) -> Links:
    """Return ``links`` as the run uses them: they know its seed, and whether arcs can differ from broadcasts."""
    links.seed, links.uniform, links.restarts = setup.seed, setup.uniform, setup.restarts
    lighten = getattr(setup.method, "lighten", None)
    lighter: Links = links if lighten is None else lighten(links, setup.byzantine)
    return lighter


def begin(setup: Setup, links: Links, x0: Array) -> Moment:
    """Return the run before its first iteration."""
    moment = Moment(0, setup.method.begin(setup.costs, links, x0), x0, x0, active=setup.cut)
    if setup.screening is None:
        return moment
    active = np.ones(len(links.receivers), dtype=bool) if setup.cut is None else setup.cut
    if setup.public:
        screen = cast("PublicScreening", setup.screening).start(links, x0)
        return moment._replace(active=active, screen=screen, public=moment.inner if setup.apart else None)
    return moment._replace(
        active=active, screen=cast("Screening", setup.screening).start(links, x0.shape[1], setup.rate)
    )


def play(setup: Setup, links: Links, before: Moment) -> Moment:
    """Advance one synchronous iteration; mutates nothing. To be called where overflow is no error."""
    method, costs, k = setup.method, setup.costs, before.k + 1
    moment = before
    for exchange in range(setup.exchanges):
        proposal = method.propose(costs, links, moment.inner, k)
        spoken = _speak(setup, links, moment, k, exchange, proposal)
        heard = Heard(links, spoken.sent, spoken.kept, spoken.told, active=moment.active)
        screen, poisoned = moment.screen, spoken.poisoned
        public = moment.public
        if setup.public:
            ruling, record = judge_agents(setup, links, moment, k, proposal, heard)
            screen, poisoned = ruling.state, None
            if ruling.anyone and ruling.restart is not None:
                start = ruling.restart
                inner = cast("Revealing", method).restart(costs, links, start, heard.in_use)
                known = inner if setup.apart else None
                return Moment(k, inner, start, start, spoken.error, heard.in_use, screen, public=known)
            public = advance_record(setup, links, moment, k, record, heard)
        elif setup.screening is not None:
            screen, poisoned = judge_links(setup, cast("Screening", setup.screening), links, moment, k, heard), None
        elif setup.attacked and getattr(method, "bears_nonfinite", False):
            poisoned = None
        elif setup.attacked and not links.uniform:
            poisoned = links.first_sender(~all_sane(heard.messages))
        inner = method.absorb(costs, links, moment.inner, proposal, heard, k)
        moment = Moment(k, inner, spoken.sent, spoken.kept, spoken.error, heard.in_use, screen, poisoned, public)
        if poisoned is not None:
            break
    return moment


def _speak(setup: Setup, links: Links, before: Moment, k: int, exchange: int, proposal: Proposal) -> _Spoken:
    """Let the falsifying agents speak in the place of what they would truthfully send."""
    true = proposal.sent
    if not setup.attacked:
        return _Spoken(true, true)
    roles = links.roles(setup.byzantine)
    view = links.view(setup, before, k, true)
    keys = (k,) if exchange == 0 else (k, exchange)
    rows = np.asarray(setup.attack(view, stream(setup.seed, "attack", *keys))).astype(true.dtype, copy=False)
    wanted = view.outgoing_position if setup.attack.per_arc else setup.byzantine
    if rows.shape != (len(wanted), true.shape[1]):
        raise OptionError(
            f"attack {setup.attack!r} must return an array of shape {(len(wanted), true.shape[1])}, not {rows.shape}"
        )
    if setup.attack.per_arc:
        errors = rows - view.own[view.outgoing_position]
        squares = np.einsum("ij,ij->i", errors, errors)
        per_agent = np.bincount(view.outgoing_position, squares) / np.bincount(view.outgoing_position)
        return _Spoken(true, true, (roles.outgoing, rows[roles.outgoing_rows]), float(np.sqrt(per_agent.sum())))
    sent = true.copy()
    sent[roles.liars] = rows[roles.liar_rows]
    error = float(np.linalg.norm(rows - view.own))
    sane = all_sane(rows)
    poisoned = None if sane.all() else int(setup.byzantine[np.argmin(sane)])
    if not getattr(setup.method, "keeps_falsified", True):
        return _Spoken(sent, true, None, error, poisoned)
    if sane.all():
        return _Spoken(sent, sent, None, error)
    kept = sent.copy()
    mad = roles.liars[~sane[roles.liar_rows]]
    kept[mad] = true[mad]
    return _Spoken(sent, kept, None, error, poisoned)


def iterate(setup: Setup, links: Links | None = None, *, x0: Array) -> Iterator[Moment]:
    """Yield the moments of a run without end, the one before the first iteration first.

    Examples
    --------
    >>> import networkx as nx
    >>> from itertools import islice
    >>> from decon.costs import Quadratic
    >>> from decon.methods import Admm
    >>> costs = Quadratic([[[1.0]], [[1.0]]], [[0.0], [2.0]])
    >>> setup = Setup(Topology(nx.path_graph(2)), costs, Admm(penalty=0.5))
    >>> [moment.x.ravel().round(3).tolist() for moment in islice(iterate(setup, x0=np.zeros((2, 1))), 4)]
    [[0.0, 0.0], [0.0, 1.0], [0.5, 1.0], [0.75, 1.0]]
    """
    here = ready(setup, LocalLinks(setup.topo) if links is None else links)
    moment = begin(setup, here, x0)
    while True:
        yield moment
        with np.errstate(over="ignore", invalid="ignore"):
            moment = play(setup, here, moment)
