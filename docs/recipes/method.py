"""A method: who computes what. The one round runs its three steps under every attack, screen and checkpoint.

decon solve --use docs/recipes/method.py --method descent:step=0.01 --data quadratics:dim=2 --iterations 2000
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import decon
from decon.methods import Proposal


class Iterate(NamedTuple):
    """A state: anything of arrays with an ``x``, (n, N), of the agents here."""

    x: np.ndarray


@decon.register
@dataclass(frozen=True)
class Descent:
    """Decentralized gradient descent (Nedić & Ozdaglar 2009) with weights 1/(1 + largest degree)."""

    step: float = 0.01

    def begin(self, costs: Any, links: Any, x0: np.ndarray) -> Iterate:
        return Iterate(x0)

    def propose(self, costs: Any, links: Any, state: Iterate, k: int) -> Proposal:
        return Proposal(x=state.x, sent=state.x)

    def absorb(self, costs: Any, links: Any, state: Iterate, proposal: Proposal, heard: Any, k: int) -> Iterate:
        mixed = links.arc_sum(heard.gaps()) / (1 + links.topo.degrees.max())
        return Iterate(proposal.x + mixed - self.step * costs.gradient(proposal.x))
