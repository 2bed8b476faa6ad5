"""Values and gradients of a CVXPY expression, its affine parts kept as matrices: several times quicker than its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["Slope"]

Array = NDArray[np.float64]


class _At(NamedTuple):
    """Entries of a part of the expression, in CVXPY's order (by columns), and d entries/d x, (N, entries)."""

    value: Array
    slope: Array


class Slope:
    """f and ∇f of one expression in one variable, by the chain rule over its parts.

    Parts that are affine in x are evaluated once; only the others are asked, each by itself, at every point. Where
    parameters change their values all is built anew.

    Parameters
    ----------
    expression : cvxpy.Expression
    variable : cvxpy.Variable

    Examples
    --------
    >>> import cvxpy as cp
    >>> x = cp.Variable(2)
    >>> Slope(cp.sum_squares(x - 1) + cp.sum(cp.exp(x)), x).at(np.zeros(2)).tolist()
    [-1.0, -1.0]
    """

    def __init__(self, expression: cp.Expression, variable: cp.Variable) -> None:
        self._expression, self._variable = expression, variable
        self._parameters: list[Array] | None = None

    def at(self, x: Array) -> Array | None:
        """Return (N,) ∇f(x), at a kink one subgradient; None outside the domain or where CVXPY knows none."""
        now = [np.array(parameter.value, dtype=float) for parameter in self._expression.parameters()]
        if self._parameters is None or not all(map(np.array_equal, now, self._parameters)):
            self._root, self._parameters = _part(self._expression, self._variable), now
        with np.errstate(all="ignore"):  # log(-1): said by the answer
            try:
                found = self._root.at(np.asarray(x, dtype=float))
            except NotImplementedError:
                return None
        if found is None or not (np.isfinite(found.value).all() and np.isfinite(found.slope).all()):
            return None
        return found.slope[:, 0].copy()


class _Affine:
    """A part that is affine in x."""

    def __init__(self, node: Any, variable: cp.Variable) -> None:
        variable.value = np.zeros(variable.shape)
        self._offset = _flat(node.value)
        self._slope = _dense(node.grad[variable]) if node.variables() else np.zeros((variable.size, node.size))

    def at(self, x: Array) -> _At | None:
        return _At(x @ self._slope + self._offset, self._slope)


class _Atom:
    """Any other part: an atom of parts. ``constant`` tells an affine atom, whose own slopes are kept."""

    def __init__(self, node: Any, variable: cp.Variable) -> None:
        import cvxpy as cp
        from cvxpy.atoms.affine.affine_atom import AffAtom

        moving = [bool(part.variables()) for part in node.args]
        self._parts = [_part(part, variable) for part, moves in zip(node.args, moving, strict=True) if moves]
        self._own = [cp.Variable(part.shape) for part, moves in zip(node.args, moving, strict=True) if moves]
        own = iter(self._own)
        self._node = node.copy([next(own) if moves else part for part, moves in zip(node.args, moving, strict=True)])
        self._kept: tuple[Array, list[Array]] | None = None
        if isinstance(node, AffAtom):
            for one in self._own:
                one.value = np.zeros(one.shape)
            slopes = self._node.grad
            self._kept = _flat(self._node.value), [_dense(slopes[one]) for one in self._own]

    def at(self, x: Array) -> _At | None:
        inner = [part.at(x) for part in self._parts]
        if any(one is None for one in inner):
            return None
        found = [one for one in inner if one is not None]
        if self._kept is not None:
            offset, slopes = self._kept
            value = offset + sum(one.value @ slope for one, slope in zip(found, slopes, strict=True))
            return _At(value, _chained(found, slopes))
        for variable, one in zip(self._own, found, strict=True):
            variable.value = one.value.reshape(variable.shape, order="F")
        raw = self._node.grad
        if any(raw.get(one) is None for one in self._own):
            return None
        return _At(_flat(self._node.value), _chained(found, [_dense(raw[one]) for one in self._own]))


def _part(node: Any, variable: cp.Variable) -> _Affine | _Atom:
    return _Affine(node, variable) if node.is_affine() else _Atom(node, variable)


def _chained(parts: list[_At], slopes: list[Any]) -> Array:
    return np.asarray(sum(one.slope @ slope for one, slope in zip(parts, slopes, strict=True)))


def _flat(value: Any) -> Array:
    held = value.toarray() if hasattr(value, "toarray") else value
    return np.asarray(held, dtype=float).reshape(-1, order="F")


def _dense(slope: Any) -> Array:
    held = slope.toarray() if hasattr(slope, "toarray") else slope
    found = np.asarray(held, dtype=float)
    return found if found.ndim == 2 else found.reshape(-1, 1)
