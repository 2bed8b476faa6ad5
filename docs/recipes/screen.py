"""A screening rule: which links an agent goes on using, judged before the messages are used.

decon solve --use docs/recipes/screen.py --screening nearest:share=0.7 --byzantine 2 --topology complete --agents 9
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

import decon
from decon.screens.protocol import Verdict


@decon.register
@dataclass(frozen=True)
class Nearest:
    """Each agent keeps the share of its links whose messages are nearest to its own value."""

    share: float = 0.8
    readmits = True  # a link that was cut may come back

    def start(self, links: Any, dim: int, rate: float | None) -> None:
        """Return the rule's memory; this one has none."""

    def judge(self, links: Any, inbox: Any, state: None) -> Verdict:
        """Return (arcs,) which links the receivers want; arcs are sorted by receiver."""
        order = np.lexsort((inbox.deviation, links.receivers))
        counts = np.bincount(links.receivers)
        rank = np.empty(len(order), dtype=int)
        rank[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        return Verdict(rank < np.ceil(self.share * counts)[links.receivers], state)
