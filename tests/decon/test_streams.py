import zlib

import numpy as np
import pytest

from decon.errors import OptionError
from decon.streams import stream


def test_a_stream_is_the_spawned_child_of_its_seed() -> None:
    # oracle: NumPy's own SeedSequence, asked directly
    child = np.random.SeedSequence(entropy=7, spawn_key=(zlib.crc32(b"attack"), 3, 4))
    assert (stream(7, "attack", 3, 4).bytes(64)) == np.random.default_rng(child).bytes(64)


def test_seed_purpose_and_key_each_give_another_stream() -> None:
    draws = {
        stream(*args).bytes(16) for args in [(0, "a"), (1, "a"), (0, "b"), (0, "a", 0), (0, "a", 1), (0, "a", 0, 0)]
    }
    assert len(draws) == 6


def test_neighbouring_streams_are_uncorrelated() -> None:
    x, y = stream(5, "attack", 0).normal(size=100_000), stream(5, "attack", 1).normal(size=100_000)
    # the correlation of independent normals has standard deviation 1/sqrt(100000) = 0.0032
    assert abs(np.corrcoef(x, y)[0, 1]) < 5 * 0.0032


@pytest.mark.parametrize("bad", [-1, 1.0, None, "0", True])
def test_seed_must_be_a_non_negative_integer(bad: object) -> None:
    with pytest.raises(OptionError, match="non-negative integer seed"):
        stream(bad, "attack")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="non-negative integer key"):
        stream(0, "attack", bad)  # type: ignore[arg-type]
