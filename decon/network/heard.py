"""What the agents hold when the messages of one round have come in."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array
from decon.network.links import Links

__all__ = ["Heard"]


class Heard:
    """The pairs of messages that both ends of each arc use, and which arcs are in use.

    On arc (i, j) the pair is j's message and i's own, of one and the same round. Where everybody hears the same and no
    link is ever cut or lost (``links.uniform``), nothing is spread out over the arcs unless it is asked for.

    Parameters
    ----------
    links : Links
    sent : (n, P) ndarray
        What each agent here broadcast.
    kept : (n, P) ndarray
        What its own recursion takes for that.
    told : pair of (m,) int and (m, P) ndarrays, optional
        Arcs here that carry something else than their sender's broadcast, and what.
    active : (arcs,) ndarray of bool, optional
        Links in use; all unless given.
    arrived : (arcs,) ndarray of bool, optional
        Whether the pair is new; all are unless given.

    Attributes
    ----------
    listened : object
        What the method's ``listen`` returned, None without.
    """

    def __init__(
        self,
        links: Links,
        sent: Array,
        kept: Array,
        told: tuple[NDArray[np.int64], Array] | None = None,
        *,
        active: NDArray[np.bool_] | None = None,
        arrived: NDArray[np.bool_] | None = None,
    ) -> None:
        self.links, self.sent, self.kept = links, sent, kept
        self.listened: Any = None
        self.in_use, self.is_new = active, arrived
        self._told = told
        self._judged = False

    @cached_property
    def messages(self) -> Array:
        """(arcs, P) what came over each arc."""
        messages = self.links.broadcast(self.sent)
        if self._told is not None:
            arcs, rows = self._told
            messages[arcs] = rows
        return messages

    @property
    def own(self) -> Array:
        """(arcs, P) each receiver's own message of the same round."""
        own: Array = self.kept.take(self.links.receivers, axis=0)
        return own

    @property
    def active(self) -> NDArray[np.bool_]:
        """(arcs,) the links in use."""
        return np.ones(len(self.links.receivers), dtype=bool) if self.in_use is None else self.in_use

    @property
    def arrived(self) -> NDArray[np.bool_]:
        """(arcs,) whether the pair is new."""
        return np.ones(len(self.links.receivers), dtype=bool) if self.is_new is None else self.is_new

    @property
    def spare(self) -> bool:
        """Whether nobody needs the array of messages any more, so that ``absorb`` may write into it."""
        return not self._judged

    def replace(self, messages: Array) -> None:
        """Put other messages in the place of those received, and keep them."""
        self.messages = messages
        self.keep()

    def keep(self) -> None:
        """Have the messages stay as they are: a rule looks at them."""
        self._judged = True

    def gaps(self) -> Array:
        """(arcs, P) message less own on arcs in use whose pair is new, zero on all others: what moves a flow."""
        gaps = self.messages - self.own
        for mask in (self.in_use, self.is_new):
            if mask is not None and not mask.all():
                gaps[~mask] = 0.0
        return gaps
