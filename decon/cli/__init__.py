"""The command line: ``decon compare | solve | topologies | …``; it only calls the library."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from decon.cli.flags import experiment_from, one_topology, output_options, problem_options, show
from decon.cli.long import reproduce, sweep
from decon.cli.paths import FILE, FOLDER
from decon.errors import RunError
from decon.spec.grammar import attack_names, make_local_step

if TYPE_CHECKING:
    from decon.costs import Costs
    from decon.runs.result import Result
    from decon.spec.experiment import Experiment
    from topologies import Topology

__all__ = ["app", "main"]

VERIFY_FLAGS = ("agents", "data", "split", "alpha", "ridge", "penalty", "byzantine", "attack", "iterations", "seed")
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
@problem_options()
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
    import decon
    from decon.report.tables import brief, write_comparison, write_tradeoffs

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


@app.command(short_help="One run on one topology.")
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option("--topology", default=None, help='A family, e.g. "erdos_renyi:p=0.4", or a graph file.  [ring]')
@click.option(
    "--local-step",
    default="exact",
    show_default=True,
    help="exact, or stochastic[:scale=…,sigma=…,batch_size=…]: minibatches of 32 and σ^k = ℓ√k unless given.",
)
@problem_options()
@click.option("--tol", type=float, help="Stop at this mean distance to the minimiser, in units of x.")
@click.option("--out", type=FILE, help="Save the run as OUT.npz and OUT.json.")
@click.option(
    "--engine",
    type=click.Choice(["local", "mpi"]),
    default="local",
    show_default=True,
    help="mpi: run me under mpiexec.",
)
@click.option(
    "--checkpoint", type=FOLDER, help="Folder for the run's state; the same command goes on from there after a kill."
)
@click.option("--every", type=click.IntRange(1), default=100, show_default=True, help="Iterations between checkpoints.")
@click.option(
    "--precision",
    type=click.Choice(["double", "single"]),
    default="double",
    show_default=True,
    help="Of messages and duals.",
)
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
      mpiexec -n 2 decon solve --topology torus --agents 10000 --data quadratics:dim=5 --engine mpi --penalty 2
      decon solve --data digits --local-step stochastic:scale=0.3 --ridge 0.001 --penalty 0.05 --dual-bound 0.1
      decon solve --topology complete --attack gaussian:mean=1,std=1 --screening profiling
    """  # noqa: D301 - click's marker for text that must not be wrapped
    import decon
    from decon.attacks.liars import draw_byzantine
    from decon.distributed import Share
    from decon.report.tables import describe

    experiment, topo = one_topology(file, topology or (None if file else "ring"), flags)
    costs: Any
    if engine == "mpi":  # each rank makes the costs of its own agents
        from decon.network.mpi.ranks import smoothness

        costs = experiment.local_costs(topo.n)
        step = make_local_step(local_step, lambda: smoothness(costs, topo.n))
    else:
        costs = experiment.build_costs(topo.n)
        step = make_local_step(local_step, lambda: costs.smoothness)
    result = decon.solve(
        topo,
        costs,
        penalty=experiment.number_or_name(),
        byzantine=draw_byzantine(topo, experiment.byzantine, experiment.seed),
        attack=experiment.build_attack(),
        screening=experiment.build_screening(),
        dual_bound=experiment.dual_bound,
        local_step=step,
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
    written = result.save(out) if out else None  # before anything is printed
    click.echo(describe(result))
    if engine == "local" and local_step == "exact":
        _show_unseen(experiment, topo, costs, result)
    if written:
        click.echo(f"wrote {written}", err=True)
    if result.status not in ("completed", "converged"):
        sys.exit(1)


def _show_unseen(experiment: Experiment, topo: Topology, costs: Costs, result: Result) -> None:
    """Print what lies under a fixed threshold can do, where a certificate covers it and takes seconds."""
    import decon
    from decon.methods.penalty import certifiable

    rule = experiment.build_screening()
    if not isinstance(rule, decon.Profiling) or rule.threshold is None or rule.decay < 1:
        return
    if not result.byzantine.size or experiment.dual_bound < float("inf") or not certifiable(topo):
        return
    if costs.strong_convexity > 0:
        harm = decon.undetected_harm(
            topo, costs, penalty=result.penalty, byzantine=result.byzantine, threshold=rule.threshold
        )
        click.echo(f"undetected harm:  ≤ {harm:.3g} around all agents' minimiser, by errors that never raise an alarm")


@app.command(short_help="A saved run, printed and drawn again.")
@click.argument("run", type=click.Path())
@click.option("--figure", type=FILE, help="Draw the distance against iterations into this file (.png, .svg, .pdf).")
def report(run: str, figure: str | None) -> None:
    """Print a saved RUN again: how it ended, and who was found lying.

    \b
    Example:
      decon solve --topology complete --screening profiling --out run && decon report run --figure run.png
    """  # noqa: D301 - click's marker for text that must not be wrapped
    import decon
    from decon.report.tables import describe, write_distance

    result = decon.Result.load(run)
    click.echo(describe(result))
    if figure:
        click.echo(f"wrote {write_distance(result, Path(figure))}", err=True)


@app.command(short_help="Every lemma, theorem and certificate held against runs.")
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@click.option(
    "--topology", "topologies", multiple=True, help='A family, e.g. "erdos_renyi:p=0.4", or a graph file; repeatable.'
)
@problem_options(*VERIFY_FLAGS, iterations=200)
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

    experiment = experiment_from(file, flags, iterations=200, topologies=list(VERIFIED))
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
@click.option("--topology", default=None, help='A family, e.g. "grid", or a graph file.  [grid]')
@problem_options("agents", "data", "split", "alpha", "ridge", "iterations", "seed")
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

    experiment, topo = one_topology(file, topology or (None if file else "grid"), flags)
    table = improve(topo, experiment.build_costs(topo.n), edges=edges, iterations=experiment.iterations)
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
