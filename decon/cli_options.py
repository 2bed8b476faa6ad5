"""The flags that commands share, and what they turn into."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from decon.errors import OptionError
from decon.experiment import Experiment, read_toml

if TYPE_CHECKING:
    import pandas as pd

    from topologies import Topology

__all__ = ["experiment_from", "one_topology", "output_options", "problem_options", "show"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def problem_options(command: _Command) -> _Command:
    """Add the flags that say which problem is solved; each is also a TOML key of the same name."""
    for option in reversed(
        (
            click.option("--agents", type=int, help="Number of agents n, for families without a fixed size.  [20]"),
            click.option(
                "--data", help="diabetes, digits, wine, …; quadratics:dim=5; or a folder of shards.  [diabetes]"
            ),
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
