"""The flags that commands share, and what they turn into."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import click

from decon.spec.defaults import ATTACK
from decon.spec.experiment import Experiment, read_toml
from decon.spec.grammar import liars_in_words

if TYPE_CHECKING:
    import pandas as pd

    from topologies import Topology

__all__ = ["experiment_from", "one_topology", "output_options", "problem_options", "show", "topology_option"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

_FLAGS: dict[str, tuple[Any, str]] = {
    "agents": (int, "Agents n, for families without a fixed size."),
    "data": (
        str,
        "diabetes, wine, breast_cancer, digits, covertype, mnist; synthetic:dim=5,samples=20; "
        "quadratics:dim=5,condition=10; mine.csv (columns agent, features, target); or a folder of shards.",
    ),
    "cost": (str, "Over the data's samples: least_squares, huber:delta=1, logistic or softmax.  [by the task]"),
    "split": (str, "How data go to agents: iid, label or dirichlet."),
    "alpha": (float, "Of --split dirichlet, above 0; small is uneven."),
    "ridge": (float, "Curvature added to each cost, (ridge/2)‖x‖²."),
    "method": (str, "Who computes what: admm, or a class of yours (--use)."),
    "penalty": (str, "c > 0, in units of curvature; or auto, certified, theorem3, exact."),
    "byzantine": (str, "Falsifying agents, up to half: how many (3), which share (0.2), or a list (4,7 or ann,bob)."),
    "attack": (str, f"What they send: name:option=value,… of `decon attacks`.  [{ATTACK} if there are any]"),
    "strength": (float, "Scales the error of the attack."),
    "screening": (
        str,
        "How messages are judged: consistency, profiling, road:threshold=50, median_distance or none.  [none]",
    ),
    "dual-bound": (float, "P2's λ > 0 on every entry of every dual, in units of the gradient."),
    "local-step": (
        str,
        "exact, or stochastic[:scale=…,sigma=…,batch_size=…]: minibatches of 32 and σ^k = ℓ√k unless given.",
    ),
    "x0": (str, "normal: start from N(0, 1).  [zeros]"),
    "alpha0": (str, "normal: multipliers from N(0, 1), centred.  [zeros]"),
    "iterations": (int, "Iterations of each run."),
    "tol": (float, "Stop at this mean distance to the minimiser, in units of x.  [never]"),
    "record-every": (int, "Iterations between entries of the history."),
    "precision": (click.Choice(["double", "single"]), "Of messages and duals."),
    "seed": (int, "Of all randomness, at least 0."),
}


def problem_options(*names: str, **defaults: Any) -> Callable[[_Command], _Command]:
    """Return what adds the flags ``names`` (all unless given) of a problem; each is also a TOML key of that name.

    Defaults are those of :class:`decon.Experiment`, but for a command's own.
    """
    standard = {field.name: field.default for field in fields(Experiment)} | defaults

    def add(command: _Command) -> _Command:
        command = click.option(
            "--use", multiple=True, type=click.Path(), help="A Python file whose decon.register names your classes."
        )(command)
        for name in reversed(names or tuple(_FLAGS)):
            kind, text = _FLAGS[name]
            default = standard[name.replace("-", "_")]
            shown = f"{default:g}" if isinstance(default, (int, float)) else default
            told = text if default is None else f"{text}  [{shown}]"
            command = click.option(f"--{name}", type=kind, help=told)(command)
        return command

    return add


def topology_option(default: str | None) -> Callable[[_Command], _Command]:
    """Return what adds the flag of one topology."""
    shown = f"  [{default}]" if default else ""
    text = f'A family, e.g. "erdos_renyi:p=0.4", or a graph file.{shown}'
    return click.option("--topology", default=None, help=text)


def output_options(command: _Command) -> _Command:
    """Add the flags that say how a table is printed."""
    command = click.option("--csv", "form", flag_value="csv", help="Print the table as CSV.")(command)
    return click.option("--json", "form", flag_value="json", help="Print the table as JSON.")(command)


def experiment_from(file: str | None, flags: dict[str, Any], **defaults: Any) -> Experiment:
    """Merge a TOML file and flags; a flag wins over the file, and the file over a command's own defaults."""
    given = read_toml(file) if file else {}
    if "topology" not in given:
        given = defaults | given
    else:
        given = {key: value for key, value in defaults.items() if key != "topologies"} | given
    told: dict[str, Any] = {key: list(value) if isinstance(value, tuple) else value for key, value in flags.items()}
    told = {key: value for key, value in told.items() if value not in (None, [])}
    if "topologies" in told:
        given.pop("topology", None)
    if "byzantine" in told:
        told["byzantine"] = liars_in_words(told["byzantine"])
    return Experiment.from_mapping(given | told, file or "command line")


def one_topology(
    file: str | None, topology: str | None, flags: dict[str, Any], **defaults: Any
) -> tuple[Experiment, Topology]:
    """Merge file and flags into an experiment on one topology."""
    if topology:
        flags["topologies"] = (topology,)
    experiment = experiment_from(file, flags, **defaults)
    return experiment, experiment.build_topology()


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
