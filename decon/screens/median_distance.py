"""A screening rule without memory, for noisy runs: links much longer than the receiver's median link are not used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from decon.network.links import Links
from decon.options import Kind, check_options, is_number, option
from decon.screens.protocol import Inbox, Verdict

__all__ = ["MedianDistance"]

_FROM_ONE = Kind("a finite number of at least 1", lambda value: is_number(value) and value >= 1)


@dataclass(frozen=True)
class MedianDistance:
    """Use a link only while ‖m - own‖ is at most ``ratio`` times the median of that over all the receiver's links.

    The score test of docs/theory.md section 8 alone. It needs no certified rate and no warm-up, so it goes with
    minibatches, whose noise hides the decay that an alarm threshold waits for; links come back as soon as they behave.
    An agent with one link keeps it. The rule trusts the majority of an agent's neighbours to be alike: under non-iid
    data honest agents differ, and copies of one of them by a large minority can make the others look long.

    Parameters
    ----------
    ratio : float
        At least 1.

    Raises
    ------
    OptionError
        If the ratio is below 1 or not finite.

    Examples
    --------
    >>> import topologies
    >>> from decon.network.links import LocalLinks
    >>> links = LocalLinks(topologies.make("star", 5))
    >>> own = np.array([[0.0], [1.0], [1.0], [2.0], [9.0]])
    >>> every = np.ones(8, dtype=bool)
    >>> messages = links.broadcast(own)
    >>> lengths = np.abs(messages - own[links.receivers]).ravel()
    >>> inbox = Inbox(1, own, messages, finite=every, active=every, before=own, deviation=lengths)
    >>> MedianDistance(5.0).judge(links, inbox, None).keep  # the hub's four links, then each leaf's one
    array([ True,  True,  True, False,  True,  True,  True,  True])
    """

    ratio: float = option(_FROM_ONE, 5.0)

    readmits = True

    def __post_init__(self) -> None:
        check_options(self)

    def start(self, links: Links, dim: int, rate: float | None) -> None:
        """Return no memory."""
        return

    def judge(self, links: Links, inbox: Inbox, state: None) -> Verdict:
        """Compare each link with the lower median of its receiver's links."""
        lengths = inbox.deviation
        counts = np.bincount(links.receivers, minlength=links.n)
        middle = np.cumsum(counts) - counts + np.maximum(counts - 1, 0) // 2
        ranked = lengths[np.lexsort((lengths, links.receivers))]
        medians = ranked[np.minimum(middle, len(ranked) - 1)]
        return Verdict(lengths <= self.ratio * medians[links.receivers], None)
