"""The state of a run on disk, from which it goes on as if it had never been killed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import scipy.sparse as sp

from decon.errors import OptionError
from decon.network.links import Links
from decon.runs.result import plain
from decon.runs.round import Moment

__all__ = ["Checkpoint"]

_FORMAT = 3
"""Raised whenever what a state's arrays mean changes."""

_PATIENCE = 20.0
"""Seconds to wait for a process that still holds the folder."""


class Checkpoint:
    """Checkpoints of one run in a folder, one file a place; the last complete one is named by ``latest.json``.

    Everything random is drawn anew from the seed and the iteration, so a state is all there is to keep. A new
    checkpoint is complete on the disk before ``latest.json`` names it, and only then the old one goes.

    Parameters
    ----------
    folder : path
    every : int
        Iterations between checkpoints.
    links : Links
    run : object
        Whatever decides the run, made of dicts, tuples, arrays and what a manifest holds; a checkpoint of another run
        is refused.

    Raises
    ------
    OptionError
        If ``every`` is not a positive integer.
    """

    def __init__(self, folder: str | Path, every: int, links: Links, run: object) -> None:
        if not isinstance(every, (int, np.integer)) or isinstance(every, bool) or every < 1:
            raise OptionError(f"checkpoint_every must be a positive integer, not {every!r}")
        self.folder, self.every, self._links = Path(folder), every, links
        digest = hashlib.sha256()
        _feed(digest.update, run)
        self._mark = digest.hexdigest()

    def __enter__(self) -> Self:
        """Hold the folder: ranks that outlive a killed ``mpiexec`` for a moment must not write between ours."""
        import fcntl

        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / f".lock-{self._suffix}").open("w")
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    self._lock.close()
                    raise OptionError(f"another process is at work on the checkpoint in {self.folder}") from None
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, *error: object) -> None:
        """Let go of the folder; the system does so when the process is killed."""
        self._lock.close()

    def due(self, k: int) -> bool:
        """Whether iteration ``k`` ends with a checkpoint."""
        return k % self.every == 0

    def save(self, state: Moment, memory: dict[str, Any]) -> None:
        """Keep ``state`` and ``memory`` (JSON's types)."""
        arrays: dict[str, Any] = {}
        text = {"mark": self._mark, "state": _dismantle(state, arrays), "memory": memory}
        arrays["text"] = np.array(json.dumps(text))
        _replace(self._file(state.k), lambda file: np.savez(file, allow_pickle=False, **arrays))
        self._links.wait_for_all()
        if self._links.place == 0:
            latest = json.dumps({"format": _FORMAT, "k": state.k, "places": self._links.places}).encode()
            _replace(self.folder / "latest.json", lambda file: file.write(latest))
        self._links.wait_for_all()
        for old in self.folder.glob(f"*-{self._suffix}"):
            if old != self._file(state.k):
                old.unlink(missing_ok=True)

    def load(self, beginning: Moment) -> tuple[Moment, dict[str, Any]] | None:
        """Return the last state kept and what was kept with it; None if there is none.

        Parameters
        ----------
        beginning : Moment
            Before the first iteration; tells of which classes the screening rule's memory is made.

        Raises
        ------
        OptionError
            If the folder holds a checkpoint of another run, or of a version of decon with another format.
        """
        try:
            latest = json.loads((self.folder / "latest.json").read_text())
            if latest["format"] != _FORMAT:
                raise OptionError(f"the checkpoint in {self.folder} was written by another version of decon")
            if latest["places"] != self._links.places:
                raise OptionError(
                    f"the checkpoint in {self.folder} is one of {latest['places']} processes, not {self._links.places}"
                )
            with np.load(self._file(latest["k"]), allow_pickle=False) as stored:
                arrays = dict(stored)
        except FileNotFoundError as error:
            if not (self.folder / "latest.json").exists():
                return None
            raise OptionError(f"the checkpoint in {self.folder} is not complete: {error.filename} is missing") from None
        except (KeyError, ValueError, OSError) as error:
            if isinstance(error, OptionError):
                raise
            raise OptionError(f"{self.folder} does not hold a checkpoint: {error}") from None
        text = json.loads(str(arrays.pop("text")))
        if text["mark"] != self._mark:
            raise OptionError(f"{self.folder} holds a checkpoint of another run (other options, data, graph or seed)")
        state: Moment = _assemble(text["state"], arrays, beginning)
        return state, text["memory"]

    @property
    def _suffix(self) -> str:
        return f"{self._links.place}of{self._links.places}.npz"

    def _file(self, k: int) -> Path:
        return self.folder / f"state-{k:012d}-{self._suffix}"


def _replace(place: Path, write: Callable[[Any], object]) -> None:
    """Write a file whole or not at all, whatever is killed or cut."""
    draft = place.with_name(f".partial-{place.name}")
    with draft.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(place)
    handle = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _dismantle(value: Any, arrays: dict[str, Any]) -> Any:
    """Return JSON that says how ``value`` is made of ``arrays``."""
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {"fields": {name: _dismantle(part, arrays) for name, part in fields.items()}}
    if isinstance(value, tuple):
        return {"parts": [_dismantle(part, arrays) for part in value]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return {"value": value}
    if isinstance(value, np.generic):
        return {"value": value.item()}
    raise OptionError(f"a {type(value).__name__} in the memory of a screening rule cannot be kept in a checkpoint")


def _assemble(made: Any, arrays: dict[str, Any], like: Any) -> Any:
    """Return what :func:`_dismantle` took apart; classes are those of ``like``."""
    if "array" in made:
        return arrays[made["array"]]
    if "fields" in made:
        return type(like)(**{k: _assemble(part, arrays, getattr(like, k)) for k, part in made["fields"].items()})
    if "parts" in made:
        likes = like if isinstance(like, tuple) and len(like) == len(made["parts"]) else [None] * len(made["parts"])
        parts = [_assemble(part, arrays, one) for part, one in zip(made["parts"], likes, strict=True)]
        return type(like)(*parts) if hasattr(like, "_fields") else tuple(parts)
    return made["value"]


def _feed(update: Callable[[bytes], None], value: Any) -> None:
    """Feed what decides a run into a hash."""
    if isinstance(value, np.ndarray):
        update(f"{value.dtype}{value.shape}".encode())
        update(np.ascontiguousarray(value).tobytes())
    elif sp.issparse(value):
        for part in (value.data, value.indices, value.indptr):
            _feed(update, part)
    elif isinstance(value, tuple):
        for part in value:
            _feed(update, part)
    else:
        update(json.dumps(value, default=_named, sort_keys=True).encode())


def _named(value: Any) -> Any:
    """Return what JSON knows: functions go by name, as their repr holds an address."""
    return getattr(value, "__qualname__", None) or plain(value)
