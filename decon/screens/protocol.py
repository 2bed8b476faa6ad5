"""The door through which received messages pass before an agent uses them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array
from decon.network.links import Links

__all__ = ["Inbox", "Screening", "Verdict"]


@dataclass(frozen=True)
class Inbox:
    """What the agents here hold when the messages of one iteration have come in.

    Attributes
    ----------
    k : int
        Iteration, from 1.
    own : (n, N) ndarray
        Each agent's own broadcast value.
    messages : (arcs, N) ndarray
        One message an arc; every entry finite (a message that was not is replaced by the receiver's own value here and
        its link is severed by the engine, whatever the rule says).
    finite : (arcs,) ndarray of bool
        Whether the message came in finite.
    active : (arcs,) ndarray of bool
        Links in use before this iteration.
    before : (n, N) ndarray
        Each agent's own broadcast value of the iteration before; x⁰ at the first.
    deviation : (arcs,) ndarray
        ‖m - own_i‖ of each message.
    """

    k: int
    own: Array
    messages: Array
    finite: NDArray[np.bool_]
    active: NDArray[np.bool_]
    before: Array
    deviation: Array


@dataclass(frozen=True)
class Verdict:
    """What a screening rule decides of one iteration's messages.

    Attributes
    ----------
    keep : (arcs,) ndarray of bool
        Whether the receiver wants the link. A link is used only if both its ends want it.
    state : object
        The rule's memory, handed back at the next iteration.
    messages : (arcs, N) ndarray, optional
        The messages to use in place of those received (trimming, clipping); None leaves them as they are.
    """

    keep: NDArray[np.bool_]
    state: Any
    messages: Array | None = None


class Screening(Protocol):
    """A screening rule: frozen options, a state, a pure judgement; local to each agent's own star."""

    @property
    def readmits(self) -> bool:
        """Whether a severed link may come back; if not, a disconnected honest graph ends the run."""

    def start(self, links: Links, dim: int, rate: float | None) -> Any:
        """Return the rule's memory before the first iteration; ``rate`` is a certified rate if one is known."""

    def judge(self, links: Links, inbox: Inbox, state: Any) -> Verdict:
        """Judge one iteration's messages; mutates nothing."""
