"""The command line: ``decon compare | solve | topologies | …``; it only calls the library."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from decon.errors import OptionError, RunError
from decon.experiment import Experiment, attack_names, make_local_step, read_toml

if TYPE_CHECKING:
    import pandas as pd

    from topologies import Topology

__all__ = ["app", "main"]

VERIFIED = ("grid", "torus", "random_regular:d=4", "erdos_renyi:p=0.4", "star", "complete")

_Command = TypeVar("_Command", bound=Callable[..., Any])


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="decon")
def app() -> None:
    """Decentralized consensus optimisation when some agents lie.

    A graph goes in, guarantees and a checked run come out. Start with `decon compare`.
    """


def problem_options(command: _Command) -> _Command:
    """Add the flags that say which problem is solved; each is also a TOML key of the same name."""
    for option in reversed(
        (
            click.option("--agents", type=int, help="Number of agents n, for families without a fixed size.  [20]"),
            click.option("--data", help="Data set, e.g. diabetes, breast_cancer, digits, wine.  [diabetes]"),
            click.option("--split", help="How data go to agents: iid, label or dirichlet.  [iid]"),
            click.option("--alpha", type=float, help="Of the Dirichlet split; small is uneven.  [1]"),
            click.option("--ridge", type=float, help="Curvature added to each local cost.  [5]"),
            click.option("--penalty", help="c, or certified, theorem3, exact, auto.  [auto]"),
            click.option("--byzantine", type=int, help="Number of falsifying agents.  [3]"),
            click.option("--attack", help="What they send, see `decon attacks`.  [gaussian:mean=1,std=1]"),
            click.option("--screening", help="How messages are judged, e.g. profiling or none.  [none]"),
            click.option("--dual-bound", type=float, help="P2's bound λ on every dual.  [inf]"),
            click.option("--iterations", type=int, help="[400]"),
            click.option("--seed", type=int, help="Of all randomness.  [0]"),
        )
    ):
        command = option(command)
    return command


def output_options(command: _Command) -> _Command:
    """Add the flags that say how a table is printed."""
    command = click.option("--csv", "form", flag_value="csv", help="Print the table as CSV.")(command)
    return click.option("--json", "form", flag_value="json", help="Print the table as JSON.")(command)


def experiment_from(file: str | None, flags: dict[str, Any]) -> Experiment:
    """Merge a TOML file and flags; a flag wins."""
    given = read_toml(file) if file else {}
    told = {key: list(value) if isinstance(value, tuple) else value for key, value in flags.items()}
    given |= {key: value for key, value in told.items() if value not in (None, [])}
    return Experiment.from_mapping(given, file or "command line")


def one_topology(file: str | None, topology: str | None, flags: dict[str, Any]) -> tuple[Experiment, Topology]:
    """Merge file and flags into an experiment on one topology."""
    if topology:
        flags["topologies"] = (topology,)
    experiment = experiment_from(file, flags)
    if len(experiment.topologies) != 1:
        raise OptionError(f"this runs on one topology, not {len(experiment.topologies)}; give --topology")
    (topo,) = experiment.build_topologies().values()
    return experiment, topo


def show(table: pd.DataFrame, form: str | None) -> None:
    """Print a table on stdout, for people or machines."""
    if form == "json":
        click.echo(table.reset_index().to_json(orient="records", indent=2))
    elif form == "csv":
        click.echo(table.to_csv().rstrip())
    else:
        from decon.report import text_table

        click.echo(text_table(table))


@app.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option(
    "--topology", "topologies", multiple=True, help='A family, e.g. "erdos_renyi:p=0.4", or a graph file; repeatable.'
)
@problem_options
@output_options
@click.option("--out", default="decon-compare", show_default=True, help="Folder for the table and the figure.")
@click.option("--penalties", is_flag=True, help="Also draw the rate against the penalty, for each topology.")
def compare(file: str | None, form: str | None, out: str, penalties: bool, **flags: Any) -> None:
    """Compare topologies on one problem, without and with falsifying agents.

    With no arguments: ridge regression on the diabetes data over 20 agents, ten topologies, 3 Gaussian liars. A TOML
    FILE may say what the flags say.

    \b
    Example:
      decon compare --topology ring --topology erdos_renyi:p=0.4 --data wine --byzantine 2
    """  # noqa: D301 - click's marker for text that must not be wrapped
    import decon
    from decon.report import brief, write_comparison, write_tradeoffs

    experiment = experiment_from(file, flags)
    table = decon.compare(
        experiment.build_topologies(),
        experiment.build_costs,
        penalty=experiment.number_or_name(),
        byzantine=experiment.byzantine,
        attack=experiment.build_attack(),
        screening=experiment.build_screening(),
        dual_bound=experiment.dual_bound,
        iterations=experiment.iterations,
        seed=experiment.seed,
        progress=sys.stderr.isatty(),
    )
    show(table if form else brief(table), form)
    written = write_comparison(table, Path(out))
    if penalties:
        written += write_tradeoffs(table, experiment.build_costs, Path(out))
    for path in written:
        click.echo(f"wrote {path}", err=True)


@app.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option("--topology", default=None, help='A family, e.g. "erdos_renyi:p=0.4", or a graph file.  [ring]')
@click.option(
    "--local-step",
    default="exact",
    show_default=True,
    help="exact, or stochastic[:scale=…,sigma=…,batch_size=…]: minibatches of 32 and σ^k = ℓ√k unless given.",
)
@problem_options
@click.option("--tol", type=float, help="Stop at this mean distance to the minimiser.")
@click.option("--out", help="Save the run as OUT.npz and OUT.json.")
@click.option("--engine", type=click.Choice(["local", "mpi"]), default="local", help="mpi: run me under mpiexec.")
@click.option("--checkpoint", help="Folder for the run's state; the same command goes on from there after a kill.")
@click.option("--every", type=int, default=100, show_default=True, help="Iterations between checkpoints.")
@click.option("--precision", type=click.Choice(["double", "single"]), default="double", help="Of messages and duals.")
def solve(
    file: str | None,
    topology: str | None,
    local_step: str,
    tol: float | None,
    out: str | None,
    engine: Literal["local", "mpi"],
    checkpoint: str | None,
    every: int,
    precision: Literal["double", "single"],
    **flags: Any,
) -> None:
    """Run one method on one topology and print what came out; with --screening, who was found and when.

    \b
    Example:
      decon solve --topology karate_club --data breast_cancer --byzantine 4 --attack sign_flip:scale=-2
      mpiexec -n 2 decon solve --topology torus --agents 100 --engine mpi --checkpoint state --every 50
      decon solve --data digits --local-step stochastic:scale=0.3 --ridge 0.001 --penalty 0.05 --dual-bound 0.1
      decon solve --topology complete --attack gaussian:mean=1,std=1 --screening profiling
    """  # noqa: D301 - click's marker for text that must not be wrapped
    import decon
    from decon.byzantine import draw_byzantine
    from decon.distributed import Share
    from decon.report import describe

    experiment, topo = one_topology(file, topology or (None if file else "ring"), flags)
    costs = experiment.build_costs(topo.n)
    result = decon.solve(
        topo,
        costs,
        penalty=experiment.number_or_name(),
        byzantine=draw_byzantine(topo, experiment.byzantine, experiment.seed),
        attack=experiment.build_attack(),
        screening=experiment.build_screening(),
        dual_bound=experiment.dual_bound,
        local_step=make_local_step(local_step, costs),
        iterations=experiment.iterations,
        tol=tol,
        seed=experiment.seed,
        progress=sys.stderr.isatty(),
        engine=engine,
        checkpoint=checkpoint,
        checkpoint_every=every,
        precision=precision,
    )
    if isinstance(result, Share):
        first = result.links.place == 0
        result = result.gather()
        if not first:
            return
    click.echo(describe(result))
    if out:
        click.echo(f"wrote {result.save(out)}", err=True)
    if result.status not in ("completed", "converged"):
        sys.exit(1)


@app.command()
@click.argument("run", type=click.Path())
@click.option("--figure", help="Draw the distance against iterations into this file.")
def report(run: str, figure: str | None) -> None:
    """Print a saved RUN again: how it ended, and who was found lying.

    \b
    Example:
      decon solve --topology complete --screening profiling --out run && decon report run --figure run.png
    """  # noqa: D301 - click's marker for text that must not be wrapped
    import decon
    from decon.report import describe, write_distance

    result = decon.Result.load(run)
    click.echo(describe(result))
    if figure:
        click.echo(f"wrote {write_distance(result, Path(figure))}", err=True)


@app.command()
@click.argument("file", type=click.Path(dir_okay=False))
@click.option("--out", help="Folder of the rows.  [FILE without .toml]")
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
      decon sweep study.toml --jobs 2
    """  # noqa: D301 - click's marker for text that must not be wrapped
    from decon.sweep import run

    outcome = run(file, out=out, jobs=jobs, dask=dask, retry_failed=retry_failed, progress=True)
    show(outcome.summary.reset_index().set_index("topology"), form)
    click.echo(f"{outcome.done} runs made, {len(outcome.rows)} rows in {outcome.folder}", err=True)
    if outcome.failed:
        rows = outcome.rows
        first = rows.loc[rows["status"] == "error", "message"].iloc[0]
        click.echo(f"{outcome.failed} cells failed, the first with {first}; see --retry-failed", err=True)
        sys.exit(1)


@app.group()
def reproduce() -> None:
    """Run a paper's experiments again and hold them against what it says."""


def study_options(command: _Command) -> _Command:
    """Add the flags of all reproductions."""
    command = click.option("--seeds", type=click.IntRange(1), help="Number of seeds, from 0.")(command)
    command = click.option("--quick", is_flag=True, help="Fewer seeds and cells: a look in seconds.")(command)
    return click.option("--out", default="decon-reproduce", show_default=True, help="Folder of tables and figures.")(
        command
    )


@reproduce.command()
@study_options
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


@reproduce.command()
@study_options
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


@reproduce.command()
@study_options
@output_options
@click.option("--data", default="digits", show_default=True, help="digits, mnist or covertype.")
@click.option("--iterations", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--settings", type=click.Path(exists=True, dir_okay=False), help="A table of tuned settings.")
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


@reproduce.command("p2-graphs")
@study_options
@output_options
@click.option("--data", default="digits", show_default=True, help="digits, mnist or covertype.")
@click.option("--iterations", type=click.IntRange(1), default=1000, show_default=True)
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


@app.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option(
    "--topology", "topologies", multiple=True, help='A family, e.g. "erdos_renyi:p=0.4", or a graph file; repeatable.'
)
@problem_options
@output_options
@click.option("--seeds", type=click.IntRange(1), default=2, show_default=True, help="Runs of each kind.")
@click.option("--out", default="decon-verify", show_default=True, help="Folder for the table and the figure.")
def verify(file: str | None, form: str | None, seeds: int, out: str, **flags: Any) -> None:
    """Hold every lemma, theorem and certificate against runs; exit code 1 if one that must hold does not.

    With no arguments: ridge regression on the diabetes data, six topologies, without and with 3 Gaussian liars.

    \b
    Example:
      decon verify --topology karate_club --data breast_cancer --ridge 0.1 --attack constant:value=2
    """  # noqa: D301 - click's marker for text that must not be wrapped
    from decon.report import verify_all, write_verification

    if not file and not flags["topologies"]:
        flags["topologies"] = VERIFIED
    experiment = experiment_from(file, {"iterations": 200, **{k: v for k, v in flags.items() if v is not None}})
    table = verify_all(experiment, seeds, progress=sys.stderr.isatty())
    show(table, form)
    for path in write_verification(table, Path(out)):
        click.echo(f"wrote {path}", err=True)
    failed = int((table["holds"] == False).sum())  # noqa: E712 - missing is neither
    click.echo(f"{int(table['holds'].notna().sum())} statements checked, {failed} failed", err=True)
    if failed:
        sys.exit(1)


@app.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option("--topology", default=None, help='A family, e.g. "grid", or a graph file.  [grid]')
@problem_options
@output_options
@click.option("--edges", type=click.IntRange(1), default=3, show_default=True, help="Edges to add.")
@click.option("--out", help="Write the designed networks as OUT-edges.graphml and so on.")
def design(file: str | None, topology: str | None, form: str | None, edges: int, out: str | None, **flags: Any) -> None:
    """Improve a network: edges to add, weights to choose; certified and measured rate before and after.

    \b
    Example:
      decon design --topology barbell --edges 4
    """  # noqa: D301 - click's marker for text that must not be wrapped
    import topologies as package
    from decon.design import design as improve

    experiment, topo = one_topology(file, topology or (None if file else "grid"), flags)
    table = improve(topo, experiment.build_costs(topo.n), edges=edges, iterations=experiment.iterations)
    show(table, form)
    for u, v in table.attrs["added"]:
        click.echo(f"add edge {topo.labels[u]!r} - {topo.labels[v]!r}", err=True)
    if out:
        for name, network in table.attrs["networks"].items():
            path = f"{out}-{name.replace(' ', '-')}.graphml"
            package.write(network, path)
            click.echo(f"wrote {path}", err=True)


@app.command()
def topologies() -> None:
    """List the graph families, one line each."""
    import topologies as package

    _listing(package.families())


@app.command()
def attacks() -> None:
    """List the attacks, one line each; start=, stop=, every= and decay= go with all of them."""
    _listing(attack_names())


def _listing(lines: dict[str, str]) -> None:
    width = max(map(len, lines))
    for name, text in lines.items():
        click.echo(f"{name:<{width}}  {text}")


def main() -> None:
    """Run the command line: exit code 2 and one line for bad input."""
    try:
        app.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (ValueError, RunError, OSError) as error:
        click.echo(f"decon: {error}", err=True)
        sys.exit(2)
