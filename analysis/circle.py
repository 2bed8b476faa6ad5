r"""The frequency test on any graph: σ_min of the loop matrix along a whole circle, proved by Bernstein coefficients.

docs/certificates.md section 2. After the factor ζω (ω = ζ - 1) the loop matrix is Q = m ωζ I + 2c ω² D + c(ω + ζ) L₋,
and the test is F = QᴴQ - ρ_f²|ωζ|² I ⪰ 0 on |ζ| = ρ. With ζ = ρ(1 + it)/(1 - it) and a factor |1 - it|⁴ F is a
Hermitian matrix polynomial of degree four in t. If its five Bernstein coefficients on an interval are positive
semidefinite, so is F on the whole interval: a proof for a continuum of frequencies from five Cholesky factorisations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import comb
from typing import Literal

import numpy as np
from numpy.polynomial import polynomial as poly
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.linalg.lapack import zpotrf

from topologies import Topology

__all__ = ["Circle", "Violation"]

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

_DEGREE = 4
_MOST_PIECES = 2000
"""Intervals after which a circle is given up: a proof takes tens of them, unless the margin is rounding all along."""

_TOGETHER, _SECTIONS = 16, 14
"""Rates tried at a time, and how often: an interval shrinks 17-fold each time, to neighbouring floats in 13."""

_SMALLEST = 2.0**-80
"""Intervals of t below this length are given up: the margin is then lost in rounding."""


@dataclass(frozen=True)
class Violation:
    """A place where F is not positive semidefinite: rate ρ, t = tan(φ/2), and the worst direction in the L₋ basis."""

    rate: float
    t: float
    vector: Complex


class Circle:
    """The frequency test of one graph and class of costs on circles |ζ| = ρ.

    Parameters
    ----------
    topo : Topology
    strong_convexity, smoothness, penalty : float
        0 < ν < ℓ and c > 0.

    Notes
    -----
    Matrices are kept in the eigenbasis of L₋, with the exact consensus direction first. There F is graded, and Cholesky
    of the matrix scaled to unit diagonal decides its sign to high relative accuracy, also where 1 - ρ is tiny.

    Examples
    --------
    >>> import networkx as nx
    >>> circle = Circle(Topology(nx.path_graph(3)), 1.0, 2.0, 0.5)
    >>> circle.holds(0.99), circle.holds(0.5)
    (True, False)
    """

    def __init__(self, topo: Topology, strong_convexity: float, smoothness: float, penalty: float) -> None:
        self.m = (strong_convexity + smoothness) / 2
        self.radius = (smoothness - strong_convexity) / 2
        self.product = strong_convexity * smoothness  # m² - ρ_f², without cancellation
        self.c = penalty
        self.n = topo.n
        laplacian = topo.L_minus.toarray()
        values, basis = eigh(laplacian)
        values[0] = 0.0
        basis[:, 0] = 1 / np.sqrt(topo.n)
        self.values: Array = values
        self.degree: Array = basis.T @ (topo.degrees[:, None] * basis)
        self.square: Array = basis.T @ (topo.degrees[:, None] ** 2 * basis)
        self._sum: Array = values[:, None] + values
        self._difference: Array = values - values[:, None]
        self._slack = 4 * (topo.n + 10) * float(np.finfo(float).eps)

    def holds(self, rate: float) -> bool:
        """Whether F ⪰ 0 is proved on the whole circle of ``rate``; False also where rounding leaves it open."""
        return self.search(rate) == "certified"

    def search(self, rate: float) -> Violation | Literal["certified", "open"]:
        """Return "certified", "open" (rounding), or a :class:`Violation` found on the circle of ``rate``."""
        pieces = self._pieces(rate)
        for piece in pieces:
            for u in (0.0, 1.0):
                if (found := self._violated(rate, piece, u)) is not None:
                    return found
        stack = [(piece, 0.0, 1.0) for piece in pieces]
        for _ in range(_MOST_PIECES):
            if not stack:
                return "certified"
            piece, start, stop = stack.pop()
            controls = _bernstein(piece.coefficients, start, stop)
            if all(self._positive(controls[:, k]) for k in (2, 1, 3, 0, 4)):
                continue
            if stop - start < _SMALLEST:
                return "open"
            middle = (start + stop) / 2
            if (found := self._violated(rate, piece, middle)) is not None:
                return found
            stack += [(piece, start, middle), (piece, middle, stop)]
        return "open"

    def sharpen(self, found: Violation) -> Violation:
        """Return the violation of (nearly) largest rate reached from ``found`` by following its worst direction.

        Any direction gives scalar violations at some rates; the largest of them has a new worst direction, and so on.
        The error of the rate is squared at each turn.
        """
        best = found
        for _ in range(30):
            rate, t = self._reach(best)
            if rate - best.rate <= 1e-15 * rate:
                break
            best = Violation(rate, t, self._worst(rate, t))
        return best

    def _reach(self, found: Violation) -> tuple[float, float]:
        """Return the largest rate, and its t, at which this direction alone violates (at least ``found.rate``)."""
        y = found.vector
        products = (
            float(np.vdot(y, y).real),
            float(np.vdot(y, self.values * y).real),
            float(np.vdot(y, self.values**2 * y).real),
            float(np.vdot(y, self.degree @ y).real),
            float(np.vdot(y, self.square @ y).real),
        )
        both = np.vdot(y, self.degree @ (self.values * y))  # yᴴ D L y
        gram = np.array([*products, 2 * both.real, -2 * both.imag])

        low, high, t = found.rate, 1.0, found.t
        for _ in range(_SECTIONS):
            rates = np.linspace(low, high, _TOGETHER + 2)[1:-1]
            rates = rates[(rates > low) & (rates < high)]
            spots = self._scalar_dips(rates, gram)
            violating = np.flatnonzero(~np.isnan(spots))
            if violating.size:
                last = int(violating[-1])
                low, t = float(rates[last]), float(spots[last])
                high = float(rates[last + 1]) if last + 1 < len(rates) else high
            elif len(rates):
                high = float(rates[0])
            if len(rates) < _TOGETHER:  # the interval is down to neighbouring floats
                break
        return low, t

    def _scalar_dips(self, rates: Array, gram: Array) -> Array:
        """Return for each rate a t where a direction's scalar polynomial is negative on the circle, NaN if none is."""
        if not len(rates):
            return np.empty(0)
        lines = np.einsum("j,rjk->rk", gram, self._tables(rates))
        slopes = lines[:, 1:] * np.arange(1.0, _DEGREE + 1)
        tiny = np.finfo(float).eps * np.abs(slopes).max(axis=1)
        leading = np.where(np.abs(slopes[:, -1]) > tiny, slopes[:, -1], tiny + np.finfo(float).tiny)
        companions = np.zeros((len(rates), _DEGREE - 1, _DEGREE - 1))
        companions[:, 1, 0] = companions[:, 2, 1] = 1.0
        companions[:, :, -1] = -slopes[:, :-1] / leading[:, None]
        spots = np.zeros((len(rates), _DEGREE))
        spots[:, 1:] = np.linalg.eigvals(companions).real
        powers = spots[:, :, None] ** np.arange(_DEGREE + 1)
        heights = np.einsum("rsk,rk->rs", powers, lines) / (1 + spots**2) ** 2
        best = np.argmin(heights, axis=1)
        rows = np.arange(len(rates))
        found = np.where(heights[rows, best] < 0, spots[rows, best], np.nan)
        return np.asarray(np.where(np.isnan(found) & (lines[:, -1] < 0), np.inf, found))

    def _worst(self, rate: float, t: float) -> Complex:
        """Return the direction of the least eigenvalue of F, scaled to unit diagonal."""
        matrix = self._matrix(_at(self._pieces(rate)[0].coefficients, t))
        diagonal = np.abs(np.diagonal(matrix).real)
        scale = 1 / np.sqrt(np.maximum(diagonal, 1e-30 * diagonal.max()))  # zero is a violation itself
        _, vectors = eigh(scale[:, None] * matrix * scale, subset_by_index=[0, 0])
        vector = scale * vectors[:, 0]
        return np.asarray(vector / np.linalg.norm(vector))

    def _violated(self, rate: float, piece: _Piece, u: float) -> Violation | None:
        """Return the violation at a point if F is surely not positive semidefinite there."""
        if self._positive(np.asarray(poly.polyval(u, piece.coefficients.T)), sign=-1.0):
            return None
        t = u if not piece.inverted else (np.inf if u == 0 else 1 / u)
        return Violation(rate, t, self._worst(rate, t))

    def _positive(self, coefficients: Array, sign: float = 1.0) -> bool:
        """Whether the matrix is positive semidefinite for sure (sign +1), or possibly (sign -1)."""
        matrix = self._matrix(coefficients)
        diagonal = np.diagonal(matrix).real
        if not (diagonal > 0).all():
            return False
        scale = 1 / np.sqrt(diagonal)
        matrix *= scale[:, None]
        matrix *= scale
        np.fill_diagonal(matrix, 1 - sign * self._slack)
        _, info = zpotrf(matrix, lower=1, clean=0, overwrite_a=1)
        return bool(info == 0)

    def _matrix(self, coefficients: Array) -> Complex:
        """Return Σ of the seven basis matrices: I, L, L², D, D², DL + LD and i(DL - LD)."""
        identity, line, square, degree, degree_square, symmetric, skew = coefficients
        matrix = self.degree * (degree + symmetric * self._sum + 1j * (skew * self._difference))
        matrix += degree_square * self.square
        matrix[np.diag_indices(self.n)] += identity + self.values * (line + square * self.values)
        return np.asarray(matrix)

    def _pieces(self, rate: float) -> tuple[_Piece, _Piece]:
        """Return F's coefficients as polynomials of t in [0, 1], and of 1/t in [0, 1]."""
        table = self._tables(np.array([rate]))[0]
        return _Piece(table, False), _Piece(table[:, ::-1].copy(), True)

    def _tables(self, rates: Array) -> Array:
        """Return (r, 7, 5) coefficients of F's seven polynomials in t, ascending, on each circle."""
        one = np.ones_like(rates)
        w = np.stack([-(1 - rates), 1j * (1 + rates)], axis=1)  # ω(1 - it)
        turn = _convolve(w, np.stack([rates, 1j * rates], axis=1))  # ωζ(1 - it)²
        bend = 2 * self.c * _convolve(w, w)
        linear = np.stack([2 * rates - 1, 1j * (1 + 2 * rates)], axis=1)
        mix = self.c * _convolve(np.stack([one, -1j * one], axis=1), linear)
        cross = _convolve(bend.conj(), mix)
        return np.stack(
            [
                self.product * _convolve(turn.conj(), turn).real,
                2 * self.m * _convolve(turn.conj(), mix).real,
                _convolve(mix.conj(), mix).real,
                2 * self.m * _convolve(turn.conj(), bend).real,
                _convolve(bend.conj(), bend).real,
                cross.real,
                cross.imag,
            ],
            axis=1,
        )


@dataclass(frozen=True, eq=False)
class _Piece:
    coefficients: Array  # (7, 5), ascending powers
    inverted: bool


def _convolve(first: Complex, second: Complex) -> Complex:
    """Return the coefficients of the products of polynomials, row by row."""
    product = np.zeros((len(first), first.shape[1] + second.shape[1] - 1), dtype=complex)
    for k in range(first.shape[1]):
        product[:, k : k + second.shape[1]] += first[:, k, None] * second
    return product


def _at(coefficients: Array, t: float) -> Array:
    """Return the polynomials at t up to a positive factor; t may be infinite."""
    if abs(t) <= 1:
        return np.asarray(poly.polyval(t, coefficients.T))
    return np.asarray(poly.polyval(1 / t, coefficients[:, ::-1].T))


def _bernstein(coefficients: Array, start: float, stop: float) -> Array:
    """Return (7, 5) Bernstein coefficients of the polynomials on [start, stop]."""
    shifted = np.zeros_like(coefficients)
    width = stop - start
    for k in range(_DEGREE + 1):
        terms = [comb(j, k) * start ** (j - k) * coefficients[:, j] for j in range(k, _DEGREE + 1)]
        shifted[:, k] = width**k * np.sum(terms, axis=0)
    return np.asarray(shifted @ _to_bernstein())


@lru_cache(maxsize=1)
def _to_bernstein() -> Array:
    """Return the (5, 5) map from powers of u on [0, 1] to Bernstein coefficients."""
    return np.array(
        [[comb(i, k) / comb(_DEGREE, k) if k <= i else 0.0 for i in range(_DEGREE + 1)] for k in range(_DEGREE + 1)]
    )
