"""The recipes of docs/architecture.md run as written, and the house keeps its size."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import decon
import topologies
from decon.cli import main
from decon.spec.objects import make
from decon.spec.registry import registry, use
from tests import contracts
from tests.contracts import Case

ROOT = Path(__file__).parents[1]
RECIPES = sorted((ROOT / "docs" / "recipes").glob("*.py"))


def command(recipe):
    """Return the arguments of the command that stands in a recipe's docstring."""
    return ast.get_docstring(ast.parse(recipe.read_text(encoding="utf-8"))).splitlines()[-1].split()[1:]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.stem)
def test_a_recipe_is_short_and_its_command_runs(recipe, tmp_path, monkeypatch, capsys):
    assert len(recipe.read_text(encoding="utf-8").splitlines()) < 40
    arguments = command(recipe)
    place = arguments.index("--use") + 1
    assert arguments[place] == str(recipe.relative_to(ROOT))
    arguments[place] = str(recipe)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["decon", *arguments])
    main()
    assert capsys.readouterr().out
    assert recipe.name in (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
def used():
    for recipe in RECIPES:
        use(recipe)


def test_the_recipes_do_what_they_say():
    topo, costs = topologies.make("complete", 8), decon.datasets.quadratics(range(8), dim=2)
    lie = decon.solve(topo, costs, byzantine=2, attack=make("attack", "mirror:factor=2"), iterations=1)
    assert lie.error_norm[-1] > 0
    kept = decon.solve(topo, costs, screening=make("screening", "nearest:share=0.5"), iterations=3)
    ends = np.bincount(np.concatenate([kept.severed["i"], kept.severed["j"]]), minlength=8)
    assert ends.max() > 0
    run = decon.solve(topo, costs, method=make("method", "descent:step=0.002"), iterations=4000)
    # DGD with a constant step ends at the minimiser of Σ f_i + ‖(I - W)^½ x‖²/(2 step): near x*, not at it
    assert 0 < run.distance[-1] < 0.05
    assert topologies.make("ladder", 12, rungs=2).n_edges == 10 + 3
    with pytest.raises(topologies.TopologyError, match="even n"):
        topologies.make("ladder", 7)


@pytest.mark.parametrize("check", contracts.ABOUT_COSTS, ids=lambda check: check.__name__)
def test_the_recipes_cost_keeps_the_contracts_of_costs(check):
    check(contracts.over_samples(registry("cost")["LogCosh"]))


def test_a_run_on_the_recipes_cost_ends_where_its_slopes_cancel():
    costs = contracts.over_samples(registry("cost")["LogCosh"])
    run = decon.solve(topologies.make("complete", costs.n), costs, penalty=1.0, iterations=400)
    target = decon.minimizer(costs)
    assert np.abs(costs.gradient(np.broadcast_to(target, (costs.n, costs.dim))).sum(axis=0)).max() < 1e-6
    np.testing.assert_allclose(run.x, np.broadcast_to(target, run.x.shape), atol=1e-6)  # the solver's tolerance


@pytest.mark.parametrize("check", contracts.RUNS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("what", "words"), [("attack", "mirror"), ("screening", "nearest"), ("method", "descent")])
def test_the_recipes_keep_the_contracts(what, words, check, tmp_path):
    case = Case(**{what: make(what, words)})
    if contracts.applies(check, case) and not (
        what == "method" and "cut" in check.__name__
    ):  # its weights know all degrees
        check(case, tmp_path)


@pytest.mark.mpi
def test_a_users_method_and_attack_over_mpi_are_those_of_one_process(tmp_path):
    flags = ["--use", str(ROOT / "docs/recipes/method.py"), "--use", str(ROOT / "docs/recipes/attack.py")]
    flags += ["--method", "descent:step=0.01", "--attack", "mirror", "--byzantine", "2", "--topology", "torus"]
    flags += ["--agents", "12", "--data", "quadratics:dim=2", "--iterations", "60", "--screening", "road:threshold=90"]
    from tests.decon.distributed.test_mpi import mpiexec

    for name, engine in (("local", []), ("mpi", ["--engine", "mpi"])):
        arguments, options = mpiexec(
            2 if engine else 1,
            "-m",
            "decon",
            "solve",
            *flags,
            *engine,
            "--out",
            name,
            capture_output=True,
            cwd=tmp_path,
        )
        done = subprocess.run(arguments, check=False, timeout=300, **options)
        assert done.returncode == 0, done.stderr
    local, shared = decon.Result.load(tmp_path / "local"), decon.Result.load(tmp_path / "mpi")
    np.testing.assert_allclose(shared.x, local.x, rtol=1e-12, atol=1e-12)  # sums over neighbours in another order
    np.testing.assert_array_equal(shared.severed, local.severed)


def test_no_file_is_over_300_lines_and_no_function_body_over_60():
    long = []
    for package in ("decon", "topologies", "analysis"):
        for file in sorted((ROOT / package).rglob("*.py")):
            text = file.read_text(encoding="utf-8")
            if len(text.splitlines()) > 300:
                long.append(f"{file.relative_to(ROOT)}: {len(text.splitlines())} lines")
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef):
                    body = node.body[1:] if ast.get_docstring(node) else node.body
                    if body and (lines := body[-1].end_lineno - body[0].lineno + 1) > 60:
                        long.append(f"{file.relative_to(ROOT)}: {node.name} has {lines} lines")
    assert not long
