"""The state of a run on disk, from which it goes on as if it had never been killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

import numpy as np

from decon.errors import OptionError
from decon.files import hold, write_whole
from decon.fingerprint import content_hash
from decon.network.links import Links
from decon.runs.keeping import assemble, dismantle
from decon.runs.round import Moment
from topologies.formats.matrices import load_arrays

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
        Whatever decides the run, data included (:func:`decon.fingerprint.content_hash`); a checkpoint of another run is
        refused, and so is any if this cannot be told.

    Raises
    ------
    OptionError
        If ``every`` is not a positive integer.
    """

    def __init__(self, folder: str | Path, every: int, links: Links, run: object) -> None:
        if not isinstance(every, (int, np.integer)) or isinstance(every, bool) or every < 1:
            raise OptionError(f"checkpoint_every must be a positive integer, not {every!r}")
        self.folder, self.every, self._links = Path(folder), every, links
        self._mark, self._unknown = content_hash(run)

    def __enter__(self) -> Self:
        """Hold the folder: ranks that outlive a killed ``mpiexec`` for a moment must not write between ours."""
        busy = f"another process is at work on the checkpoint in {self.folder}"
        self._held = hold(self.folder / f".lock-{self._suffix}", busy, patience=_PATIENCE)
        self._held.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of the folder; the system does so when the process is killed."""
        self._held.__exit__(None, None, None)

    def due(self, k: int) -> bool:
        """Whether iteration ``k`` ends with a checkpoint."""
        return k % self.every == 0

    def save(self, state: Moment, memory: dict[str, Any], kept: tuple[Any, ...] = ()) -> None:
        """Keep ``state``, ``memory`` (JSON's types) and the arrays ``kept``."""
        arrays: dict[str, Any] = {}
        text = {"mark": self._mark, "state": dismantle((state, kept), arrays), "memory": memory}
        arrays["text"] = np.array(json.dumps(text))
        arrays["digest"] = np.array(_digest(arrays))
        write_whole(self._file(state.k), lambda file: np.savez(file, allow_pickle=False, **arrays))
        self._links.wait_for_all()
        if self._links.place == 0:
            latest = json.dumps({"format": _FORMAT, "k": state.k, "places": self._links.places}).encode()
            write_whole(self.folder / "latest.json", lambda file: file.write(latest))
        self._links.wait_for_all()
        for old in self.folder.glob(f"*-{self._suffix}"):
            if old != self._file(state.k):
                old.unlink(missing_ok=True)

    def load(self, beginning: Moment, count: int = 0) -> tuple[Moment, dict[str, Any], tuple[Any, ...]] | None:
        """Return the last state kept and what was kept with it; None if there is none.

        Parameters
        ----------
        beginning : Moment
            Before the first iteration; tells of which classes the states of method and screening rule are made.
        count : int
            Arrays kept beside it.

        Raises
        ------
        OptionError
            If the folder holds a checkpoint of another run, or of a version of decon with another format.
        """
        try:
            latest = json.loads((self.folder / "latest.json").read_text(encoding="utf-8"))
            if latest["format"] != _FORMAT:
                raise OptionError(f"the checkpoint in {self.folder} was written by another version of decon")
            if latest["places"] != self._links.places:
                raise OptionError(
                    f"the checkpoint in {self.folder} is one of {latest['places']} processes, not {self._links.places}"
                )
            arrays = load_arrays(self._file(latest["k"]))
            if str(arrays.pop("digest")) != _digest(arrays):
                raise ValueError(f"{self._file(latest['k']).name} is not as it was written")
            text = json.loads(str(arrays.pop("text")))
        except FileNotFoundError as error:
            if not (self.folder / "latest.json").exists():
                return None
            raise OptionError(f"the checkpoint in {self.folder} is not complete: {error.filename} is missing") from None
        except (KeyError, OSError, RecursionError, TypeError, ValueError) as error:
            if isinstance(error, OptionError):
                raise
            raise OptionError(f"{self.folder} does not hold a checkpoint: {' '.join(str(error).split())}") from None
        if self._mark is None:
            raise OptionError(
                f"the checkpoint in {self.folder} cannot be resumed: {self._unknown} has no content to compare"
            )
        if text["mark"] != self._mark:
            raise OptionError(f"{self.folder} holds a checkpoint of another run (other options, data, graph or seed)")
        state, kept = assemble(text["state"], arrays, (beginning, (None,) * count))
        return state, text["memory"], kept

    @property
    def _suffix(self) -> str:
        return f"{self._links.place}of{self._links.places}.npz"

    def _file(self, k: int) -> Path:
        return self.folder / f"state-{k:012d}-{self._suffix}"


def _digest(arrays: dict[str, Any]) -> str:
    """Return a hash of all that a state is made of: one that was changed is not what the run came to."""
    found, _ = content_hash(arrays)
    return str(found)
