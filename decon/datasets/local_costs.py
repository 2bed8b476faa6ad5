"""``costs``: one line from a data set to the agents' local costs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from decon.datasets.dataset import Dataset
from decon.datasets.load import load
from decon.datasets.split import How
from decon.datasets.split import split as share_out

if TYPE_CHECKING:
    from decon.costs import Costs

__all__ = ["costs"]


def costs(
    dataset: Dataset | str,
    n: int,
    *,
    split: How = "iid",
    alpha: float = 1.0,
    seed: int = 0,
    ridge: float = 0.0,
    agents: Sequence[int] | NDArray[np.integer] | None = None,
    kind: Callable[..., Costs] | None = None,
    **options: Any,
) -> Costs:
    """Share a data set out over ``n`` agents and return their local costs.

    Parameters
    ----------
    dataset : Dataset or str
        A name is given to :func:`decon.datasets.load`, with this seed.
    n : int
        Number of agents.
    split : {"iid", "label", "dirichlet"}
        See :func:`decon.datasets.split`; ``alpha`` and ``seed`` too.
    ridge : float
        Added to each agent's cost.
    agents : sequence of int, optional
        Whose costs to return, in this order; all n unless given. No other agent's samples are kept.
    kind : class of Costs, optional
        Made as ``kind(X, y, ridge=ridge)``, and with ``classes=`` if it takes that; by the task unless given.
    **options
        Further options of ``kind``.

    Returns
    -------
    Costs
        Unless a kind is given, :class:`~decon.costs.LeastSquares` of a regression (a sum over the agent's samples),
        :class:`~decon.costs.LogisticRegression` of two classes and :class:`~decon.costs.SoftmaxRegression` of more
        (means over them).

    Raises
    ------
    DataError
        If the data cannot be loaded or split so.

    Examples
    --------
    >>> local = costs("diabetes", n=20, split="iid", seed=0, ridge=0.1)
    >>> type(local).__name__, local.n, local.dim
    ('LeastSquares', 20, 11)
    """
    from decon.costs import LeastSquares, LogisticRegression, SoftmaxRegression

    data = load(dataset, seed=seed) if isinstance(dataset, str) else dataset
    parts = share_out(data, n, split, alpha=alpha, seed=seed)
    if agents is not None:
        parts = [parts[agent] for agent in agents]
    X, y = [data.X[part] for part in parts], [data.y[part] for part in parts]
    if kind is None:
        kind = LeastSquares if data.task == "regression" else SoftmaxRegression
        if data.task != "regression" and len(data.classes) == 2:
            kind = LogisticRegression
    if "classes" in inspect.signature(kind).parameters:
        options["classes"] = len(data.classes)
    return kind(X, y, ridge=ridge, **options)
