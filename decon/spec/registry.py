"""What words can name: attacks, screening rules, methods, local steps, costs and made-up data, the user's own too."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import sys
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from decon.errors import OptionError

__all__ = ["ENTRY_POINTS", "register", "registry", "resolve", "use", "words"]

ENTRY_POINTS = "decon.plugins"
"""The group in which a package names classes to be registered: ``[project.entry-points."decon.plugins"]``."""

_Thing = TypeVar("_Thing")
_KINDS = ("attack", "screening", "method", "local step", "cost", "data")


def words(name: str) -> str:
    """Return a class name as words.

    Examples
    --------
    >>> words("SignFlip"), words("ALIE"), words("sign_flip")
    ('sign_flip', 'alie', 'sign_flip')
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def register(thing: _Thing) -> _Thing:
    """Let words name a class of yours, or a function that draws costs, by its own name; usable as a decorator.

    Of two with one name the later is meant, as when a notebook's cell runs again.

    Parameters
    ----------
    thing : class or function
        A dataclass that is an :class:`decon.attacks.Attack`, a screening rule (has ``judge``), a method (has ``begin``,
        ``propose`` and ``absorb``) or a local step (has ``keeps_falsified``); a subclass of
        :class:`decon.costs.Costs`, made as ``kind(X, y, ridge=…)`` from each agent's samples; or a function
        ``draw(agents, *, seed=0, …)`` from agent numbers to their costs, which is then a word for ``--data``.

    Returns
    -------
    class or function
        The same.

    Raises
    ------
    OptionError
        If it is none of these, or its name is that of one of decon's own.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import decon
    >>> @decon.register
    ... @dataclass(frozen=True)
    ... class Lean(decon.attacks.Attack):
    ...     speed: float = 1.0
    ...     def __call__(self, view, rng):
    ...         return view.own + self.speed * view.k
    >>> from decon.spec.objects import make
    >>> make("attack", "lean:speed=2.0")
    Lean(speed=2.0)
    """
    what = _kind_of(thing)
    name = getattr(thing, "__name__", "")
    for other in _known()[what]:
        if words(other) == words(name) and _known()[what][other].__module__.startswith("decon."):
            raise OptionError(f"the {what} {other!r} is decon's own; give yours another name")
    _known()[what][name] = thing
    return thing


def _kind_of(thing: Any) -> str:
    from decon.attacks import Attack
    from decon.costs import Costs

    if not isinstance(thing, type):
        if callable(thing) and hasattr(thing, "__name__"):
            return "data"
    elif issubclass(thing, Costs):
        return "cost"
    elif dataclasses.is_dataclass(thing):
        if issubclass(thing, Attack):
            return "attack"
        if hasattr(thing, "judge"):
            return "screening"
        if all(hasattr(thing, step) for step in ("begin", "propose", "absorb")):
            return "method"
        if hasattr(thing, "keeps_falsified"):
            return "local step"
    raise OptionError(
        f"{getattr(thing, '__name__', thing)!r} is no dataclass of an attack, a screening rule, a method or a local "
        "step, no class of Costs, and no function from agent numbers to costs"
    )


@cache
def _known() -> dict[str, dict[str, Any]]:
    """Return what decon itself has."""
    from decon import attacks, costs, datasets
    from decon.methods import Admm
    from decon.methods.local_steps import Exact, SquareRoot, Stochastic
    from decon.screens.consistency import Consistency
    from decon.screens.median_distance import MedianDistance
    from decon.screens.profiling import Profiling, Road

    public = [getattr(attacks, name) for name in attacks.__all__]
    found: dict[str, tuple[Any, ...]] = {
        "attack": tuple(one for one in public if issubclass(one, attacks.Attack) and dataclasses.is_dataclass(one)),
        "screening": (Consistency, Profiling, Road, MedianDistance),
        "method": (Admm,),
        "local step": (Exact, Stochastic, SquareRoot),  # the last as the sigma of a Stochastic
        "cost": (costs.LeastSquares, costs.Huber, costs.LogisticRegression, costs.SoftmaxRegression),
        "data": (datasets.quadratics,),
    }
    return {what: {one.__name__: one for one in found[what]} for what in _KINDS}


@cache
def _load_entry_points() -> None:
    for entry in entry_points(group=ENTRY_POINTS):
        register(entry.load())


def registry(what: str) -> dict[str, Callable[..., Any]]:
    """Return the classes or functions of a kind by their names."""
    known = _known()[what]
    _load_entry_points()
    return known


def resolve(what: str, name: Any) -> str:
    """Return the registered name that ``name`` stands for: itself, or the same in words.

    Raises
    ------
    OptionError
        Naming the nearest there is.

    Examples
    --------
    >>> resolve("attack", "sign_flip"), resolve("attack", "SignFlip"), resolve("attack", "none")
    ('SignFlip', 'SignFlip', 'NoAttack')
    """
    from decon.spec.grammar import nearest

    known = registry(what)
    if not isinstance(name, str):
        raise OptionError(f"unknown {what} {name!r}")
    if name in known:
        return name
    spoken = {words(one): one for one in known} | _SHORT.get(what, {})
    if name in spoken:
        return spoken[name]
    shown = list(known) if name[:1].isupper() else sorted(spoken)
    raise OptionError(f"unknown {what} {name!r}{nearest(name, shown)}")


_SHORT = {
    "attack": {"none": "NoAttack"},
    "cost": {"logistic": "LogisticRegression", "softmax": "SoftmaxRegression"},
}


def use(path: str | Path) -> str:
    """Run a Python file whose ``decon.register`` calls name classes of the user's; return a hash of its text.

    A file that ran already and has not changed does not run again.

    Raises
    ------
    OptionError
        If there is no such file, or it does not run.
    """
    file = Path(path)
    try:
        text = file.read_bytes()
    except OSError as error:
        raise OptionError(f"cannot use {str(path)!r}: {error.strerror}") from None
    digest = sha256(text).hexdigest()
    name = f"decon_used_{file.stem}_{digest[:12]}"
    if name in sys.modules:
        return digest
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise OptionError(f"cannot use {str(path)!r}: it is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise OptionError(f"cannot use {str(path)!r}: {type(error).__name__}: {error}") from error
    return digest
