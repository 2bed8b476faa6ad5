"""Who is believed: rules on links, by what each agent heard, and rules on agents, by what everybody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array
from decon.methods.protocol import Proposal, Revealing
from decon.network.deviation import deviations
from decon.network.heard import Heard
from decon.network.links import Links
from decon.screens.protocol import Inbox, Screening
from decon.screens.public import EQUIVOCATION, NONFINITE, PublicScreening, Ruling, Statement

if TYPE_CHECKING:
    from decon.runs.round import Moment, Setup

__all__ = ["advance_record", "all_sane", "judge_agents", "judge_links"]

_TOO_LARGE = 1e100
"""A falsified value beyond this is sent, but the falsifying agent's own memory keeps its true value; as a message it
counts as not finite: squares of what is left cannot overflow."""


def judge_links(setup: Setup, screening: Screening, links: Links, before: Moment, k: int, heard: Heard) -> Any:
    """Judge the messages before they are used; a link is used only if both its ends want it."""
    heard.keep()
    finite = all_sane(heard.messages)
    if not finite.all():
        heard.replace(np.where(finite[:, None], heard.messages, heard.own))
    lengths = _listen(setup, links, before, heard)
    active = heard.active
    inbox = Inbox(k, heard.kept, heard.messages, finite, active, before.own, lengths)
    verdict = screening.judge(links, inbox, before.screen)
    honest_receiver = links.roles(setup.byzantine).honest_receiver
    wanted = (verdict.keep & finite) | ~honest_receiver  # a falsifying agent never cuts itself off
    if links.places > 1 or ((wanted != active) & honest_receiver).any():  # else all stays: it was mutual
        heard.in_use = wanted & links.exchange(wanted)
    if verdict.messages is not None:
        heard.replace(verdict.messages)
        _listen(setup, links, before, heard)
    return verdict.state


def _listen(setup: Setup, links: Links, before: Moment, heard: Heard) -> Array:
    """Return (arcs,) ‖m - own‖; a method that passes over all messages anyway measures them on the way."""
    listen = getattr(setup.method, "listen", None)
    if listen is None:
        return deviations(links.receivers, heard.kept, heard.messages)
    lengths = np.empty(len(heard.messages))
    heard.listened = listen(links, before.inner, heard, lengths)
    return lengths


def all_sane(messages: Array) -> NDArray[np.bool_]:
    """Return (rows,) whether all entries of a message are numbers of at most ``_TOO_LARGE``, less in single."""
    limit = min(_TOO_LARGE, 0.1 * float(np.sqrt(np.finfo(messages.dtype).max)))  # so that squares stay finite
    flat = messages.ravel()
    if flat @ flat <= limit:  # one quick pass where all is well; no for NaN, infinity and overflow
        return np.ones(len(messages), dtype=bool)
    return np.asarray(np.all(np.abs(messages) <= limit, axis=1))  # False for NaN


def judge_agents(
    setup: Setup, links: Links, before: Moment, k: int, proposal: Proposal, heard: Heard
) -> tuple[Ruling, Array]:
    """Judge the agents by what all know that they said, cut those exposed at all their links, before anything is used.

    Returns
    -------
    Ruling
    (n, P) ndarray
        What each agent said, for the public record; of one that told its neighbours different things, one of them.
    """
    said, improper = heard.sent, None
    if setup.attacked and setup.attack.per_arc:
        heard.keep()
        arrived = links.exchange(heard.messages)  # on arc (j, i): what i got from j
        first = arrived[np.searchsorted(links.receivers, np.arange(links.n))]
        differs = (arrived != first[links.receivers]).any(axis=1)
        if differs.any():
            improper = np.zeros(links.n, dtype=np.int8)
            improper[links.receivers[differs]] = EQUIVOCATION
        said = first
    sane = all_sane(said)
    record: Any = before.inner if before.public is None else before.public
    if not sane.all():
        said = np.where(sane[:, None], said, record.x)
        improper = np.zeros(links.n, dtype=np.int8) if improper is None else improper
        improper[~sane] = NONFINITE
    method, rule = cast("Revealing", setup.method), cast("PublicScreening", setup.screening)
    point, gradient, size, error = method.implied(setup.costs, links, record, said, proposal, k)
    active = heard.active
    present = None if active.all() else links.arc_sum(active.astype(float)) > 0
    ruling = rule.judge(links, Statement(k, point, gradient, size, error, improper, present), before.screen)
    if ruling.anyone:
        told = links.broadcast(ruling.exposed[:, None].astype(float))[:, 0] > 0
        heard.in_use = heard.active & ~(told | ruling.exposed[links.receivers])
    if not sane.all():  # of agents that are out already
        heard.sent = said
        if setup.attack.per_arc and (bad := ~all_sane(heard.messages)).any():
            heard.replace(np.where(bad[:, None], heard.own, heard.messages))
    return ruling, said


def advance_record(setup: Setup, links: Links, before: Moment, k: int, said: Array, heard: Heard) -> Any:
    """Return the method's state as all can work it out, None where the method's own is just that."""
    if before.public is None:
        return None
    known = Heard(links, said, said, active=heard.in_use)
    return setup.method.absorb(setup.costs, links, before.public, Proposal(said, said), known, k)
