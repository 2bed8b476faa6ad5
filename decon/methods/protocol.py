"""What a method is: frozen options, a state, and three pure steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array, Costs

if TYPE_CHECKING:
    from decon.network.heard import Heard
    from decon.network.links import Links

__all__ = ["Algorithm", "Proposal", "Revealing"]


class Proposal(NamedTuple):
    """What the agents here would do in a round, before anybody lies.

    Attributes
    ----------
    x : (n, N) ndarray
        Their true iterates.
    sent : (n, P) ndarray
        What each would truthfully broadcast; P is the method's choice.
    note : object
        Whatever ``absorb`` wants back.
    """

    x: Array
    sent: Array
    note: Any = None


@runtime_checkable
class Algorithm(Protocol):
    """A method: a frozen dataclass of options whose three steps change nothing but what they return.

    A round is propose → attack → carry → judge → absorb (:mod:`decon.runs.round`). A state is anything with an ``x``,
    (n, N) the true iterates of the agents here, made of arrays, numbers, tuples and dataclasses, so that a checkpoint
    can keep it; one that knows ∇f(x) offers it as ``gradient`` and spares the metrics work. Subclassing is not
    needed: what has the three steps is a method.

    What a method can promise it offers by further members, all optional:

    * ``settle(topo, costs) -> (method, notes)`` turns options in words ("auto") into numbers, ``notes`` go into the
      manifest;
    * ``certified_rate(topo, costs) -> float | None`` for screening rules that use one;
    * ``lighten(links, byzantine) -> links`` leaves out arcs that follow from others;
    * ``listen(links, state, heard, lengths) -> object`` does work that passes over all messages anyway before they
      are judged, writes ‖m - own‖ into ``lengths`` (arcs,), and finds its result in ``heard.listened``;
    * ``resume(links, state) -> state`` takes up the state of an earlier run of another option of the same method;
    * ``reveals``, ``implied(costs, links, record, said, proposal, k) -> (point, gradient, size, error)`` and
      ``restart(costs, links, x0, active) -> state``, for rules that judge agents by the gradients their messages claim
      (:class:`Revealing`);
    * ``exchanges``, rounds of messages an iteration, 1 unless given: with two, the three steps run twice;
    * ``keeps_falsified``, whether a falsifying agent's own recursion uses what it broadcast, as in P1 and unless given,
      or its true value, as in P2;
    * ``bears_nonfinite``, whether messages that are not finite do no harm.
    """

    def begin(self, costs: Costs, links: Links, x0: Array) -> Any:
        """Return the state before the first iteration, at ``x0`` (n, N)."""

    def propose(self, costs: Costs, links: Links, state: Any, k: int) -> Proposal:
        """Return what the agents compute and send in iteration ``k``, from 1."""

    def absorb(self, costs: Costs, links: Links, state: Any, proposal: Proposal, heard: Heard, k: int) -> Any:
        """Return the state after the messages of iteration ``k``.

        It reads nothing of the network but ``heard``: an arc whose pair is not new (``heard.arrived``) keeps its flow,
        one that is not in use (``heard.active``) drops it at both ends.
        """


@runtime_checkable
class Revealing(Algorithm, Protocol):
    """A method whose broadcasts tell which gradient an agent claims to have."""

    @property
    def reveals(self) -> bool:
        """Whether they do, with these options."""

    def implied(
        self, costs: Costs, links: Links, record: Any, said: Array, proposal: Proposal, k: int
    ) -> tuple[Array, Array, Array, Array]:
        """Return claimed points and gradients, (n, N) each, (n,) sizes of their terms and (n,) residuals.

        ``record`` is the state before the iteration as all can work it out from what was said, ``said`` this
        iteration's broadcasts; ``proposal`` is what the agents truly did, for what they report of their accuracy only.
        """

    def restart(self, costs: Costs, links: Links, x0: Array, active: NDArray[np.bool_] | None) -> Any:
        """Return the state at the start ``x0`` with no memory, on the links in use."""
