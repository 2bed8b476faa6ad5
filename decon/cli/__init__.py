"""The command line: ``decon compare | solve | topologies | …``; it only calls the library."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import click

from decon.cli.flags import experiment_from, one_topology, output_options, problem_options, show, topology_option
from decon.cli.long import reproduce, sweep
from decon.cli.one_run import report, solve
from decon.cli.paths import FILE, FOLDER
from decon.errors import RunError
from decon.spec.defaults import COMPARED
from decon.spec.objects import attack_names

__all__ = ["app", "main"]

VERIFY_FLAGS = (
    *("agents", "data", "cost", "split", "alpha", "ridge"),
    *("penalty", "byzantine", "attack", "strength", "iterations", "seed"),
)
VERIFIED = ("grid", "torus", "random_regular:d=4", "erdos_renyi:p=0.4", "star", "complete")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="decon")
def app() -> None:
    """Decentralized consensus optimisation when some agents lie.

    A graph goes in, guarantees and a checked run come out. Start with `decon compare`; every command has --help.

    \b
    Example:
      decon compare --topology ring --topology star --topology complete --iterations 200
    """  # noqa: D301 - click's marker for text that must not be wrapped


@app.command(short_help="Topologies side by side, without and with liars.")
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option(
    "--topology", "topologies", multiple=True, help='A family, e.g. "erdos_renyi:p=0.4", or a graph file; repeatable.'
)
@problem_options(byzantine=COMPARED["byzantine"])
@output_options
@click.option(
    "--out", type=FOLDER, default="decon-compare", show_default=True, help="Folder for the table and the figure."
)
@click.option("--penalties", is_flag=True, help="Also draw the rate against the penalty, for each topology.")
def compare(file: str | None, form: str | None, out: str, penalties: bool, **flags: Any) -> None:
    """Compare topologies on one problem, without and with falsifying agents.

    With no arguments: ridge regression on the diabetes data over 20 agents, ten topologies, 3 Gaussian liars. A TOML
    FILE may say what the flags say.

    \b
    Example:
      decon compare --topology ring --topology erdos_renyi:p=0.4 --data wine --byzantine 2
    """  # noqa: D301 - click's marker for text that must not be wrapped
    from decon.report.tables import brief, write_comparison, write_tradeoffs
    from decon.studies.comparison import compare_experiment

    experiment = experiment_from(file, flags, **COMPARED)
    table = compare_experiment(experiment, progress=sys.stderr.isatty())
    show(table if form else brief(table), form)
    written = write_comparison(table, Path(out))
    if penalties:
        written += write_tradeoffs(table, experiment.build_costs, Path(out))
    for path in written:
        click.echo(f"wrote {path}", err=True)


@app.command(short_help="Every lemma, theorem and certificate held against runs.")
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option(
    "--topology", "topologies", multiple=True, help='A family, e.g. "erdos_renyi:p=0.4", or a graph file; repeatable.'
)
@problem_options(*VERIFY_FLAGS, iterations=200, byzantine=COMPARED["byzantine"])
@output_options
@click.option("--seeds", type=click.IntRange(1), default=2, show_default=True, help="Runs of each kind.")
@click.option(
    "--out", type=FOLDER, default="decon-verify", show_default=True, help="Folder for the table and the figure."
)
def verify(file: str | None, form: str | None, seeds: int, out: str, **flags: Any) -> None:
    """Hold every lemma, theorem and certificate against runs; exit code 1 if one that must hold does not.

    With no arguments: ridge regression on the diabetes data, six topologies, without and with 3 Gaussian liars.

    \b
    Example:
      decon verify --topology karate_club --data breast_cancer --ridge 0.1 --attack constant:value=2
    """  # noqa: D301 - click's marker for text that must not be wrapped
    from decon.report.tables import verify_all, write_verification

    experiment = experiment_from(
        file, flags, iterations=200, topologies=list(VERIFIED), byzantine=COMPARED["byzantine"]
    )
    table = verify_all(experiment, seeds, progress=sys.stderr.isatty())
    show(table, form)
    for path in write_verification(table, Path(out)):
        click.echo(f"wrote {path}", err=True)
    failed = int((table["holds"] == False).sum())  # noqa: E712 - missing is neither
    click.echo(f"{int(table['holds'].notna().sum())} statements checked, {failed} failed", err=True)
    if failed:
        sys.exit(1)


@app.command(short_help="A better network: edges to add, weights to choose.")
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@topology_option("grid")
@problem_options("agents", "data", "cost", "split", "alpha", "ridge", "iterations", "seed")
@output_options
@click.option("--edges", type=click.IntRange(1), default=3, show_default=True, help="Edges to add.")
@click.option("--out", type=FILE, help="Write the networks as OUT-added-edges.graphml, OUT-best-weights.graphml, …")
def design(file: str | None, topology: str | None, form: str | None, edges: int, out: str | None, **flags: Any) -> None:
    """Improve a network: edges to add, weights to choose; certified and measured rate before and after.

    \b
    Example:
      decon design --topology barbell --edges 4
    """  # noqa: D301 - click's marker for text that must not be wrapped
    import topologies as package
    from decon.studies.improvement import design as improve

    experiment, topo = one_topology(file, topology, flags, topologies=["grid"])
    table = improve(topo, experiment.build_costs(topo), edges=edges, iterations=experiment.iterations)
    show(table, form)
    for u, v in table.attrs["added"]:
        click.echo(f"add edge {topo.labels[u]!r} - {topo.labels[v]!r}", err=True)
    if out:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        for name, network in table.attrs["networks"].items():
            path = f"{out}-{name.replace(' ', '-')}.graphml"
            package.write(network, path)
            click.echo(f"wrote {path}", err=True)


@app.command(short_help="List the graph families.")
def topologies() -> None:
    """List the graph families with their parameters, one line each.

    \b
    Example:
      decon topologies
      decon solve --topology watts_strogatz:k=6,p=0.2 --agents 30
    """  # noqa: D301 - click's marker for text that must not be wrapped
    import topologies as package

    _listing(package.families())


@app.command(short_help="List the attacks.")
def attacks() -> None:
    """List the attacks with their parameters, one line each.

    With all of them go start=, stop= and every= (iterations, from 1) and decay= (a ratio below 1 for each iteration).

    \b
    Example:
      decon attacks
      decon solve --attack gaussian:mean=1,std=5,start=100
    """  # noqa: D301 - click's marker for text that must not be wrapped
    _listing(attack_names())


app.add_command(solve)
app.add_command(report)
app.add_command(sweep)
app.add_command(reproduce)


def _listing(lines: dict[str, str]) -> None:
    width = max(map(len, lines))
    for name, text in lines.items():
        click.echo(f"{name:<{width}}  {text}")


def main() -> None:
    """Run the command line: exit code 2 and one line for bad input."""
    for out in (sys.stdout, sys.stderr):
        if isinstance(out, io.TextIOWrapper):  # what a terminal cannot show must not lose the run
            out.reconfigure(errors="replace")
    try:
        app.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        click.echo(f"decon: {error.format_message()} See --help.".replace("\n", " "), err=True)
        sys.exit(2)
    except (ValueError, RunError, OSError) as error:
        click.echo(f"decon: {error}", err=True)
        sys.exit(2)
