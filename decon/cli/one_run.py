"""Commands about one run: ``decon solve`` and ``decon report``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from decon.cli.flags import one_topology, problem_options, topology_option
from decon.cli.paths import FILE, FOLDER
from decon.spec.objects import make_screening

if TYPE_CHECKING:
    from decon.costs import Costs
    from decon.runs.result import Result
    from decon.spec.experiment import Experiment
    from topologies import Topology

__all__ = ["report", "solve"]


@click.command(short_help="One run on one topology.")
@click.argument("file", required=False, type=click.Path(dir_okay=False))
@topology_option("ring")
@problem_options()
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
def solve(
    file: str | None,
    topology: str | None,
    out: str | None,
    engine: Literal["local", "mpi"],
    checkpoint: str | None,
    every: int,
    **flags: Any,
) -> None:
    """Run one method on one topology and print what came out; with --screening, who was found and when.

    \b
    Example:
      decon solve --topology karate_club --data breast_cancer --byzantine 4 --attack sign_flip:scale=-2
      mpiexec -n 2 decon solve --topology torus --agents 100 --engine mpi --checkpoint state --every 50
      mpiexec -n 2 decon solve --topology torus --agents 10000 --data quadratics:dim=5 --engine mpi --penalty 2
      decon solve --data digits --local-step stochastic:scale=0.3 --ridge 0.001 --penalty 0.05 --dual-bound 0.1
      decon solve --topology complete --byzantine 3 --attack gaussian:mean=1,std=1 --screening profiling
    """  # noqa: D301 - click's marker for text that must not be wrapped
    import decon
    from decon.distributed import Share
    from decon.report.tables import describe

    experiment, topo = one_topology(file, topology, flags)
    # over MPI each rank makes the costs of its own agents
    costs: Any = experiment.local_costs(topo) if engine == "mpi" else experiment.build_costs(topo)
    result = decon.solve(
        topo,
        costs,
        **experiment.options(topo, costs),
        progress=sys.stderr.isatty(),
        engine=engine,
        checkpoint=checkpoint,
        checkpoint_every=every,
    )
    if isinstance(result, Share):
        first = result.links.place == 0
        result = result.gather()
        if not first:
            return
    written = result.save(out) if out else None  # before anything is printed
    click.echo(describe(result))
    if engine == "local" and experiment.local_step == "exact":
        _show_unseen(experiment, topo, costs, result)
    if written:
        click.echo(f"wrote {written}", err=True)
    if result.status not in ("completed", "converged"):
        sys.exit(1)


def _show_unseen(experiment: Experiment, topo: Topology, costs: Costs, result: Result) -> None:
    """Print what lies under a fixed threshold can do, where a certificate covers it and takes seconds."""
    import decon
    from decon.methods.penalty import certifiable

    rule = make_screening(experiment.screening)
    if not isinstance(rule, decon.Profiling) or rule.threshold is None or rule.decay < 1:
        return
    if not result.byzantine.size or experiment.dual_bound < float("inf") or not certifiable(topo):
        return
    if costs.strong_convexity > 0:
        harm = decon.undetected_harm(
            topo, costs, penalty=result.penalty, byzantine=result.byzantine, threshold=rule.threshold
        )
        click.echo(f"undetected harm:  ≤ {harm:.3g} around all agents' minimiser, by errors that never raise an alarm")


@click.command(short_help="A saved run, printed and drawn again.")
@click.argument("run", type=click.Path())
@click.option("--figure", type=FILE, help="Draw the distance against iterations into this file (.png, .svg, .pdf).")
def report(run: str, figure: str | None) -> None:
    """Print a saved RUN again: how it ended, and who was found lying.

    \b
    Example:
      decon solve --topology complete --byzantine 3 --screening profiling --out run && decon report run --figure run.png
    """  # noqa: D301 - click's marker for text that must not be wrapped
    import decon
    from decon.report.tables import describe, write_distance

    result = decon.Result.load(run)
    click.echo(describe(result))
    if figure:
        click.echo(f"wrote {write_distance(result, Path(figure))}", err=True)
