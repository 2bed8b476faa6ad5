"""Designed networks are better by the certificate they were designed for, and keep what they must."""

from __future__ import annotations

import numpy as np
import pytest

import decon
import topologies
from decon.studies.improvement import design
from tests.decon.problems import quadratic


def test_designs_improve_what_they_optimise_and_keep_the_graph() -> None:
    topo, costs = topologies.make("barbell", 9), quadratic(9)
    table = design(topo, costs, edges=2, iterations=200)
    networks = table.attrs["networks"]
    assert table.loc["added edges", "edges"] == topo.n_edges + 2
    assert table.loc["added edges", "certified_rate"] < table.loc["as given", "certified_rate"]
    assert table.loc["best weights", "connectivity"] >= table.loc["as given", "connectivity"] * (1 - 1e-6)
    assert networks["best weights"].degrees.max() <= topo.degrees.max() * (1 + 1e-6)  # the SDP solver's tolerance
    assert len(table.attrs["added"]) == 2
    had = {tuple(edge) for edge in topo.edges.tolist()}
    assert not had & set(table.attrs["added"])
    assert (table["exact_rate"] <= table["certified_rate"] + 1e-9).all()
    needed = np.log(1e-6) / np.log(table["certified_rate"])
    assert (table["iterations_for_1e-6"] == np.ceil(needed)).all()


def test_graphs_without_regular_weights_leave_that_row_out() -> None:
    table = design(topologies.make("star", 5), quadratic(5), edges=1, iterations=50)
    assert "regular weights" not in table.index


def test_flat_costs_are_refused() -> None:
    flat = decon.costs.Quadratic(np.zeros((5, 1, 1)), np.zeros((5, 1)))
    with pytest.raises(decon.OptionError, match="ν = 0"):
        design(topologies.make("star", 5), flat)
