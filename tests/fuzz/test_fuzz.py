"""Damaged files: only documented errors of one line, no hang, no memory, no code that runs.

``make fuzz`` reads 23,400 of them, each target in a process of its own, whose address space may grow by a gigabyte.
"""

import ast
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="limits of memory and time are Unix's")

from tests.fuzz import attack
from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).parents[2]
FILES = 2600


@pytest.mark.fuzz
@pytest.mark.parametrize("target", TARGETS)
def test_damaged_files_are_read_or_refused(target):
    call = [sys.executable, "-m", "tests.fuzz.attack", target, str(FILES), "20240607"]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr[-2000:]  # below 0: a crash inside a library, which ends the process
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert sum(found["counts"].values()) == FILES
    assert found["counts"]["refused"] > FILES / 4  # the damage does something
    assert found["counts"]["read"] > FILES / 100  # and not always everything
    assert found["slowest"] < attack.SECONDS


@pytest.mark.parametrize("target", TARGETS)
def test_a_few_damaged_files(target):
    before = signal.signal(signal.SIGALRM, attack.late)
    try:
        found = attack.main(target, 40, 5, limited=False)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert found["wrong"] == []


def test_a_reader_that_goes_wrong_is_seen(tmp_path, monkeypatch):
    """The harness itself: a raw error, a message of two lines, a hang, memory and code that runs."""
    monkeypatch.setattr(attack, "SECONDS", 0.2)
    before = signal.signal(signal.SIGALRM, attack.late)

    def wrong(read):
        errors = TARGETS["tables"].errors
        monkeypatch.setitem(attack.TARGETS, "wrong", TARGETS["tables"]._replace(read=read, errors=errors))
        return attack.one("wrong", tmp_path)[0]

    def full(path):
        try:
            raise MemoryError
        except MemoryError:
            raise TARGETS["tables"].errors[0]("no room") from None

    def forever(path):
        while True:
            pass

    def two_lines(path):
        raise TARGETS["tables"].errors[0]("one\ntwo")

    try:
        assert wrong(lambda path: 1 / 0) == "raw error"
        assert wrong(two_lines) == "more than one line"
        assert wrong(full) == "memory"
        assert wrong(forever) == "slow"
        assert wrong(lambda path: 1) == "read"
    finally:
        signal.signal(signal.SIGALRM, before)
    # the audit hook cannot be taken off again, so it is set in a process of its own
    code = """
import pathlib, pickle, signal, sys
from tests.fuzz import attack
sys.addaudithook(attack.audit)
signal.signal(signal.SIGALRM, attack.late)
attack.TARGETS["x"] = attack.TARGETS["tables"]._replace(read=lambda path: pickle.loads(pickle.dumps(ValueError)))
sys.stdout.write(attack.one("x", pathlib.Path())[0])
"""
    seen = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert seen.stdout == "pickle.find_class"


def test_nothing_unpickles_or_evaluates():
    """No module of ours imports a pickle, calls eval or exec, or lets another library read a pickle."""
    for file in sorted(
        file for package in ("topologies", "analysis", "decon") for file in (ROOT / package).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            where = f"{file}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = {getattr(node, "module", None), *(alias.name for alias in node.names)}
                assert names.isdisjoint({"pickle", "dill", "cloudpickle", "marshal", "shelve"}), where
            elif isinstance(node, ast.Call):
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                whose = getattr(getattr(node.func, "value", None), "id", "")
                assert called not in ("eval", "exec", "read_pickle"), where
                assert (whose, called) != ("joblib", "load"), where
                allowed = [given.value for given in node.keywords if given.arg == "allow_pickle"]
                assert all(getattr(value, "value", True) is False for value in allowed), where
