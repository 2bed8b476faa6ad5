"""Imports run one way: topologies <- analysis <- decon."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "topologies": {"topologies"},
    "analysis": {"topologies", "analysis"},
    "decon": {"topologies", "analysis", "decon"},
}


def imported(source):
    """Names of all modules imported anywhere in a source text, inside functions included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level if node.level else str(node.module)


def wrong(package, source):
    tops = {name.split(".")[0] for name in imported(source)}
    return (tops & set(ALLOWED)) - ALLOWED[package] | ({"relative import"} if "" in tops else set())


@pytest.mark.parametrize("package", ALLOWED)
def test_no_import_runs_back(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    found = {str(f.relative_to(ROOT)): bad for f in files if (bad := wrong(package, f.read_text(encoding="utf-8")))}
    assert not found


def test_a_wrong_import_is_seen():
    assert wrong("topologies", "def f():\n    from analysis.penalty import x") == {"analysis"}
    assert wrong("analysis", "import numpy, decon.solve as s") == {"decon"}
    assert wrong("decon", "from . import solve") == {"relative import"}
    assert wrong("decon", "import topologies, analysis") == set()
