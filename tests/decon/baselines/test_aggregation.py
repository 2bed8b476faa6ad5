from functools import partial
from itertools import combinations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from decon.baselines import (
    Rule,
    centered_clipping,
    coordinate_median,
    geometric_median,
    krum,
    mean,
    multi_krum,
    plausible,
    trimmed_mean,
)
from decon.errors import OptionError

Q = 3
ROBUST: dict[str, Rule] = {
    "median": coordinate_median,
    "trimmed": partial(trimmed_mean, trim=Q),
    "geomed": geometric_median,
    "krum": partial(krum, byzantine=Q),
    "multi-krum": partial(multi_krum, byzantine=Q, selected=4),
    "clipping": partial(centered_clipping, radius=1.0),
}
RULES: dict[str, Rule] = {"mean": mean, **ROBUST}
ALL, DEFENDED = (pytest.mark.parametrize("rule", rules.values(), ids=list(rules)) for rules in (RULES, ROBUST))

# nine messages, three of them false: 2q + 2 < m holds for Krum too
messages = st.builds(
    lambda seed, N, scale: scale * np.random.default_rng(seed).normal(size=(9, N)),
    st.integers(0, 2**32),
    st.integers(1, 6),
    st.sampled_from([1e-3, 1.0, 1e3]),
)


@pytest.mark.parametrize("m, N, trim", [(5, 1, 2), (20, 7, 4), (21, 3, 0), (2, 3, 0), (1, 1, 0), (17, 4, 8)])
def test_coordinate_rules_are_numpys_and_scipys(m: int, N: int, trim: int) -> None:
    rows = np.random.default_rng(m).normal(size=(m, N))
    # sums in another order
    assert np.abs(trimmed_mean(rows, trim=trim) - scipy.stats.trim_mean(rows, (trim + 0.5) / m, axis=0)).max() < 1e-14
    assert np.array_equal(coordinate_median(rows), np.median(rows, axis=0))
    assert np.array_equal(mean(rows), np.mean(rows, axis=0))


@pytest.mark.parametrize("m, q", [(9, 3), (20, 8), (5, 1), (4, 1), (6, 0), (3, 0)])
def test_krum_is_brute_force(m: int, q: int) -> None:
    """A score is the least sum over all sets of m - q - 2 others: written as such."""
    rows = np.random.default_rng(10 * m + q).normal(size=(m, 3))
    if m > 10:  # enough sets to choose from, not too many
        rows, m, q = rows[:10], 10, 3
    scores = [
        min(
            sum(float(np.sum((rows[i] - rows[j]) ** 2)) for j in others)
            for others in combinations([j for j in range(m) if j != i], m - q - 2)
        )
        for i in range(m)
    ]
    assert np.array_equal(krum(rows, byzantine=q), rows[int(np.argmin(scores))])
    for h in range(1, m - q + 1):
        expected = rows[np.argsort(scores)[:h]].mean(axis=0)
        assert np.array_equal(multi_krum(rows, byzantine=q, selected=h), expected)


def test_centered_clipping_written_out() -> None:
    rows = np.random.default_rng(0).normal(size=(7, 3)) * [[1], [1], [1], [1], [5], [50], [0]]
    v = np.median(rows, axis=0)
    for _ in range(4):
        v = v + sum((y - v) * min(1, 0.8 / np.linalg.norm(y - v)) for y in rows) / 7
    assert np.abs(centered_clipping(rows, radius=0.8, iterations=4) - v).max() < 1e-14  # sums in another order


def test_centered_clipping_with_a_huge_radius_is_the_mean() -> None:
    rows = np.random.default_rng(0).normal(size=(7, 3))
    assert np.abs(centered_clipping(rows, radius=1e9) - rows.mean(axis=0)).max() < 1e-14  # rounding


@settings(max_examples=40, deadline=None)
@given(rows=messages, seed=st.integers(0, 2**32))
@ALL
def test_the_order_of_the_messages_does_not_matter(rule: Rule, rows: np.ndarray, seed: int) -> None:
    shuffled = np.random.default_rng(seed).permutation(rows)
    # sums in another order; the geometric median stops at a residual of 1e-6, reached by the same path
    assert np.abs(rule(rows) - rule(shuffled)).max() <= 1e-12 * np.abs(rows).max()


@settings(max_examples=40, deadline=None)
@given(rows=messages, shift=st.floats(-1e3, 1e3))
@ALL
def test_a_shift_of_the_messages_shifts_the_result(rule: Rule, rows: np.ndarray, shift: float) -> None:
    # differences lose what the shift's rounding takes: 1e3 · 1e-16 · some tens, also relative to messages of 1e-3;
    # Weiszfeld's path amplifies it by no more than another factor of 100 before it stops
    size = np.abs(rows).max() + abs(shift)
    assert np.abs(rule(rows + shift) - (rule(rows) + shift)).max() <= 1e-10 * size


@settings(max_examples=60, deadline=None)
@given(
    rows=messages,
    lies=arrays(float, (Q, 6), elements=st.sampled_from([0.0, 1.0, -1e3, 1e9, -1e99, 1e300, -np.inf, np.inf, np.nan])),
)
@DEFENDED
def test_few_liars_cannot_drag_the_result_away(rule: Rule, rows: np.ndarray, lies: np.ndarray) -> None:
    """Three of nine: every robust rule stays within a few diameters of the honest messages."""
    attacked = rows.copy()
    attacked[-Q:] = lies[:, : rows.shape[1]]
    honest = rows[:-Q]
    diameter = max(float(np.linalg.norm(a - b)) for a, b in combinations(honest, 2))
    distance = float(np.linalg.norm(rule(attacked) - honest.mean(axis=0)))
    # geometric median with fewer than half lies: 2(m - q)/(m - 2q) = 4 times the honest radius around any honest
    # point; a median or trimmed mean lies in the honest box; Krum's choice h has score at most Σ diameter² over its
    # neighbours and at least one honest neighbour, so |h - honest| ≤ 2 diameters; clipping adds 3 radii of 1.
    # 1e-3: the stopping tolerance of Weiszfeld
    assert distance <= 4.001 * diameter + 3.0


@DEFENDED
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
def test_implausible_messages_leave_the_rule_of_the_others(rule: Rule, bad: float) -> None:
    rows = np.random.default_rng(3).normal(size=(9, 4))
    attacked = rows.copy()
    attacked[[2, 5], [0, 3]] = bad
    assert np.isfinite(rule(attacked)).all()
    assert np.array_equal(plausible(attacked), np.delete(rows, [2, 5], axis=0))


@DEFENDED
def test_nothing_plausible_gives_nan(rule: Rule) -> None:
    assert np.isnan(rule(np.full((9, 2), np.inf))).all()


def test_discarded_messages_count_as_byzantine() -> None:
    rows = np.random.default_rng(3).normal(size=(20, 4))
    attacked = rows.copy()
    attacked[15:] = np.nan
    expected = trimmed_mean(rows[:15], trim=3)
    assert np.array_equal(trimmed_mean(attacked, trim=8), expected)
    assert np.array_equal(krum(attacked, byzantine=8), krum(rows[:15], byzantine=3))


def test_the_mean_has_no_defence() -> None:
    assert np.isnan(mean(np.array([[0.0], [np.nan]])))[0]


def test_bad_options() -> None:
    rows = np.zeros((4, 2))
    with pytest.raises(OptionError, match="trim = 2"):
        trimmed_mean(rows, trim=2)
    with pytest.raises(OptionError, match="trim = -1"):
        trimmed_mean(rows, trim=-1)
    with pytest.raises(OptionError, match="byzantine = 2 needs at least 5"):
        krum(rows, byzantine=2)
    with pytest.raises(OptionError, match=r"selected must be in 1 … 3"):
        multi_krum(rows, byzantine=1, selected=4)
    with pytest.raises(OptionError, match="radius"):
        centered_clipping(rows, radius=0.0)
    with pytest.raises(OptionError, match="nonempty"):
        coordinate_median(np.zeros((0, 2)))


def test_clipping_at_an_infinite_radius_is_the_mean():
    messages = np.random.default_rng(0).normal(size=(7, 3))
    # centre + mean of offsets: a few roundings of numbers of order one
    np.testing.assert_allclose(centered_clipping(messages, radius=np.inf), messages.mean(axis=0), rtol=0, atol=1e-14)


TAKEN = RULES | {"trimmed": partial(trimmed_mean, trim=1), "krum": partial(krum, byzantine=1)}
TAKEN |= {
    "multi-krum": partial(multi_krum, byzantine=1, selected=2),
    "clipping, inf": partial(centered_clipping, radius=np.inf),
}


@pytest.mark.parametrize("rule", TAKEN.values(), ids=list(TAKEN))
@pytest.mark.parametrize("shape", [(0, 2), (0, 1), (0, 0), (3, 0), (4,), (2, 2, 2), ()])
def test_no_message_and_no_number_are_refused_by_every_rule(rule: Rule, shape: tuple[int, ...]) -> None:
    with pytest.raises(OptionError, match=r"messages must be a nonempty \(m, N\) array"):
        rule(np.zeros(shape))


@pytest.mark.parametrize("rule", TAKEN.values(), ids=list(TAKEN))
def test_messages_of_one_number_are_a_column_of_longer_ones(rule: Rule) -> None:
    """Zeros beside a column change no norm, so that the rule's answer for it alone is the same."""
    column = np.random.default_rng(5).normal(size=(9, 1))
    padded = np.concatenate([column, np.zeros((9, 2))], axis=1)
    found = rule(column)
    assert found.shape == (1,)
    np.testing.assert_allclose(
        found, rule(padded)[:1], rtol=0, atol=1e-5
    )  # the geometric median's tolerance, 1e-6 a message
    assert not rule(padded)[1:].any()


@pytest.mark.parametrize("rule", [mean, coordinate_median, geometric_median, partial(centered_clipping, radius=2.0)])
@pytest.mark.parametrize("N", [1, 3])
def test_one_message_is_the_answer(rule: Rule, N: int) -> None:
    assert rule(np.full((1, N), 2.5)).tolist() == [2.5] * N


@pytest.mark.parametrize("rule", TAKEN.values(), ids=list(TAKEN))
def test_integers_lists_and_single_precision_are_messages(rule: Rule) -> None:
    rows = np.random.default_rng(6).integers(-9, 10, size=(9, 2))
    expected = rule(rows.astype(float))
    assert np.array_equal(rule(rows), expected)
    assert np.array_equal(rule(rows.tolist()), expected)  # type: ignore[arg-type]
    # Weiszfeld stops at 1e-6 a message in either precision, everything else rounds to 6e-8 of numbers up to 10
    np.testing.assert_allclose(rule(rows.astype(np.float32)), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("rule", TAKEN.values(), ids=list(TAKEN))
def test_complex_masked_and_text_messages_are_refused(rule: Rule) -> None:
    for wrong in (np.ones((9, 2)) + 1j, np.ma.masked_array(np.ones((9, 1)), [[1]] + [[0]] * 8), [["a"]] * 9):
        with pytest.raises(OptionError, match="messages must be an array of real numbers"):
            rule(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "call, message",
    [
        (partial(trimmed_mean, trim=1.0), "trim = 1.0"),
        (partial(trimmed_mean, trim=True), "trim = True"),
        (partial(krum, byzantine=1.0), "not 1.0 and 1"),
        (partial(multi_krum, byzantine=1, selected=2.5), "not 1 and 2.5"),
        (partial(centered_clipping, radius="1"), "not '1' and 3"),
        (partial(centered_clipping, radius=1.0, iterations=1.5), "not 1.0 and 1.5"),
        (partial(centered_clipping, radius=np.nan), "not nan and 3"),
    ],
)
def test_counts_are_whole_numbers(call: Rule, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        call(np.zeros((9, 2)))
