"""The flags that commands share, and what they turn into."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from decon.errors import OptionError
from decon.spec.experiment import Experiment, read_toml

if TYPE_CHECKING:
    import pandas as pd

    from topologies import Topology

__all__ = ["experiment_from", "one_topology", "output_options", "problem_options", "show"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def problem_options(*names: str, iterations: int = 400) -> Callable[[_Command], _Command]:
    """Return what adds the flags ``names`` (all unless given) of a problem; each is also a TOML key of that name."""
    known = {
        "agents": click.option("--agents", type=int, help="Agents n, for families without a fixed size.  [20]"),
        "data": click.option(
            "--data",
            help="diabetes, wine, breast_cancer, digits, covertype, mnist; quadratics:dim=5,condition=10; "
            "or a folder of shards.  [diabetes]",
        ),
        "split": click.option("--split", help="How data go to agents: iid, label or dirichlet.  [iid]"),
        "alpha": click.option("--alpha", type=float, help="Of --split dirichlet, above 0; small is uneven.  [1]"),
        "ridge": click.option("--ridge", type=float, help="Curvature added to each cost, (ridge/2)‖x‖².  [5]"),
        "penalty": click.option(
            "--penalty", help="c > 0, in units of curvature; or auto, certified, theorem3, exact.  [auto]"
        ),
        "byzantine": click.option("--byzantine", type=int, help="Number of falsifying agents, up to half.  [3]"),
        "attack": click.option(
            "--attack", help="What they send: name:option=value,… of `decon attacks`.  [gaussian:mean=1,std=1]"
        ),
        "screening": click.option(
            "--screening",
            help="How messages are judged: none, profiling, road:threshold=50 or median_distance.  [none]",
        ),
        "dual-bound": click.option(
            "--dual-bound", type=float, help="P2's λ > 0 on every entry of every dual, in units of the gradient.  [inf]"
        ),
        "iterations": click.option("--iterations", type=int, help=f"Iterations of each run.  [{iterations}]"),
        "seed": click.option("--seed", type=int, help="Of all randomness, at least 0.  [0]"),
    }

    def add(command: _Command) -> _Command:
        for name in reversed(names or tuple(known)):
            command = known[name](command)
        return command

    return add


def output_options(command: _Command) -> _Command:
    """Add the flags that say how a table is printed."""
    command = click.option("--csv", "form", flag_value="csv", help="Print the table as CSV.")(command)
    return click.option("--json", "form", flag_value="json", help="Print the table as JSON.")(command)


def experiment_from(file: str | None, flags: dict[str, Any], **defaults: Any) -> Experiment:
    """Merge a TOML file and flags; a flag wins over the file, and the file over a command's own defaults."""
    given = defaults | (read_toml(file) if file else {})
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
    """Print a table on stdout, for people or machines; of an index that only counts rows, nothing is shown."""
    if table.columns.nlevels > 1:
        table = table.set_axis([", ".join(names) for names in table.columns], axis="columns")
    if table.index.names == [None]:
        table = table.set_index(table.columns[0])
    if form == "json":
        click.echo(table.reset_index().to_json(orient="records", indent=2))
    elif form == "csv":
        click.echo(table.to_csv().rstrip())
    else:
        from decon.report.tables import text_table

        click.echo(text_table(table))
