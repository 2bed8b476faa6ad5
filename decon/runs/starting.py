"""What a run begins with: a settled method, what is recorded, and the end of an earlier run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array, Costs
from decon.errors import OptionError
from decon.methods.protocol import Algorithm
from decon.network.links import Links
from decon.runs.keeping import Stored, assemble
from decon.runs.loop import Probe
from decon.runs.metrics import NAMES
from decon.runs.result import Result
from decon.runs.round import Moment, Setup, begin
from topologies import Topology

__all__ = ["cut_before", "probes", "rate_of", "resume", "settled", "spread_out"]


def settled(method: Algorithm, topo: Topology, costs: Costs) -> tuple[Algorithm, dict[str, Any]]:
    """Return the method with numbers for all its options, and what a manifest says of them."""
    settle = getattr(method, "settle", None)
    return (method, {}) if settle is None else settle(topo, costs)


def rate_of(method: Algorithm, topo: Topology, costs: Costs) -> float | None:
    """Return the method's certified rate, if it has one to offer."""
    offer = getattr(method, "certified_rate", None)
    return None if offer is None else offer(topo, costs)


def probes(record: Sequence[str] | Mapping[str, Probe]) -> dict[str, Probe]:
    """Return what is kept of each recorded moment, by name; the histories every run has need no keeping.

    Raises
    ------
    OptionError
        If a name is no string, or what should look is no function.
    """
    if isinstance(record, str):
        record = (record,)
    if isinstance(record, Mapping):
        for name, probe in record.items():
            if not isinstance(name, str) or not callable(probe):
                raise OptionError(f"record needs names and functions of a moment, not {name!r}: {probe!r}")
        return dict(record)
    for name in record:
        if not isinstance(name, str):
            raise OptionError(f'record needs names such as "x", not {name!r}')
    return {name: _part(name) for name in record if name not in NAMES}


def _part(name: str) -> Probe:
    """Return what looks up a part of a moment or of its method's state."""

    def look(moment: Moment) -> Any:
        owner = moment if hasattr(moment, name) else moment.inner
        if not hasattr(owner, name):
            known = [*NAMES, *Moment._fields, "x", *getattr(moment.inner, "_fields", ())]
            raise OptionError(f"there is no {name!r} to record; known: {', '.join(dict.fromkeys(known))}")
        return getattr(owner, name)

    return look


def cut_before(start: Result | None, links: Links) -> NDArray[np.bool_] | None:
    """Return (arcs,) the links that an earlier run left in use, None for all."""
    if start is None:
        return None
    active = _parts(start)[-1]
    if active is None or bool(np.all(active)):
        return None
    if len(active) != len(links.receivers):
        raise OptionError(f"start has {len(active)} arcs, this topology has {len(links.receivers)}")
    return np.asarray(active)


def resume(setup: Setup, links: Links, x0: Array, start: Result) -> Moment:
    """Return the first moment of a run that goes on from the end of another.

    Raises
    ------
    OptionError
        If the earlier run was of another size or method, or its end was not kept.
    """
    if start.x.shape != x0.shape:
        raise OptionError(f"start has updates of shape {start.x.shape}, this run has {x0.shape}")
    first = begin(setup, links, start.x.astype(x0.dtype, copy=False))
    inner = _parts(start, first)[0]
    take_up = getattr(setup.method, "resume", None)
    inner = inner if take_up is None else take_up(links, inner, setup.cut)
    return first._replace(inner=inner)


def _parts(start: Result, like: Moment | None = None) -> tuple[Any, Any]:
    """Return the method's state at the end of an earlier run, and the links in use."""
    final = start.final
    if isinstance(final, Stored):
        if like is None:
            found = assemble(final.made, final.arrays, None)
            return found[1], found[5]
        final = assemble(final.made, final.arrays, like)
    if final is None:
        raise OptionError("start holds no state to go on from")
    if like is not None and type(final.inner) is not type(like.inner):
        raise OptionError(
            f"start is a run of another method: its state is a {type(final.inner).__name__}, "
            f"this method's a {type(like.inner).__name__}"
        )
    return final.inner, final.active


def spread_out(setup: Setup, links: Links, last: Moment) -> Moment:
    """Return the last moment in a form that does not depend on which arcs the run left out, without a rule's memory."""
    spread = getattr(setup.method, "spread", None)
    return last._replace(inner=last.inner if spread is None else spread(links, last.inner), screen=None)
