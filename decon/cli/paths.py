"""Places that commands will write to, tried before any work is done."""

from __future__ import annotations

import os
import reprlib
import tempfile
from pathlib import Path
from typing import Any

import click

__all__ = ["FILE", "FOLDER"]


_DRAFT = ".partial-1234567-"
"""What stands before a name while a file is written."""


class Writable(click.Path):
    """A folder, or a file (or the beginning of files' names), that can be written; nothing is left there."""

    def __init__(self, *, folder: bool) -> None:
        super().__init__()
        self.folder = folder

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the path as given, or fail with the reason why it cannot be written."""
        path = Path(value)
        try:
            os.lstat(path if self.folder or not path.name else path.with_name(f"{_DRAFT}{path.name}"))
        except (FileNotFoundError, NotADirectoryError):
            pass
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            self.fail(f"cannot write to {reprlib.repr(value)}: {reason}.", param, ctx)
        if not self.folder and (path.is_dir() or not path.name):
            self.fail(f"{value!r} is a folder; give a file in it.", param, ctx)
        place = path if self.folder else path.parent
        while not place.exists() and place != place.parent:
            place = place.parent
        try:
            with tempfile.TemporaryFile(dir=place):  # asks the file system itself, which also knows of quotas
                return str(value)
        except OSError as error:
            self.fail(f"cannot write to {value!r}: {place}: {error.strerror or error}.", param, ctx)


FOLDER = Writable(folder=True)
FILE = Writable(folder=False)
