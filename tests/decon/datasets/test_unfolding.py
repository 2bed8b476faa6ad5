"""Packed files that unfold without bound are refused after a look, not after memory is gone."""

import bz2
import gzip

import pytest

from decon import datasets
from decon.datasets import files
from decon.errors import DataError

SIZE = 2**28 + 2**21


@pytest.fixture(scope="module")
def bombs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bombs")
    for suffix, opened in ((".gz", gzip.open), (".bz2", bz2.open)):
        with opened(folder / f"covtype.data{suffix}", "wb", compresslevel=1) as file:
            for _ in range(SIZE // 2**21):
                file.write(b"0" * 2**21)
    return folder


@pytest.mark.parametrize("suffix", [".gz", ".bz2"])
@pytest.mark.parametrize("read", [files.read_covertype, lambda path: files.read_libsvm(path, 3), files.read_idx])
def test_a_file_that_unfolds_without_bound_is_refused(bombs, suffix, read):
    with pytest.raises(DataError, match=r"cannot read .*would unfold to more than"):
        read(bombs / f"covtype.data{suffix}")


def test_so_is_a_whole_data_set_of_that_kind(bombs):
    with pytest.raises(DataError, match="would unfold"):
        datasets.load("covertype", folder=bombs, verify=False)
