"""Commands that run many experiments: the papers' figures and studies over grids."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from decon.cli.flags import output_options, show
from decon.cli.paths import FOLDER

__all__ = ["reproduce", "sweep"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


@click.command(short_help="Studies over grids that survive a kill.")
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--out", type=FOLDER, help="Folder of the rows.  [FILE without .toml]")
@click.option("--jobs", type=int, default=-1, show_default=True, help="Worker processes; -1 is one a core.")
@click.option("--dask", help="Address of a Dask scheduler, tcp://host:port, instead of processes here.")
@click.option("--retry-failed", is_flag=True, help="Run the cells that failed once more.")
@output_options
def sweep(file: str, form: str | None, out: str | None, jobs: int, dask: str | None, retry_failed: bool) -> None:
    """Run every cell of a study that has no row yet, and print medians over seeds.

    Kill it at any moment: the same command goes on, loses nothing finished, repeats nothing. Exit code 1 says that
    cells failed; their rows hold the errors. docs/scaling.md describes the FILE.

    \b
    Example:
      printf '[grid]\\nn = 10\\nbyzantine = [0.0, 0.2]\\npenalty = 0.5\\n' > study.toml
      decon sweep study.toml --jobs 2
    """  # noqa: D301 - click's marker for text that must not be wrapped
    from decon.studies.sweeping import run

    outcome = run(file, out=out, jobs=jobs, dask=dask, retry_failed=retry_failed, progress=True)
    show(outcome.summary.reset_index().set_index("topology"), form)
    click.echo(f"{outcome.done} runs made, {len(outcome.rows)} rows in {outcome.folder}", err=True)
    if outcome.failed:
        rows = outcome.rows
        first = rows.loc[rows["status"] == "error", "message"].iloc[0]
        click.echo(f"{outcome.failed} cells failed, the first with {first}; see --retry-failed", err=True)
        sys.exit(1)


@click.group(short_help="The papers' figures and claims run again.")
def reproduce() -> None:
    """Run a paper's experiments again and hold them against what it says.

    P1 is Li et al. (arXiv:1710.05241), P2 is Lin et al. (ICASSP 2020).

    \b
    Example:
      decon reproduce p1 --quick
    """  # noqa: D301 - click's marker for text that must not be wrapped


def study_options(seeds: int) -> Callable[[_Command], _Command]:
    """Return what adds the flags of all reproductions."""

    def add(command: _Command) -> _Command:
        for option in (
            click.option(
                "--seeds", type=click.IntRange(1), help=f"Number of seeds, from 0.  [{seeds}; fewer if quick]"
            ),
            click.option("--quick", is_flag=True, help="Fewer seeds and cells: a first look."),
            click.option(
                "--out", type=FOLDER, default="decon-reproduce", show_default=True, help="Folder of tables and figures."
            ),
        ):
            command = option(command)
        return command

    return add


@reproduce.command(short_help="P1's figures: ADMM under Gaussian falsification.")
@study_options(5)
@output_options
def p1(seeds: int | None, quick: bool, out: str, form: str | None) -> None:
    """P1's figures: ADMM under Gaussian falsification, the robust variant, and the choice of c.

    Prints P1's claims, passed or not, with the numbers measured; exit code 0 either way.

    \b
    Example:
      decon reproduce p1 --seeds 3 --out p1
    """  # noqa: D301 - click's marker for text that must not be wrapped
    from decon.reproduce.p1 import Setting, p1
    from decon.reproduce.p1_claims import told

    _, held = p1(Path(out), range(seeds or 5), quick=quick)
    if form:
        show(held, form)
    else:
        click.echo(told(held))
    click.echo(Setting().caption(), err=True)
    click.echo(f"wrote {out}/p1.png, p1-curves.csv, p1-claims.csv", err=True)


@reproduce.command(short_help="Where detection breaks down.")
@study_options(3)
@output_options
@click.option("--jobs", type=int, default=-1, show_default=True, help="Worker processes; -1 is one a core.")
def phase(seeds: int | None, quick: bool, out: str, form: str | None, jobs: int) -> None:
    """Where detection breaks down: liars × strength × topology, and the rules' ROC curves.

    Prints the largest number of liars up to which every run ended at the honest agents' minimiser.

    \b
    Example:
      decon reproduce phase --quick
    """  # noqa: D301 - click's marker for text that must not be wrapped
    from decon.reproduce.phase import phase

    _, points, _ = phase(Path(out), range(seeds or 3), quick=quick, jobs=jobs)
    show(points, form)
    click.echo(f"wrote {out}/phase.png, roc.png, phase-runs.csv, phase-breakdown.csv, phase-roc.csv", err=True)


@reproduce.command(short_help="P2's figures: stochastic ADMM on the star.")
@study_options(5)
@output_options
@click.option("--data", default="digits", show_default=True, help="digits, mnist or covertype.")
@click.option("--iterations", type=click.IntRange(1), default=1000, show_default=True, help="Iterations of each run.")
@click.option(
    "--settings",
    type=click.Path(exists=True, dir_okay=False),
    help="A table of tuned settings in place of ours (docs/stochastic.md).",
)
def p2(
    seeds: int | None, quick: bool, out: str, form: str | None, data: str, iterations: int, settings: str | None
) -> None:
    """P2's figures: stochastic ADMM and its baselines on the star, under three attacks.

    Prints P2's claims, held or not, with the numbers measured; exit code 0 either way. Kill it at any moment: the same
    command goes on from the last finished run.

    \b
    Example:
      decon reproduce p2 --quick
    """  # noqa: D301 - click's marker for text that must not be wrapped
    from decon.reproduce import p2 as study

    report = study.run(
        data,
        seeds=seeds or 5,
        iterations=iterations,
        out=out,
        settings=settings,
        quick=quick,
        progress=sys.stderr.isatty(),
    )
    show(report.finals, form)
    show(report.claims, form)
    click.echo(f"wrote {out}/p2.svg, p2_curves.csv, p2_finals.csv, p2_claims.csv", err=True)


@reproduce.command("p2-graphs", short_help="P2's method without a master.")
@study_options(3)
@output_options
@click.option("--data", default="digits", show_default=True, help="digits, mnist or covertype.")
@click.option("--iterations", type=click.IntRange(1), default=1000, show_default=True, help="Iterations of each run.")
def p2_graphs(seeds: int | None, quick: bool, out: str, form: str | None, data: str, iterations: int) -> None:
    """Beyond P2: the same method on graphs without a master, with and without screening.

    \b
    Example:
      decon reproduce p2-graphs --quick
    """  # noqa: D301 - click's marker for text that must not be wrapped
    from decon.reproduce import p2_graphs as study

    report = study.run(
        data, seeds=seeds or 3, iterations=iterations, out=out, quick=quick, progress=sys.stderr.isatty()
    )
    show(report.table, form)
    click.echo(f"wrote {out}/p2_graphs.svg, p2_graphs.csv, p2_graphs_table.csv", err=True)
