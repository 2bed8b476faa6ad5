"""The rule against a loop over agents, and against messages of every size."""

import numpy as np
import pytest

import topologies
from decon.errors import OptionError
from decon.network.deviation import deviations
from decon.network.links import LocalLinks
from decon.screens.median_distance import MedianDistance
from decon.screens.protocol import Inbox


@pytest.mark.parametrize("seed", range(5))
def test_links_are_kept_as_a_loop_over_agents_keeps_them(seed):
    rng = np.random.default_rng(seed)
    topo = topologies.make("erdos_renyi", 15, p=0.35, seed=seed)
    links, own = LocalLinks(topo), rng.normal(size=(15, 4))
    messages = links.broadcast(own) * rng.lognormal(sigma=1.5, size=(len(topo.receivers), 1))
    every = np.ones(len(messages), dtype=bool)
    inbox = Inbox(1, own, messages, every, every, own, deviations(links.receivers, own, messages))
    kept = MedianDistance(1.7).judge(links, inbox, None).keep
    for agent in range(15):
        arcs = np.flatnonzero(topo.receivers == agent)
        lengths = np.linalg.norm(messages[arcs] - own[agent], axis=1)
        median = np.sort(lengths)[(len(arcs) - 1) // 2]
        np.testing.assert_array_equal(kept[arcs], lengths <= 1.7 * median)
        assert kept[arcs].sum() >= (len(arcs) + 1) // 2  # never more than half is cut by one end


def test_huge_messages_are_cut_without_a_warning():
    topo = topologies.make("star", 6)
    links, own = LocalLinks(topo), np.ones((6, 2))
    messages = links.broadcast(own) + 0.1
    messages[4] = 1e300  # its square overflows
    every = np.ones(10, dtype=bool)
    with np.errstate(over="ignore"):
        inbox = Inbox(1, own, messages, every, every, own, deviations(links.receivers, own, messages))
    kept = MedianDistance().judge(links, inbox, None).keep
    assert kept.tolist() == [True] * 4 + [False] + [True] * 5


@pytest.mark.parametrize("ratio", [0.5, np.nan, np.inf])
def test_bad_ratios_are_refused(ratio):
    with pytest.raises(OptionError, match="ratio"):
        MedianDistance(ratio)
