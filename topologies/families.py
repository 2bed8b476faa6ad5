"""One door to all graph families: ``make`` a topology by name, list the ``families``."""

from __future__ import annotations

import difflib
import inspect
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from topologies import random_graphs, social, structured
from topologies.errors import TopologyError
from topologies.topology import Topology

__all__ = ["families", "fixed_size", "make", "register"]

_BUILDERS: dict[str, Callable[..., Topology]] = {
    name: getattr(module, name)
    for module, names in (
        (
            structured,
            "ring path star complete grid torus hypercube binary_tree wheel barbell lollipop circulant exponential "
            "complete_bipartite petersen margulis",
        ),
        (
            random_graphs,
            "erdos_renyi random_regular watts_strogatz barabasi_albert random_geometric stochastic_block",
        ),
        (social, "karate_club les_miserables florentine davis_women"),
    )
    for name in names.split()
}


def register(build: Callable[..., Topology]) -> Callable[..., Topology]:
    """Let :func:`make` know a family of yours by the function's name; usable as a decorator.

    Parameters
    ----------
    build : callable
        ``build(n, …)`` to a :class:`Topology`; with a default for ``n`` if the family has one size, and with a keyword
        ``rng`` if it is random. The first line of its docstring is what :func:`families` shows.

    Returns
    -------
    callable
        The same.

    Raises
    ------
    TopologyError
        If the name is that of a family of this package, or there is no ``n``.

    Examples
    --------
    >>> import networkx as nx
    >>> @register
    ... def ladder(n: int) -> Topology:
    ...     return Topology(nx.ladder_graph(n // 2), name="ladder")
    >>> make("ladder", 8).n_edges
    10
    >>> _ = _BUILDERS.pop("ladder")
    """
    name = getattr(build, "__name__", "")
    taken = _BUILDERS.get(name)
    if not name.isidentifier() or (taken is not None and taken.__module__.startswith("topologies.")):
        raise TopologyError(f"a family cannot be called {name!r}" if taken is None else f"{name} is a family already")
    if "n" not in inspect.signature(build).parameters:
        raise TopologyError(f"{name} must take n, the number of agents")
    _BUILDERS[name] = build
    return build


def families() -> dict[str, str]:
    """List the names :func:`make` knows.

    Returns
    -------
    dict of str to str
        A one-line description of each family, with its parameters and their defaults.

    Examples
    --------
    >>> families()["torus"]
    'Grid that wraps around in both directions, 4-regular; n = rows * columns, each >= 3. Parameters: rows=None'
    """
    lines = {}
    for name, build in _BUILDERS.items():
        summary = (build.__doc__ or "").splitlines()[0]
        shown = ", ".join(f"{p.name}={p.default}" for p in _parameters(build).values())
        lines[name] = f"{summary} Parameters: {shown}" if shown else summary
    return lines


def fixed_size(name: str) -> int | None:
    """Return the number of agents of a family that has only one, None for the others.

    Raises
    ------
    TopologyError
        For an unknown family.

    Examples
    --------
    >>> fixed_size("karate_club"), fixed_size("ring")
    (34, None)
    """
    if name not in _BUILDERS:
        raise TopologyError(f"unknown family {name!r}; {_hint(name)}")
    default = inspect.signature(_BUILDERS[name]).parameters["n"].default
    return None if default is inspect.Parameter.empty else int(default)


def make(name: str, n: int | None = None, *, seed: int | np.random.Generator = 0, **params: Any) -> Topology:
    """Make a topology of a named family.

    Parameters
    ----------
    name : str
        One of :func:`families`.
    n : int, optional
        Number of agents. Families of one size (real social graphs, Petersen) need none, and take only their own.
    seed : int or numpy.random.Generator
        Decides the draw of a random family; the same seed gives the same graph. Others do not use it.
    **params
        The family's own parameters, see :func:`families`.

    Returns
    -------
    Topology
        Connected; random families are drawn until they are, at most 100 times.

    Raises
    ------
    TopologyError
        For an unknown family or parameter, an n or a value it cannot have, or when no draw was connected.

    Examples
    --------
    >>> make("erdos_renyi", 20, p=0.4, seed=0)
    Topology('erdos_renyi', n=20, edges=72)
    >>> make("karate_club").n
    34
    """
    build = _BUILDERS.get(name)
    if build is None:
        raise TopologyError(f"unknown family {name!r}; {_hint(name)}")
    known = _parameters(build)
    for key in params:
        if key not in known:
            raise TopologyError(f"{name} has no parameter {key!r}; it takes {', '.join(known) or 'none'}")
    signature = inspect.signature(build).parameters
    size = signature["n"].default
    if n is not None:
        try:
            n = operator.index(n)
        except TypeError:
            raise TopologyError(f"n must be an integer, not {n!r}") from None
    if size is inspect.Parameter.empty:
        if n is None:
            raise TopologyError(f"{name} needs the number of agents n")
        size = n
    elif n not in (None, size):
        raise TopologyError(f"{name} has {size} agents, not n = {n}")
    if not 2 <= size <= _MOST:
        raise TopologyError(f"a network needs at least two agents and has at most {_MOST}, not n = {size}")
    try:
        rng = np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise TopologyError(f"seed must be a non-negative integer or a Generator, not {seed!r}") from error
    drawn = {"rng": rng} if "rng" in signature else {}
    try:
        return build(size, **drawn, **params)
    except TypeError as error:
        raise TopologyError(f"{name} cannot use {params}: {error}") from error


_MOST = 100_000_000
"""Agents: a ring of as many takes some 10 GB, and what is far beyond is a mistake."""


def _hint(name: str) -> str:
    """Return words that suggest the nearest family, or list them all."""
    near = difflib.get_close_matches(str(name), _BUILDERS, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(_BUILDERS)}"


def _parameters(build: Callable[..., Topology]) -> dict[str, inspect.Parameter]:
    return {k: p for k, p in inspect.signature(build).parameters.items() if k not in ("n", "rng")}
