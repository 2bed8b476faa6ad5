from dataclasses import dataclass

import numpy as np

import decon
import topologies
from decon.attacks import NoAttack
from decon.reproduce.links import wrong_links
from decon.screens.protocol import Verdict
from tests.decon.problems import quadratic


@dataclass(frozen=True)
class Scripted:
    """Cuts and restores given pairs at given iterations, on the word of one end."""

    wanted: tuple[tuple[int, int, int, bool], ...]
    readmits = True

    def start(self, links, dim, rate):
        return np.ones(len(links.receivers), dtype=bool)

    def judge(self, links, inbox, state):
        keep = state.copy()
        for k, i, j, value in self.wanted:
            if k == inbox.k:
                keep[(links.topo.receivers == i) & (links.topo.senders == j)] = value
        return Verdict(keep, keep)


def test_links_are_counted_once_whoever_cuts_them():
    topo = topologies.make("complete", 5)  # liars 3, 4: 6 links between the kinds, 3 honest ones, 1 between liars
    script = ((2, 0, 3, False), (3, 1, 3, False), (3, 0, 1, False), (3, 1, 0, False), (5, 0, 1, True), (5, 1, 0, True))
    script += ((6, 0, 3, True), (6, 2, 4, False), (7, 2, 0, False))
    result = decon.solve(
        topo,
        quadratic(5),
        penalty=0.3,
        byzantine=[3, 4],
        attack=NoAttack(),
        screening=Scripted(script),
        iterations=8,
        record_every=2,
    )
    missed, wronged = wrong_links(result)
    np.testing.assert_array_equal(result.recorded, [0, 2, 4, 6, 8])
    np.testing.assert_array_equal(missed, [6, 5, 4, 4, 4])
    np.testing.assert_array_equal(wronged, [0, 0, 1, 0, 1])


def test_nothing_is_wrong_where_nothing_screens():
    topo = topologies.make("ring", 5)
    result = decon.solve(topo, quadratic(5), penalty=0.3, byzantine=[1], attack=NoAttack(), iterations=2)
    missed, wronged = wrong_links(result)
    assert missed.tolist() == [2, 2, 2]
    assert wronged.tolist() == [0, 0, 0]
