"""The stated tightness of the certificates: the whole suite behind `slow`, four of its cases by default."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.certificate_suite import cases, radius_case, rate_case


@pytest.mark.parametrize(("name", "c", "ell"), [("edge", 0.7, 3.0), ("star 7", 0.7, 30.0), ("ring 8", 5.0, 3.0)])
def test_rate_is_attained_by_a_quadratic_cost(name: str, c: float, ell: float) -> None:
    case = rate_case(name, c, ell)
    assert -1e-9 < case.certified - case.worst < 1e-3  # the figure; these cases meet it with 1e-9


def test_radius_is_within_three_of_a_quadratic_worst_case() -> None:
    case = radius_case("star 7", 5.0, 3.0, method="small_gain")
    assert 1 <= case.certified / case.worst < 3


@pytest.mark.slow
def test_rate_suite() -> None:
    gaps = np.array([case.certified - case.worst for case in (rate_case(*key) for key in cases())])
    assert len(gaps) >= 60
    assert gaps.min() > -1e-9  # never below, to rounding
    assert np.mean(gaps <= 1e-3) >= 0.9


@pytest.mark.slow
def test_radius_suite() -> None:
    ratios = np.array([case.certified / case.worst for case in (radius_case(*key) for key in cases())])
    assert ratios.min() >= 1
    assert np.median(ratios) <= 3
