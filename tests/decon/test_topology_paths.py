"""A graph file may stand wherever a topology's name does, colons in its path included."""

import pytest

import topologies
from decon.spec.experiment import Experiment


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
