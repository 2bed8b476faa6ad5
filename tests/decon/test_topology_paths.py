"""A graph file may stand wherever a topology's name does, colons in its path included."""

import pytest
from click.testing import CliRunner

import topologies
from decon.cli import app
from decon.errors import DataError, OptionError
from decon.spec.experiment import Experiment
from decon.spec.problems import problem_words


def made(words):
    (topo,) = Experiment(topologies=(words,), agents=20).build_topologies().values()
    return topo


@pytest.mark.parametrize("name", [r"C:\nets\g.gml", "a:b/g.edgelist", "run:1.json", "x:y=1/g.graphml", "plain.npz"])
def test_a_path_with_a_colon_is_a_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    topologies.write(topologies.make("petersen"), name)
    assert made(name).n == 10  # Petersen's graph, not the 20 agents asked of families


@pytest.mark.parametrize("text, n", [("erdos_renyi:n=12,p=0.5", 12), ("erdos_renyi:p=0.5", 20), ("ring", 20)])
def test_words_are_still_words(tmp_path, monkeypatch, text, n):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ring").write_text("a file that happens to be here\n")
    assert made(text).n == n


def test_a_missing_file_is_named_as_one():
    with pytest.raises(topologies.TopologyError, match=r"g\.gml.*No such file"):
        made(r"C:\nets\g.gml")


@pytest.mark.parametrize("name", ["A" * 5000, "nets/" + "A" * 300, "a" * 300 + ".gml", "\0.gml"])
def test_a_name_that_no_system_takes_is_refused_as_a_name(name):
    with pytest.raises((topologies.TopologyError, OptionError)) as caught:
        made(name)
    assert "\n" not in str(caught.value)
    with pytest.raises((DataError, OptionError)):
        problem_words(name, None, "iid", 1.0, 5.0)


@pytest.mark.parametrize("flag", ["--out", "--checkpoint"])
def test_a_place_with_such_a_name_is_refused_before_any_work(tmp_path, flag):
    done = CliRunner().invoke(app, ["solve", flag, str(tmp_path / ("A" * 300)), "--iterations", "1"])
    assert done.exit_code == 2
    assert "cannot write to" in done.output
    assert not list(tmp_path.iterdir())
