"""What may be given as a cost in CVXPY, and what is refused: one line that names agent, variable or parameter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from decon.errors import CostError

if TYPE_CHECKING:
    import cvxpy as cp

__all__ = ["is_smooth", "only_variable", "refuse_unset", "require_list", "substituted"]

_SMOOTH = {
    "entr", "exp", "huber", "inv_prod", "kl_div", "log", "log1p", "log_sum_exp", "logistic", "quad_over_lin",
    "QuadForm", "SymbolicQuadForm", "rel_entr", "xexp",
}  # fmt: skip
"""Atoms, besides affine ones and powers, that are differentiable wherever they are finite."""


def require_list(expressions: Any) -> Sequence[Any]:
    """Return ``expressions`` if it is a sequence of at least one.

    Raises
    ------
    CostError
        If it is not: a generator, say, or a single expression.
    """
    if isinstance(expressions, np.ndarray):
        expressions = list(expressions)
    if not isinstance(expressions, Sequence) or isinstance(expressions, str):
        raise CostError(f"expressions must be a list with one for each agent, not a {type(expressions).__name__}")
    if not len(expressions):
        raise CostError("there are no expressions")
    return expressions


def only_variable(expression: Any, agent: int) -> cp.Variable:
    """Return the variable of a convex cost, whose data are finite.

    Raises
    ------
    CostError
        If it is not one free real variable of shape (N,), or CVXPY's rules are not met.
    """
    import cvxpy as cp

    if not isinstance(expression, cp.Expression) or not expression.is_scalar():
        raise CostError(f"the cost of agent {agent} is not a scalar CVXPY expression")
    _refuse_indicators(expression, agent)
    variables = expression.variables()
    if len(variables) != 1 or variables[0].ndim != 1:
        raise CostError(f"the cost of agent {agent} must have one variable of shape (N,), not {variables}")
    declared = [name for name, value in variables[0].attributes.items() if value is not None and value is not False]
    if declared:
        raise CostError(
            f"the variable of agent {agent} carries attributes ({', '.join(declared)}) that local steps do not keep; "
            "agents' variables are free and real"
        )
    if not expression.is_convex():
        raise CostError(f"the cost of agent {agent} is not convex by CVXPY's rules")
    if not expression.is_dpp():
        raise CostError(f"the cost of agent {agent} does not follow CVXPY's DPP rules for parameters")
    if any(leaf.is_complex() for leaf in (*expression.constants(), *expression.parameters())):
        raise CostError(f"the cost of agent {agent} has complex data; write it in real and imaginary parts")
    for constant in expression.constants():
        if not _finite(constant.value):
            raise CostError(f"the cost of agent {agent} has data that are not finite: {_short(constant.value)}")
    return variables[0]


def substituted(expression: Any, agent: int, dim: int, variable: Any) -> cp.Expression:
    """Return the cost with ``variable``, or an affine expression of shape (N,), in the place of its own variable."""
    own = only_variable(expression, agent)
    if own.size != dim:
        raise CostError(f"the variable of agent {agent} has {own.size} entries, that of agent 0 has {dim}")
    return expression.tree_copy({id(own): variable})


def refuse_unset(expressions: Sequence[cp.Expression]) -> None:
    """Refuse parameters without a finite value.

    Raises
    ------
    CostError
        Names the parameter and the agent.
    """
    for agent, expression in enumerate(expressions):
        for parameter in expression.parameters():
            if parameter.value is None:
                raise CostError(f"the parameter {parameter.name()} in the cost of agent {agent} has no value")
            if not _finite(parameter.value):
                raise CostError(f"the parameter {parameter.name()} in the cost of agent {agent} is not finite")


def is_smooth(expression: Any) -> bool:
    """Whether all that the cost is made of has a gradient wherever it is finite, by a list of atoms.

    Examples
    --------
    >>> import cvxpy as cp
    >>> x = cp.Variable(2)
    >>> is_smooth(cp.sum(cp.logistic(x)) + cp.sum_squares(x)), is_smooth(cp.norm1(x))
    (True, False)
    """
    from cvxpy.atoms.affine.affine_atom import AffAtom

    for node in _nodes(expression):
        kind = type(node).__name__
        if not getattr(node, "args", None) or isinstance(node, AffAtom) or kind in _SMOOTH:
            continue
        exponent = getattr(node, "p", None)
        exponent = getattr(exponent, "value", exponent)
        # x^p with p < 0 or 1 < p; between, the slope is not bounded or the atom is not convex
        if kind.lower() not in ("power", "powerapprox") or exponent is None or 0 < exponent < 1:
            return False
    return True


def _nodes(expression: Any) -> Iterator[Any]:
    yield expression
    for part in getattr(expression, "args", ()):
        yield from _nodes(part)


def _refuse_indicators(expression: Any, agent: int) -> None:
    if any(type(node).__name__ == "indicator" for node in _nodes(expression)):
        raise CostError(
            f"the cost of agent {agent} has an indicator, whose constraints CVXPY does not carry over to local steps; "
            "say them by a penalty, or by an atom with that domain"
        )


def _finite(value: Any) -> bool:
    held = value.data if sp.issparse(value) else np.asarray(value)
    return bool(np.isfinite(held).all())


def _short(value: Any) -> str:
    return np.array2string(np.asarray(value.todense() if sp.issparse(value) else value), threshold=5).replace("\n", "")
