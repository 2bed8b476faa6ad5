"""Files that a kill leaves whole or not at all, and folders that one process holds at a time; on any system."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from decon.errors import OptionError

__all__ = ["flush", "hold", "write_whole"]


def write_whole(place: Path, write: Callable[[IO[bytes]], object], *, durable: bool = True) -> None:
    """Write a file beside its place and move it there.

    Parameters
    ----------
    place : Path
    write : callable
        Writes the content into the open binary file it is given.
    durable : bool
        Return only when the disk has it, so that it survives a power cut.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "note"
    >>> write_whole(place, lambda file: file.write(b"whole"))
    >>> place.read_text()
    'whole'
    """
    draft = place.with_name(f".partial-{os.getpid()}-{place.name}")
    with draft.open("wb") as file:
        write(file)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    draft.replace(place)
    if durable:
        flush(place.parent)


def flush(place: Path) -> None:
    """Return when the disk has a file or the entries of a folder, as far as the system can say."""
    if os.name == "nt" and place.is_dir():  # no handle to a folder there
        return
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def hold(lock: Path, busy: str, *, patience: float = 0.0) -> Iterator[None]:
    """Hold a lock file for one process; the system lets go of it when the process ends, however it ends.

    Parameters
    ----------
    lock : Path
        Made if it is not there; its folder, too.
    busy : str
        The message if another process holds it.
    patience : float
        Seconds to wait for that process.

    Raises
    ------
    OptionError
        ``busy``.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + patience
    with lock.open("w", encoding="utf-8") as file:
        while not _locked(file):
            if time.monotonic() > until:
                raise OptionError(busy)
            time.sleep(0.05)
        yield


def _locked(file: Any) -> bool:
    """Whether the open file is this process's now."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
