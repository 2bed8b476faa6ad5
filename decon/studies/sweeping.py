"""Run a study: every cell of a grid, in parallel, here or on a Dask cluster, to be taken up again at any time."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from decon.errors import OptionError, RunError
from decon.files import write_whole
from decon.studies.cell import run_cell
from decon.studies.store import Store
from decon.studies.study import Cell, Study
from decon.studies.summary import figure, summarize

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Outcome", "run"]

_PACK_EVERY = 200
"""Rows that are packed into one file beside the runs; as many are left to pack at the end, when no worker is busy."""


@dataclass(frozen=True)
class Outcome:
    """What a study leaves.

    Attributes
    ----------
    rows : DataFrame
        One row a run, in the order of the grid.
    summary : DataFrame
        Medians and quantile bands over the seeds, see :func:`decon.studies.summarize`.
    folder : Path
        Where rows, ``summary.csv`` and ``figure.svg`` are.
    done : int
        Runs that this call made; the others were there already.
    failed : int
        Rows with the status "error".
    """

    rows: pd.DataFrame
    summary: pd.DataFrame
    folder: Path
    done: int
    failed: int


def run(
    study: str | Path,
    *,
    out: str | Path | None = None,
    jobs: int = -1,
    dask: str | None = None,
    retry_failed: bool = False,
    progress: bool = False,
) -> Outcome:
    """Run all cells of a study that have no row yet, and summarise all rows.

    A row is written as its run finishes. After a kill at any moment the same call goes on from there: it loses no row
    and repeats no run that had one.

    Parameters
    ----------
    study : path
        A TOML file, see :class:`decon.studies.Study` and docs/scaling.md.
    out : path, optional
        Folder of the rows; the name of the file without ``.toml`` unless given.
    jobs : int
        Worker processes; -1 is one a core. Each works with one BLAS thread.
    dask : str, optional
        Address of a Dask scheduler, ``tcp://host:port``, whose workers see the folder ``out`` under the same path;
        ``jobs`` then plays no part.
    retry_failed : bool
        Run the cells that failed once more.
    progress : bool
        Show rate and time left on stderr.

    Returns
    -------
    Outcome

    Raises
    ------
    OptionError
        If the file is no study, or another process is at work in the folder.
    RunError
        If a worker died; the same call goes on with what is left.
    """
    from tqdm import tqdm

    cells = Study.load(study).cells()
    store = Store(Path(study).with_suffix("") if out is None else out)
    with store.lock():
        store.tidy()
        before = store.attempts()
        again = {key: attempt + 1 for key, (attempt, failed) in before.items() if failed and retry_failed}
        todo = [(cell, again.get(cell.key, 0)) for cell in cells if cell.key not in before or cell.key in again]
        with tqdm(total=len(cells), initial=len(cells) - len(todo), disable=not progress, unit="run") as bar:
            _keep(_rows(todo, store.folder, jobs, dask), store, bar.update)
        store.tidy()
        return _report(cells, store, len(todo))


def _keep(rows: Iterator[dict[str, Any]], store: Store, tell: Callable[[int], object]) -> None:
    """Flush rows, tell how many that makes, and pack them, in a thread of its own: no run waits for the disk."""
    arrived: deque[dict[str, Any]] = deque()
    flushed: list[dict[str, Any]] = []

    def settle(last: bool = False) -> None:
        new = [arrived.popleft() for _ in range(len(arrived))]
        if new:
            store.flush(new)
            tell(len(new))
            flushed.extend(new)
            _import_for_report()
        if len(flushed) >= _PACK_EVERY or last:
            store.pack(flushed)
            flushed.clear()

    with ThreadPoolExecutor(1) as disk:
        settled = disk.submit(settle)
        for row in rows:
            arrived.append(row)
            if settled.done():
                settled.result()  # raises what the disk refused
            settled = disk.submit(settle)
        settled.result()
        disk.submit(settle, True).result()


@cache
def _import_for_report() -> None:
    """Import what the report needs while the workers are busy: at the end they would wait for it."""
    for module in ("pandas", "matplotlib.figure", "matplotlib.backends.backend_svg"):
        import_module(module)


def _rows(todo: list[tuple[Cell, int]], folder: Path, jobs: int, dask: str | None) -> Iterator[dict[str, Any]]:
    """Yield the rows as they finish; each is in its file by then."""
    if not todo:
        return iter(())
    if dask is not None:
        return _on_dask(todo, folder, dask)
    import joblib

    alone = len(todo) == 1 or joblib.effective_n_jobs(jobs) == 1  # one core, or inside a worker of somebody else's pool
    return _here(todo, folder) if alone else _on_processes(todo, folder, jobs)


def _here(todo: list[tuple[Cell, int]], folder: Path) -> Iterator[dict[str, Any]]:
    import threadpoolctl

    with threadpoolctl.threadpool_limits(1):
        for cell, attempt in todo:
            yield _run_and_keep(cell, attempt, folder)


def _on_processes(todo: list[tuple[Cell, int]], folder: Path, jobs: int) -> Iterator[dict[str, Any]]:
    import joblib
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    with joblib.parallel_config("loky", n_jobs=jobs, inner_max_num_threads=1):
        parallel = joblib.Parallel(return_as="generator_unordered")
        work = joblib.delayed(_in_worker)
        try:
            yield from parallel(work(cell, attempt, folder, os.getpid()) for cell, attempt in todo)
        except TerminatedWorkerError:
            raise RunError(
                "a worker process died (out of memory?); what was finished is kept, the same command goes on"
            ) from None


def _on_dask(todo: list[tuple[Cell, int]], folder: Path, address: str) -> Iterator[dict[str, Any]]:
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise OptionError("a Dask cluster needs the extra: pip install 'decon[cluster]'") from None
    try:
        client = Client(address, timeout="30s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise OptionError(f"no Dask scheduler at {address}: {error}") from None
    with client:
        cells, attempts = zip(*todo, strict=True)
        shared = folder.resolve()
        futures = client.map(_in_worker, cells, attempts, folder=shared, pure=False, retries=2)
        for future in as_completed(futures, loop=client.loop):
            yield future.result()


def _in_worker(cell: Cell, attempt: int, folder: Path, starter: int | None = None) -> dict[str, Any]:
    """Run in a worker process, unless the study it belongs to was killed: the one that resumes it has this cell."""
    if starter not in (None, os.getpid()):  # where joblib falls back to the process that asked, that one lives on
        _end_with(starter)
    _settle_in()
    return _run_and_keep(cell, attempt, folder)


def _run_and_keep(cell: Cell, attempt: int, folder: Path) -> dict[str, Any]:
    """Run a cell; its row is kept before it is reported."""
    row = run_cell(cell, attempt)
    Store(folder).add(row)
    return row


@cache
def _end_with(starter: int) -> None:
    """End this worker process soon after the one that started it: a killed parent cannot do it."""

    def watch() -> None:
        while os.getppid() == starter:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@cache
def _settle_in() -> None:
    """Give this worker one BLAS thread, and spare the collector the 60,000 objects of its imports.

    Without psutil loky collects garbage once a second, 0.06 s of walking through modules that never go.
    """
    import threadpoolctl

    threadpoolctl.threadpool_limits(1)
    gc.freeze()


def _report(cells: list[Cell], store: Store, done: int) -> Outcome:
    rows = store.rows().set_index("key").reindex([cell.key for cell in cells]).reset_index()
    summary = summarize(rows)
    write_whole(store.folder / "summary.csv", lambda file: file.write(summary.to_csv().encode()), durable=False)
    write_whole(store.folder / "figure.svg", lambda file: figure(rows).savefig(file, format="svg"), durable=False)
    return Outcome(rows, summary, store.folder, done, int((rows["status"] == "error").sum()))
