"""Rates and radii that hold for every choice of costs in a class, theory.md section 7 and docs/certificates.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.circle import Circle, Violation
from analysis.circle_regular import regular_rate
from analysis.errors import HypothesisError
from analysis.hypotheses import require_class, require_penalty, require_scale, require_topology
from analysis.linear import byzantine_rows
from analysis.lmi import lmi_peak_gain
from analysis.reach import peak_gain
from analysis.sector_loop import sector_loop
from topologies import Spectrum, Topology

__all__ = ["certified_radius", "certified_rate"]

_GAPS = tuple(10.0**-k for k in range(9, 0, -1))
"""Shares of 1 - ρ by which the proved rate may lie above the largest violated one; the first that can be proved."""

_TURNS = 20
"""Violations followed before a wider gap is tried; two are usual."""

_SDP_AGENTS = 12
_SDP_SHARES = (-3.0, -1.0, 0.0, 1.0, 3.0)


def certified_rate(topo: Topology | Spectrum, *, strong_convexity: float, smoothness: float, penalty: float) -> float:
    r"""Upper bound ρ on the linear rate of error-free ADMM, valid for *every* choice of costs in the class.

    :math:`\|x^k - x^*\| \le C\rho^k` for all ν-strongly convex, ℓ-smooth f_i, twice differentiable or not. It is the
    least rate the sector bound alone can give: *exact* for gradient maps that are only known to obey
    ‖∇f_i(x) - ∇f_i(x*) - m(x - x*)‖ ≤ ρ_f‖x - x*‖ and may vary in time; exact for ν = ℓ; and in most cases attained
    by a quadratic cost (docs/certificates.md section 6).

    Parameters
    ----------
    topo : Topology or Spectrum
        A regular graph may be given by its spectrum alone, if that holds all adjacency eigenvalues.
    strong_convexity, smoothness : float
        0 < ν ≤ ℓ, in cost per squared unit of x.
    penalty : float
        c > 0, in the same unit.

    Returns
    -------
    float
        ρ < 1, above the true value of the certificate by at most a share 1e-9 of 1 - ρ where rounding allows; 1.0 if
        rounding leaves every rate below one open.

    Raises
    ------
    HypothesisError
        If 0 < ν ≤ ℓ or c > 0 fails, or if a spectrum is given that is not a regular graph's full one.

    Notes
    -----
    Regular graphs: O(n) a step of a bisection. Others: dense, O(n³) with a few hundred Cholesky factorisations; a proof
    along the whole circle, not a grid.

    Examples
    --------
    >>> import networkx as nx
    >>> ring = Topology(nx.cycle_graph(8))
    >>> round(certified_rate(ring, strong_convexity=1.0, smoothness=4.0, penalty=0.5), 6)
    0.929656

    References
    ----------
    .. [1] Li, Kailkhura, Goldhahn, Ray, Varshney (2017). arXiv:1710.05241; the certificate itself is this project's.
    """
    require_class(strong_convexity, smoothness)
    require_penalty(penalty)
    spectrum = topo if isinstance(topo, Spectrum) else require_topology(topo).spectrum
    if spectrum.is_regular:
        if spectrum.adjacency is None:
            raise HypothesisError("the spectrum of a regular graph must hold all adjacency eigenvalues, it holds none")
        return regular_rate(spectrum.adjacency, spectrum.max_degree, strong_convexity, smoothness, penalty)
    if isinstance(topo, Spectrum):
        raise HypothesisError("an irregular graph needs the Topology itself, not its Spectrum")
    return _irregular_rate(topo, strong_convexity, smoothness, penalty)


def certified_radius(
    topo: Topology,
    *,
    strong_convexity: float,
    smoothness: float,
    penalty: float,
    byzantine: Sequence[int],
    error_bound: float,
    method: Literal["small_gain", "lmi"] = "lmi",
) -> float:
    r"""Upper bound on :math:`\limsup_k \|x^k - x^*\|` over the honest agents, valid for every choice of costs.

    For any errors with ‖e^k‖ ≤ ē that enter at the Byzantine agents only, from any start. x* is the minimiser of the
    sum over all agents, the Byzantine ones included: they falsify what they send, not what they minimise.

    Parameters
    ----------
    topo : Topology
    strong_convexity, smoothness : float
        0 < ν ≤ ℓ, in cost per squared unit of x.
    penalty : float
        c > 0, in the same unit.
    byzantine : sequence of int
        Agents that falsify: at least one, not all.
    error_bound : float
        ē ≥ 0, in units of x, for the errors of all Byzantine agents together.
    method : {"lmi", "small_gain"}
        One sector multiplier for each agent (tighter, slower), or one for all.

    Returns
    -------
    float
        In units of x; inf if the rate is not certified or no ellipsoid was found.

    Raises
    ------
    HypothesisError
        If 0 < ν ≤ ℓ, c > 0 or ē ≥ 0 fails, or ``byzantine`` does not fit.

    Examples
    --------
    >>> import networkx as nx
    >>> star = Topology(nx.star_graph(4))
    >>> kwargs = dict(strong_convexity=1.0, smoothness=2.0, penalty=0.5, byzantine=[1], error_bound=0.1)
    >>> round(certified_radius(star, **kwargs, method="small_gain"), 2)
    0.14
    """
    require_topology(topo)
    require_class(strong_convexity, smoothness)
    require_penalty(penalty)
    require_scale("the error bound", error_bound)
    agents = byzantine_rows(topo.n, byzantine)[0].tolist()
    if method not in ("small_gain", "lmi"):
        raise HypothesisError(f'method must be "small_gain" or "lmi", not {method!r}')
    if error_bound == 0:
        return 0.0
    rate = certified_rate(topo, strong_convexity=strong_convexity, smoothness=smoothness, penalty=penalty)
    if not rate < 1:
        return float("inf")
    loop = sector_loop(topo, strong_convexity, smoothness, penalty, agents)
    starts: list[NDArray[np.float64]] = []
    if method == "lmi" and topo.n <= _SDP_AGENTS and smoothness > strong_convexity:
        least = np.inf
        for share in _SDP_SHARES:
            peak, multipliers = lmi_peak_gain(
                topo,
                1 - (1 - rate) / (1 + np.exp(-share)),
                strong_convexity=strong_convexity,
                smoothness=smoothness,
                penalty=penalty,
                byzantine=agents,
            )
            if peak < least:
                least, starts = peak, [np.append(share, np.log(multipliers))]
    return error_bound * peak_gain(loop, rate, per_agent=method == "lmi", starts=starts)


def _irregular_rate(topo: Topology, nu: float, ell: float, c: float) -> float:
    """Return the least rate of the frequency test that can be proved, from violations upwards."""
    loop = sector_loop(topo, (nu + ell) / 2, (nu + ell) / 2, c)
    low = float(np.abs(np.linalg.eigvals(loop.A)).max())
    open_above = 1 - 4 * (topo.n + 10) * float(np.finfo(float).eps)  # what rounding can feign
    if nu == ell or low >= open_above:
        return low if low < open_above else 1.0
    circle = Circle(topo, nu, ell, c)
    for gap in _GAPS:
        for _ in range(_TURNS):
            rate = low + gap * (1 - low)
            found = circle.search(rate)
            if not isinstance(found, Violation):
                if found == "certified":
                    return rate if rate < open_above else 1.0
                break
            low = circle.sharpen(found).rate
    return 1.0
