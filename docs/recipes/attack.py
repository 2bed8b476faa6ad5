"""An attack: what falsifying agents send in the place of their true values.

decon solve --use docs/recipes/attack.py --byzantine 2 --attack mirror:factor=2 --agents 8 --topology complete
"""

from dataclasses import dataclass

import numpy as np

import decon
from decon.options import POSITIVE, check_options, option


@decon.register  # from here on words can say it: mirror, or mirror:factor=2
@dataclass(frozen=True)
class Mirror(decon.attacks.Attack):
    """Sends the honest agents' mean, mirrored at the sender's own value."""

    factor: float = option(POSITIVE, 1.0)  # refused by name unless it is positive and finite

    def __post_init__(self) -> None:
        check_options(self)

    def __call__(self, view: decon.attacks.View, rng: np.random.Generator) -> np.ndarray:
        """Return (b, N), a row a falsifying agent; ``rng`` depends on the seed and the iteration alone."""
        return view.own + self.factor * (view.own - view.honest_mean)
