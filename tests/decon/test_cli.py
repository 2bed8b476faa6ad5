"""The command line as a user meets it: output, files, exit codes, one line for bad input."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pandas as pd
import pytest

import topologies
from decon import Profiling, attacks
from decon.attacks import Attack
from decon.cli import app, main
from decon.cli.flags import show
from decon.errors import OptionError
from decon.spec.experiment import Experiment
from decon.spec.grammar import parse
from decon.spec.networks import make_topology
from decon.spec.objects import attack_names, make_attack, make_screening

QUICK = ["--topology", "ring", "--topology", "complete", "--agents", "6", "--iterations", "40", "--penalty", "2"]


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *args: str) -> tuple[int, str, str]:
    """Run the command line in this process; return exit code, stdout, stderr."""
    monkeypatch.setattr(sys, "argv", ["decon", *args])
    code = 0
    try:
        main()
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def decon(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    monkeypatch.chdir(tmp_path)
    return lambda *args: run(capsys, monkeypatch, *args)


def test_compare_prints_a_table_and_writes_table_and_figure(decon, tmp_path: Path) -> None:
    code, out, err = decon("compare", *QUICK, "--byzantine", "1")
    assert code == 0
    assert "ring" in out
    assert "complete" in out
    assert "decon-compare/table.csv" in err
    table = pd.read_csv(tmp_path / "decon-compare" / "table.csv", index_col=0)
    assert table.index.tolist() == ["ring", "complete"]
    assert (tmp_path / "decon-compare" / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_machine_formats_hold_the_same_numbers(decon) -> None:
    _, as_json, _ = decon("compare", *QUICK, "--json", "--byzantine", "0")
    _, as_csv, _ = decon("compare", *QUICK, "--csv", "--byzantine", "0")
    records = json.loads(as_json)
    assert [row["topology"] for row in records] == ["ring", "complete"]
    table = pd.read_csv(io.StringIO(as_csv))
    for name in ("n", "connectivity", "rate", "final_error"):
        # JSON is printed with ten digits
        assert table[name].tolist() == pytest.approx([row[name] for row in records], rel=1e-9, abs=1e-10)


def test_toml_says_what_flags_say(decon, tmp_path: Path) -> None:
    (tmp_path / "experiment.toml").write_text(
        'topologies = ["ring", "complete"]\nagents = 6\niterations = 40\npenalty = 2\nbyzantine = 0\n'
    )
    _, from_file, _ = decon("compare", "experiment.toml", "--csv")
    _, from_flags, _ = decon("compare", *QUICK, "--csv", "--byzantine", "0")

    def settled(text: str) -> list[str]:
        return [line.rpartition(",")[0] for line in text.splitlines()]  # the last column is seconds

    assert settled(from_file) == settled(from_flags)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('topologys = ["ring"]', "unknown key 'topologys'; did you mean 'topologies'?"),
        ("agents = 2.5", "agents must be an integer, not 2.5"),
        ('topologies = "ring"', "topologies must be a list of strings"),
        ("agents = ", "is not TOML"),
    ],
)
def test_bad_toml_is_one_line_and_exit_code_2(decon, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.toml").write_text(text)
    code, out, err = decon("compare", "bad.toml")
    assert code == 2
    assert out == ""
    assert message in err
    assert "bad.toml" in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["compare", "--topology", "rung"], "unknown family 'rung'"),
        (["compare", "--topology", "nothing.graphml"], "nothing.graphml"),
        (["compare", "missing.toml"], "missing.toml"),
        (["solve", "--attack", "gausian"], "did you mean 'gaussian'?"),
        (["solve", "--attack", "gaussian:mu=1"], "has no parameter 'mu'"),
        (["solve", "--attack", "sign_flip:scale=big"], "SignFlip: scale must be a negative finite number, not 'big'"),
        (["solve", "--attack", "sign_flip:start=later"], "start must be a whole number of at least 1, not 'later'"),
        (["solve", "--screening", "profilling"], "did you mean 'profiling'?"),
        (["solve", "--screening", "profiling:warm=1"], "has no parameter 'warm'"),
        (["solve", "--screening", "profiling:warmup=soon"], "not 'soon'"),
        (["reproduce", "p3"], "No such command"),
        (["reproduce", "p1", "--seeds", "0"], "0 is not in the range"),
        (["solve", "--penalty", "tight"], "unknown penalty 'tight'"),
        (["solve", "--byzantine", "15"], "15 of 20 agents"),
        (["solve", "--data", "irises"], "irises"),
        (["solve", "--data", "quadratic:dim=3"], "did you mean 'quadratics'?"),
        (["solve", "--data", "quadratics:dims=3"], "did you mean 'dim'?"),
        (["solve", "--data", "quadratics:dim=3", "--ridge", "1"], "ridge is for data sets"),
        (["solve", "--split", "odd"], "odd"),
        (["solve", "--agents", "many"], "'many' is not a valid integer"),
        (["solve", "--dual-bound", "-1"], "dual bound must be positive"),
        (["nonsense"], "No such command"),
    ],
)
def test_bad_flags_give_one_clear_line_and_exit_code_2(decon, args: list[str], message: str) -> None:
    code, _, err = decon(*args)
    assert code == 2
    assert message in err
    assert "Traceback" not in err


def test_solve_prints_saves_and_fails_loudly(decon, tmp_path: Path) -> None:
    code, out, err = decon("solve", "--agents", "6", "--penalty", "2", "--byzantine", "0", "--out", "run")
    assert code == 0
    assert "status           completed" in out
    assert "run.npz" in err
    assert (tmp_path / "run.json").exists()
    code, out, _ = decon("solve", "--agents", "6", "--penalty", "2", "--byzantine", "1", "--attack", "non_finite")
    assert code == 1
    assert "non-finite message at iteration 1" in out


def test_solve_prints_the_detection_report(decon) -> None:
    args = (
        "solve",
        "--topology",
        "complete",
        "--agents",
        "8",
        "--penalty",
        "2",
        "--byzantine",
        "2",
        "--iterations",
        "60",
    )
    code, out, _ = decon(*args, "--attack", "outlier", "--screening", "profiling")
    assert code == 0
    assert "12 of 12 found, 0 of 15 wrongly" in out  # 2 liars with 6 honest neighbours each
    assert "connected at the end" in out
    assert len(re.findall(r"\bright\b", out)) == 12
    _, out, _ = decon(*args, "--attack", "outlier")
    assert "found" not in out


def test_report_prints_a_saved_run_again(decon, tmp_path: Path) -> None:
    flags = ["--topology", "complete", "--agents", "8", "--penalty", "2", "--byzantine", "1", "--iterations", "60"]
    _, first, _ = decon("solve", *flags, "--screening", "profiling", "--out", "run")
    code, again, _ = decon("report", "run", "--figure", "run.png")
    assert code == 0
    assert again == first
    assert (tmp_path / "run.png").exists()
    code, _, err = decon("report", "nothing")
    assert code == 2
    assert "no result at nothing.json" in err


def test_listings_name_everything(decon) -> None:
    _, out, _ = decon("topologies")
    assert [line.split()[0] for line in out.splitlines()] == list(topologies.families())
    _, out, _ = decon("attacks")
    assert {"gaussian", "sign_flip", "non_finite", "same_value", "none"} <= {
        line.split()[0] for line in out.splitlines()
    }


@pytest.mark.parametrize("command", ["compare", "solve"])
def test_help_shows_an_example(decon, command: str) -> None:
    code, out, _ = decon(command, "--help")
    assert code == 0
    assert f"decon {command} --topology" in out


def test_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "decon", "--version"], capture_output=True, text=True, check=False)
    assert "version" in done.stdout or "not installed" in done.stderr


@pytest.mark.parametrize(
    ("text", "attack"),
    [
        ("none", attacks.NoAttack()),
        ("gaussian:mean=1,std=2", attacks.Gaussian(1, 2)),
        ("non_finite:value=inf", attacks.NonFinite(float("inf"))),
        ("constant:value=(1, 2)", attacks.Constant((1, 2))),
        ("sign_flip:scale=-8,start=10,every=2", attacks.Scheduled(attacks.SignFlip(-8), 10, None, 2)),
        ("gaussian:decay=0.5", attacks.Decaying(attacks.Gaussian(), 0.5)),
    ],
)
def test_attacks_in_words(text: str, attack: Attack) -> None:
    assert make_attack(text) == attack


def test_screening_rules_in_words() -> None:
    assert make_screening(None) is None
    assert make_screening("none") is None
    assert make_screening("profiling") == Profiling()
    assert make_screening("profiling:warmup=7,threshold=1") == Profiling(warmup=7, threshold=1.0)


def test_every_attack_has_a_name_and_defaults() -> None:
    for name in attack_names():
        assert isinstance(make_attack(name), Attack)


def test_reproductions_print_what_they_found(decon, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def p1(out: Path, seeds: range, *, quick: bool) -> tuple[None, pd.DataFrame]:
        asked.append((out, list(seeds), quick))
        return None, pd.DataFrame({"passed": [False], "measured": ["numbers"]}, index=["the claim"])

    def phase(out: Path, seeds: range, *, quick: bool, jobs: int) -> tuple[None, pd.DataFrame, None]:
        asked.append((out, list(seeds), quick, jobs))
        return None, pd.DataFrame({"any_strength": [2]}, index=pd.Index(["ring"], name="topology")), None

    monkeypatch.setattr("decon.reproduce.p1.p1", p1)
    monkeypatch.setattr("decon.reproduce.phase.phase", phase)
    code, out, _ = decon("reproduce", "p1", "--seeds", "2", "--quick", "--out", "here")
    assert code == 0  # a claim that is not borne out is a finding, not a failure
    assert re.search(r"NOT PASSED +the claim\n +numbers", out)
    code, out, _ = decon("reproduce", "phase", "--jobs", "1", "--csv")
    assert code == 0
    assert out == "topology,any_strength\nring,2\n"
    assert asked == [(Path("here"), [0, 1], True), (Path("decon-reproduce"), [0, 1, 2], False, 1)]


def test_topologies_in_words_and_files(tmp_path: Path) -> None:
    assert make_topology("circulant:offsets=(1, 3)", 9, 0).n == 9
    assert make_topology("ring:n=4", 9, 0).n == 4
    assert make_topology("petersen", 20, 0).n == 10
    path = tmp_path / "mine.graphml"
    topologies.write(topologies.make("star", 5), path)
    assert make_topology(str(path), 20, 0).n_edges == 4


def test_malformed_words_are_named() -> None:
    with pytest.raises(OptionError, match="'p' is not key=value"):
        parse("erdos_renyi:p")
    with pytest.raises(OptionError, match="must be a string"):
        Experiment.from_mapping({"attack": 3}, "flags")


@pytest.mark.parametrize("args", [["solve", "--agents", "x"], ["no-such-command"], ["sweep"]])
def test_wrong_usage_is_one_line_too(decon, args: list[str]) -> None:
    code, out, err = decon(*args)
    assert (code, out) == (2, "")
    assert err.startswith("decon: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "args",
    [
        ["compare", "--out", "taken/here"],
        ["compare", "--out", "taken"],
        ["solve", "--out", "taken/run"],
        ["solve", "--out", "."],
        ["solve", "--checkpoint", "taken/state"],
        ["solve", "--checkpoint", "/proc/state"],
        ["report", "run", "--figure", "taken/run.png"],
        ["verify", "--out", "taken/here"],
        ["design", "--out", "taken/better"],
        ["sweep", "study.toml", "--out", "taken/rows"],
        ["reproduce", "p1", "--out", "taken/p1"],
        ["reproduce", "phase", "--out", "taken/phase"],
        ["reproduce", "p2", "--out", "taken/p2"],
        ["reproduce", "p2-graphs", "--out", "taken/p2"],
    ],
    ids=" ".join,
)
def test_a_place_that_cannot_be_written_is_refused_before_any_work(
    decon, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, args: list[str]
) -> None:
    (tmp_path / "taken").write_text("a file, so no folder")
    (tmp_path / "study.toml").write_text("[grid]\nn = 4\n")
    for name in ("compare", "solve", "verify"):
        monkeypatch.setattr(f"decon.{name}", None)  # whoever starts to work fails otherwise
    code, out, err = decon(*args)
    assert (code, out) == (2, "")
    assert err.startswith(f"decon: Invalid value for '{args[-2]}': ")
    assert len(err.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["study.toml", "taken"]


def test_folders_on_the_way_to_a_file_are_made(decon, tmp_path: Path) -> None:
    assert decon("design", "--topology", "path", "--agents", "6", "--edges", "1", "--out", "new/better")[0] == 0
    assert decon("solve", "--agents", "6", "--iterations", "20", "--byzantine", "0", "--out", "also/run")[0] == 0
    assert decon("report", "also/run", "--figure", "third/run.png")[0] == 0
    assert (tmp_path / "new" / "better-added-edges.graphml").exists()
    assert (tmp_path / "third" / "run.png").exists()


@pytest.mark.parametrize("flag", ["--screening", "--dual-bound"])
def test_what_a_command_would_ignore_it_does_not_take(decon, flag: str) -> None:
    for command in ("verify", "design"):
        code, _, err = decon(command, flag, "1")
        assert code == 2
        assert "No such option" in err


def test_verify_takes_a_file_at_its_word(decon, tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text('topologies = ["complete"]\nagents = 5\nbyzantine = 0\niterations = 19\n')
    code, _, err = decon("verify", "one.toml")
    assert code == 2
    assert "not 19" in err  # the file's, not the command's own default


@pytest.mark.parametrize(
    "command", [[], ["compare"], ["solve"], ["report"], ["verify"], ["design"], ["sweep"], ["topologies"], ["attacks"],
                ["reproduce"], *(["reproduce", name] for name in ("p1", "p2", "p2-graphs", "phase"))], ids=" ".join
)  # fmt: skip
def test_every_help_has_an_example_and_a_word_on_every_option(decon, command: list[str]) -> None:
    code, out, _ = decon(*command, "--help")
    assert code == 0
    assert "Example:\n    decon " in out or "Example:\n    printf " in out
    here: click.Command = app
    for name in command:
        assert isinstance(here, click.Group)
        here = here.commands[name]
    assert all(option.help for option in here.params if isinstance(option, click.Option))


def test_attacks_are_listed_with_their_parameters(decon) -> None:
    _, out, _ = decon("attacks")
    assert re.search(r"^gaussian .* Parameters: mean=0.0, std=1.0, replace=False$", out, flags=re.MULTILINE)


def test_compare_says_so_if_a_run_diverged_and_solve_prints_a_few_links(decon) -> None:
    _, out, _ = decon(
        "compare", *QUICK[:2], *QUICK[4:6], "--penalty", "2", "--byzantine", "1", "--attack", "sign_flip:scale=-9"
    )
    assert "diverged" in out
    _, out, _ = decon(
        "solve",
        "--topology",
        "complete",
        "--penalty",
        "1",
        "--iterations",
        "60",
        "--screening",
        "profiling",
        "--byzantine",
        "3",
    )
    assert re.search(r"links severed: +51 of 51 found", out)
    assert "… and 31 more links" in out


def test_headings_of_two_levels_and_bare_counts_are_printed_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    columns = pd.MultiIndex.from_tuples([("average", "alone"), ("worst", "alone")])
    index = pd.MultiIndex.from_tuples([("ring", "gaussian")], names=["graph", "attack"])
    show(pd.DataFrame([[0.75, 0.5]], index=index, columns=columns), "json")
    assert json.loads(capsys.readouterr().out) == [
        {"graph": "ring", "attack": "gaussian", "average, alone": 0.75, "worst, alone": 0.5}
    ]
    show(pd.DataFrame({"claim": ["SGD is worst"], "holds": [True]}), None)
    heading, _, row = capsys.readouterr().out.splitlines()
    assert heading.split() == ["claim", "holds"]
    assert row.split() == ["SGD", "is", "worst", "yes"]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252", "latin-1", "cp437", "cp932"])
def test_commands_write_their_files_and_end_well_whatever_the_output_is_encoded_in(tmp_path, encoding):
    for args in (
        ["solve", "--topology", "complete", "--iterations", "5", "--screening", "profiling", "--out", "run"],
        ["report", "run"],
        ["topologies"],
        ["attacks"],
        ["solve", "--help"],
        ["sweep", "--help"],
    ):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "decon", *args],
            env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(Path(__file__).parents[2])},
            cwd=tmp_path,
            capture_output=True,
            timeout=120,
        )
        assert done.returncode == 0, (args, done.stderr)
    assert (tmp_path / "run.npz").exists()
