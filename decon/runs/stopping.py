"""When a run is done: near enough to a known minimiser, or at rest without knowing one."""

from __future__ import annotations

from dataclasses import dataclass

from decon.options import POSITIVE, check_options, option

__all__ = ["Residuals"]


@dataclass(frozen=True)
class Residuals:
    """Stop once the agents agree and what they say no longer changes; no minimiser is needed, and none computed.

    Parameters
    ----------
    primal : float
        On ``consensus_error``, the mean over the honest agents of ‖x_i - x̄‖, in units of x.
    dual : float
        On the mean over the honest agents of ‖z_i^k - z_i^{k-1}‖, how far what is heard moved in the last iteration, in
        units of what is sent.

    Raises
    ------
    OptionError
        If one is not a positive finite number.

    Examples
    --------
    >>> import decon, topologies
    >>> costs = decon.costs.Quadratic([[[1.0]], [[1.0]]], [[0.0], [2.0]])
    >>> run = decon.solve(topologies.make("path", 2), costs, penalty=0.5, tol=Residuals(1e-9, 1e-9))
    >>> run.status, run.x.round(6).ravel().tolist(), run.minimizer
    ('converged', [1.0, 1.0], None)
    """

    primal: float = option(POSITIVE, 1e-6)
    dual: float = option(POSITIVE, 1e-6)

    def __post_init__(self) -> None:
        check_options(self)
