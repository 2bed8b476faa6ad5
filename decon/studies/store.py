"""Where rows are kept: one small parquet file a run, written as it finishes, packed into larger ones as they add up.

A small file holds its row as text, a packed one has a column for each value: what is left when a study ends is packed.

Every file is written beside its place and moved there, so a kill leaves it whole or not at all. A packed file is on the
disk and in place before the small ones it replaces are deleted; in between, rows exist twice, and reading takes each
key once. So at every moment every finished row can be read exactly once.

A power cut is another matter: a small file survives it once it was flushed, which the study's own process does as soon
as it hears of the row (:meth:`Store.flush`), so that no run waits for the disk. One that was not, and is damaged, fails
its checksum and counts as not finished.
"""

from __future__ import annotations

import json
import struct
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from decon.errors import OptionError
from decon.files import flush as flush_to_disk
from decon.files import hold, write_whole
from decon.studies.rows import REAL, TEXT, WHOLE

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

__all__ = ["Store"]

_PACKS = 32
"""More packed files than this are merged into one when a study ends."""

_ROW = "row"
"""The one column of a single row's file, its text in JSON."""


class Store:
    """The rows of a study, in a folder.

    Parameters
    ----------
    folder : path
        Made when the first row is written.

    Examples
    --------
    >>> import tempfile
    >>> store = Store(tempfile.mkdtemp())
    >>> store.add({"key": "a", "attempt": 0, "n": 5, "status": "completed"})
    >>> store.pack([{"key": "a", "attempt": 0, "n": 5, "status": "completed"}])
    >>> store.rows()[["key", "n", "status"]].to_dict("records")
    [{'key': 'a', 'n': 5, 'status': 'completed'}]
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one row; a row of the same key and attempt that is already there stays as it is."""
        place = self._place(row["key"], row["attempt"])
        if not place.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(_single(row), place, flush=False)

    def flush(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Return when the disk has these rows, which were added: from then on they survive a power cut."""
        for row in rows:
            with suppress(FileNotFoundError):  # written on another machine, not visible here yet
                flush_to_disk(self._place(row["key"], row["attempt"]))
        flush_to_disk(self.folder)

    def pack(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Move rows that were added into one file."""
        if rows:
            _write(_table(rows), self._new_pack())
            for row in rows:
                self._place(row["key"], row["attempt"]).unlink(missing_ok=True)

    def tidy(self) -> None:
        """Pack what an earlier, killed run left, and merge packed files if there are many of them."""
        packs, parts = self._files("rows-*.parquet"), self._files("part-*.parquet")
        for stale in self._files(".partial-*"):
            stale.unlink(missing_ok=True)
        merge = [*parts, *(packs if len(packs) > _PACKS else ())]
        if merge:
            found = [table for file in merge if (table := _read(file)) is not None]
            if found:
                _write(_once(_join(found)), self._new_pack())
            for file in merge:
                file.unlink(missing_ok=True)

    def rows(self) -> pd.DataFrame:
        """Return the rows, each key once and with its latest attempt, in the order of the keys."""
        frame: pd.DataFrame = self._all().to_pandas()
        return frame

    def attempts(self) -> dict[str, tuple[int, bool]]:
        """Return the latest attempt of each key and whether it failed, without pandas: workers wait for the answer."""
        rows = self._all().select(["key", "attempt", "status"]).to_pylist()
        return {row["key"]: (row["attempt"], row["status"] == "error") for row in rows}

    def _all(self) -> pa.Table:
        tables = []
        for file in self._files("*.parquet"):
            try:
                table = _read(file)
            except FileNotFoundError:  # packed by a study that is running: read again from where they went
                return self._all()
            if table is not None:
                tables.append(table)
        if not tables:
            tables.append(_schema().empty_table())
        return tables[0] if len(tables) == 1 else _once(_join(tables))  # one file holds no key twice

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for one study process; the system lets go of it when the process ends, however it ends.

        Raises
        ------
        OptionError
            If another process holds it.
        """
        with hold(self.folder / ".lock", f"another process is running the study in {self.folder}"):
            yield

    def _files(self, pattern: str) -> list[Path]:
        return sorted(file for file in self.folder.glob(pattern) if pattern[0] == "." or file.name[0] != ".")

    def _place(self, key: str, attempt: int) -> Path:
        return self.folder / f"part-{key}-{attempt}.parquet"

    def _new_pack(self) -> Path:
        return self.folder / f"rows-{uuid.uuid4().hex}.parquet"


@cache
def _schema() -> pa.Schema:
    import pyarrow as pa

    kinds = ((TEXT, pa.string()), (WHOLE, pa.int64()), (REAL, pa.float64()))
    return pa.schema([(name, kind) for names, kind in kinds for name in names])


def _table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return rows as a table: the columns every row has, and whatever else there is, kept by its own type."""
    import pyarrow as pa

    found = [dict(row) for row in rows]
    other = dict.fromkeys(name for row in found for name in row if name not in _schema().names)
    more = [pa.field(name, _type_of([row.get(name) for row in found])) for name in other]
    return pa.Table.from_pylist(found, schema=pa.schema([*_schema(), *more]))


def _type_of(values: Sequence[Any]) -> pa.DataType:
    import pyarrow as pa

    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values if value is not None):
        return pa.float64()
    return pa.infer_type(values)


def _join(tables: Sequence[pa.Table]) -> pa.Table:
    import pyarrow as pa

    return pa.concat_tables(tables, promote_options="permissive")  # a column that some lack is missing there


def _single(row: Mapping[str, Any]) -> pa.Table:
    """Return the table of one row, as text in one column: a file costs 30 µs a column, and a worker waits for it.

    Made without pandas, which workers would import for it.
    """
    import pyarrow as pa

    text = json.dumps(row, default=_plain).encode()
    array = pa.Array.from_buffers(pa.string(), 1, [None, *map(pa.py_buffer, (struct.pack("=ii", 0, len(text)), text))])
    return pa.Table.from_arrays([array], names=[_ROW])


def _plain(value: np.generic) -> Any:
    return value.item()


def _write(table: pa.Table, place: Path, *, flush: bool = True) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    many = len(table) > 1
    written = pa.BufferOutputStream()
    pq.write_table(
        table,
        written,
        compression="zstd" if many else "none",
        use_dictionary=many,
        write_statistics=many,
        store_schema=many,
        write_page_checksum=True,
    )
    write_whole(place, lambda file: file.write(written.getvalue()), durable=flush)


def _read(file: Path) -> pa.Table | None:
    """Return the rows of a file, None of a single row that a power cut has damaged."""
    import pyarrow.parquet as pq

    with file.open("rb") as stream:
        try:
            whole = pq.ParquetFile(stream, page_checksum_verification=True).read()
            if whole.column_names == [_ROW]:
                return _table([json.loads(text) for text in whole.column(_ROW).to_pylist()])
            if not {"key", "attempt", "status"} <= set(whole.column_names):
                raise ValueError("no key, attempt and status")
            return _join([_schema().empty_table(), whole])
        except Exception as error:  # parsers of foreign bytes raise anything
            if file.name.startswith("part-"):
                return None
            raise OptionError(f"{file} does not hold rows of a study: {' '.join(str(error).split())}") from None


def _once(table: pa.Table) -> pa.Table:
    """Return the rows of ``table`` with the latest attempt of each key, in the order of the keys."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ordered = table.sort_by([("key", "ascending"), ("attempt", "ascending")]).combine_chunks()
    keys = ordered.column("key").combine_chunks()
    if len(keys) < 2:
        return ordered
    differs = pc.not_equal(keys.slice(1), keys.slice(0, len(keys) - 1))
    return ordered.filter(pa.concat_arrays([differs, pa.array([True])]))
