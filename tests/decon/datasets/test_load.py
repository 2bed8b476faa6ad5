import gzip
import struct
import sys
import warnings
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import sklearn.datasets

from decon import datasets
from decon.datasets import files
from decon.errors import DataError


def idx(array: np.ndarray) -> bytes:
    """The idx format: two zero bytes, type 8 (unsigned byte), number of dimensions, big-endian sizes, the bytes."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def write_mnist(folder: Path, *, zipped: bool = False, train: int = 12, test: int = 4) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    written = {}
    for part, count in (("train", train), ("t10k", test)):
        written[f"{part}-images-idx3-ubyte"] = rng.integers(0, 256, size=(count, 28, 28))
        written[f"{part}-labels-idx1-ubyte"] = rng.integers(0, 10, size=count)
    for name, array in written.items():
        content = idx(array)
        (folder / (f"{name}.gz" if zipped else name)).write_bytes(gzip.compress(content) if zipped else content)
    return written


def covertype_rows(count: int = 70) -> np.ndarray:
    """Lines as in covtype.data: 10 quantitative columns, 4 + 40 indicators, the cover type 1 … 7."""
    rng = np.random.default_rng(1)
    numbers = rng.integers(0, 3000, size=(count, 10))
    area, soil = np.eye(4, dtype=int)[rng.integers(4, size=count)], np.eye(40, dtype=int)[rng.integers(40, size=count)]
    return np.hstack([numbers, area, soil, 1 + np.arange(count)[:, None] % 7])


@pytest.mark.parametrize(
    "name, train, test, features, classes",
    [
        ("diabetes", 354, 88, 10, 0),
        ("breast_cancer", 455, 114, 30, 2),
        ("wine", 142, 36, 13, 3),
        ("digits", 1438, 359, 64, 10),
    ],
)
def test_bundled_sets_have_the_stated_sizes(name: str, train: int, test: int, features: int, classes: int) -> None:
    data = datasets.load(name, bias=False)
    assert data.X.shape == (train, features)
    assert data.X_test.shape == (test, features)
    assert len(data.classes) == classes


def test_digits_is_scikit_learns_set_over_16() -> None:
    data, raw = datasets.load("digits"), sklearn.datasets.load_digits()
    assert (data.X[:, -1] == 1).all()
    ours = np.vstack([np.column_stack([data.X * 16, data.y]), np.column_stack([data.X_test * 16, data.y_test])])
    theirs = np.column_stack([raw.data, np.full(len(raw.data), 16), raw.target])
    # 16 is a power of two: the scaling is exact, and the two are one set in another order
    assert np.array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


def test_test_split_is_seeded_and_in_proportion() -> None:
    one, again, other = (datasets.load("digits", seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one.X_test, again.X_test)
    assert not np.array_equal(one.X_test, other.X_test)
    share = np.bincount(one.y_test) / (np.bincount(one.y) + np.bincount(one.y_test))
    assert np.abs(share - 0.2).max() < 1 / 150  # each class has > 170 samples, rounded to one sample


@pytest.mark.parametrize("name", ["diabetes", "breast_cancer", "wine"])
def test_standardised_by_the_training_samples(name: str) -> None:
    data = datasets.load(name, bias=False)
    # rounding of a mean over hundreds of samples of unit size
    assert np.abs(data.X.mean(axis=0)).max() < 1e-12
    assert np.abs(data.X.std(axis=0) - 1).max() < 1e-12
    if data.task == "regression":
        assert abs(data.y.mean()) < 1e-12
        assert abs(data.y.std() - 1) < 1e-12


@pytest.mark.parametrize("zipped", [False, True])
def test_mnist_from_idx_files(tmp_path: Path, zipped: bool) -> None:
    written = write_mnist(tmp_path, zipped=zipped)
    data = datasets.load("mnist", folder=tmp_path, verify=False)
    assert data.X.shape == (12, 785)
    # x / 255 · 255 is off by one rounding
    assert np.abs(data.X[:, :-1] * 255 - written["train-images-idx3-ubyte"].reshape(12, -1)).max() < 1e-12
    assert np.array_equal(data.y, written["train-labels-idx1-ubyte"])
    assert np.array_equal(data.y_test, written["t10k-labels-idx1-ubyte"])
    assert data.classes == tuple(range(10))


def test_a_damaged_or_foreign_archive_fails_its_digest(tmp_path: Path) -> None:
    write_mnist(tmp_path, zipped=True)
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz is not the original file.*verify=False"):
        datasets.load("mnist", folder=tmp_path)


def test_an_archive_with_the_published_digest_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hashlib

    write_mnist(tmp_path, zipped=True)
    for path in tmp_path.iterdir():
        monkeypatch.setitem(files.DIGESTS, path.name, ("md5", hashlib.md5(path.read_bytes()).hexdigest()))
    assert datasets.load("mnist", folder=tmp_path).X.shape == (12, 785)


def test_incomplete_mnist_names_the_missing_file(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="incomplete: put t10k-labels-idx1-ubyte"):
        datasets.load("mnist", folder=tmp_path)


def test_covertype_csv_and_libsvm_say_the_same(tmp_path: Path) -> None:
    rows = covertype_rows()
    csv, csv_gz, sparse = (tmp_path / name for name in ("csv", "csv_gz", "sparse"))
    for folder in (csv, csv_gz, sparse):
        folder.mkdir()
    text = "\n".join(",".join(map(str, row)) for row in rows) + "\n"
    (csv / "covtype.data").write_text(text)
    (csv_gz / "covtype.data.gz").write_bytes(gzip.compress(text.encode()))
    lines = (f"{row[-1]} " + " ".join(f"{i + 1}:{v}" for i, v in enumerate(row[:-1]) if v) for row in rows)
    (sparse / "covtype").write_text("\n".join(lines) + "\n")
    sets = [datasets.load("covertype", folder=folder, verify=False) for folder in (csv, csv_gz, sparse)]
    assert sets[0].X.shape == (56, 55)  # 70 · 115,748 / 581,012 = 13.9 samples for the test
    for other in sets[1:]:
        assert np.array_equal(sets[0].X, other.X)
        assert np.array_equal(sets[0].y_test, other.y_test)
    assert np.abs(sets[0].X[:, :10].mean(axis=0)).max() < 1e-12  # rounding
    assert set(np.unique(sets[0].X[:, 10:])) == {0.0, 1.0}


def test_mnist_from_the_fetcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """openml's mnist_784: pixels and digits as text, the 60,000 training images first; here 60 and 10 of them."""
    module = sys.modules["decon.datasets.load"]
    monkeypatch.setattr(module, "_MNIST_SAMPLES", 70)
    monkeypatch.setattr(module, "_MNIST_TRAIN", 60)
    rng = np.random.default_rng(0)
    pixels, digits = rng.integers(0, 256, size=(70, 784)), rng.integers(0, 10, size=70)
    bunch = sklearn.utils.Bunch(data=pixels, target=digits.astype(str).astype(object))
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda *_, **__: bunch)
    data = datasets.load("mnist", folder=tmp_path, bias=False)
    assert (data.X.shape, data.X_test.shape) == ((60, 784), (10, 784))
    assert np.array_equal(data.X_test, pixels[60:] / 255)
    assert np.array_equal(np.concatenate([data.y, data.y_test]), digits)
    bunch.data, bunch.target = pixels[1:], bunch.target[1:]
    with pytest.raises(DataError, match="70 samples, not 69"):
        datasets.load("mnist", folder=tmp_path)


def test_covertypes_share_is_exactly_p2s_on_the_whole_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fetcher's place is taken by one that gives 581,012 samples, of 11 columns to be quick."""
    rng = np.random.default_rng(0)
    bunch = sklearn.utils.Bunch(
        data=rng.integers(0, 2, size=(581_012, 11)).astype(float), target=1 + rng.integers(7, size=581_012)
    )
    monkeypatch.setattr(sklearn.datasets, "fetch_covtype", lambda data_home: bunch)
    data = datasets.load("covertype", folder=tmp_path, bias=False)
    assert (len(data.y), len(data.y_test)) == (465_264, 115_748)


@pytest.mark.parametrize(
    "name, fetcher, file, host",
    [
        ("covertype", "fetch_covtype", "covtype.data.gz", "archive.ics.uci.edu"),
        ("mnist", "fetch_openml", "t10k-labels-idx1-ubyte.gz", "ossci-datasets"),
    ],
)
def test_offline_says_what_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, fetcher: str, file: str, host: str
) -> None:
    def offline(*_: object, **__: object) -> None:
        warnings.warn("A network error occurred. Retrying...", stacklevel=1)  # as scikit-learn does; an error in tests
        raise URLError("no route to host")

    monkeypatch.setattr(sklearn.datasets, fetcher, offline)
    with pytest.raises(DataError, match="no route to host") as caught:
        datasets.load(name, folder=tmp_path)
    assert file in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert f"https://{host}" in str(caught.value)
    assert files.DIGESTS[file][1] in str(caught.value)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "two zero bytes"),
        (b"\x89PNG", "two zero bytes"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "type 0x0d"),
        (b"\0\0\x08\x03\0\0", "no complete idx header"),
        (b"\0\0\x08\x01\0\0\0\x05abc", "holds 3 bytes"),
        (b"\0\0\x08\x01\0\0\0\x02abc", "holds 3 bytes"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "holds 0 bytes"),
    ],
)
def test_damaged_idx(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        files.read_idx(path)


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(idx(np.arange(9)))[:-12]])
def test_damaged_gzip(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "labels.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot read"):
        files.read_idx(path)


@pytest.mark.parametrize("text", ["", "1,2,3\n", "a," * 54 + "1\n", ",".join(["1"] * 54 + ["1.5"]), "1," * 54 + "\n"])
def test_damaged_csv(tmp_path: Path, text: str) -> None:
    path = tmp_path / "covtype.data"
    path.write_text(text)
    with pytest.raises(DataError, match=r"covtype\.data"):
        files.read_covertype(path)


@pytest.mark.parametrize("text", ["1 0:3\n", "1 9:3\n", "1 x:3\n", "1.5 1:3\n"])
def test_damaged_libsvm(tmp_path: Path, text: str) -> None:
    path = tmp_path / "covtype.libsvm"
    path.write_text(text)
    with pytest.raises(DataError, match=r"covtype\.libsvm"):
        files.read_libsvm(path, 3)


def test_cover_types_out_of_range(tmp_path: Path) -> None:
    rows = covertype_rows()
    rows[:, -1] -= 1
    np.savetxt(tmp_path / "covtype.data", rows, delimiter=",", fmt="%d")
    with pytest.raises(DataError, match="1 … 7"):
        datasets.load("covertype", folder=tmp_path)


def test_unknown_name() -> None:
    with pytest.raises(DataError, match="'iris'; known are diabetes"):
        datasets.load("iris")
