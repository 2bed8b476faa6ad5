"""Files: what is written is read back; what is broken is refused in one line."""

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp

import topologies
from topologies import Topology, TopologyError

SUFFIXES = [".graphml", ".gml", ".edgelist", ".txt", ".json", ".npz"]


def samples():
    rng = np.random.default_rng(5)
    plain = topologies.make("erdos_renyi", 12, seed=1)
    yield plain
    yield Topology.from_edges(12, plain.edges, rng.lognormal(size=plain.n_edges), labels=list("zyxwvutsrqpo"))
    yield topologies.make("davis_women")  # labels with blanks
    yield topologies.make("les_miserables")
    mixed = ['é "&<', 7, -3, "0"]
    yield Topology.from_edges(4, [[0, 3], [3, 1], [1, 2]], [0.1, 1 / 3, 1e-30], labels=mixed)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("topo", list(samples()), ids=lambda t: t.name)
def test_round_trip(tmp_path, topo, suffix):
    path = tmp_path / f"net{suffix}"
    topologies.write(topo, path)
    back = topologies.read(path)
    assert back.labels == topo.labels
    assert [type(label) for label in back.labels] == [type(label) for label in topo.labels]
    np.testing.assert_array_equal(back.edges, topo.edges)
    np.testing.assert_array_equal(back.weights, topo.weights)  # repr and npz keep every bit
    assert back.name == "net"


def test_other_programs_files(tmp_path):
    graph = nx.karate_club_graph()
    nx.write_graphml(graph, tmp_path / "a.graphml")
    nx.write_gml(graph, tmp_path / "a.gml")
    nx.write_weighted_edgelist(graph, tmp_path / "a.edgelist")
    sp.save_npz(tmp_path / "a.npz", nx.to_scipy_sparse_array(graph, format="coo"))
    expected = Topology(graph).adjacency.toarray()
    for suffix in (".graphml", ".gml", ".edgelist", ".npz"):
        np.testing.assert_array_equal(topologies.read(tmp_path / f"a{suffix}").adjacency.toarray(), expected)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff\xfe junk", b"{]", b"<graphml>", b"graph [", b"[1, 2]", b'{"nodes": 3}', b"PK\x03\x04"]
)
def test_damaged(tmp_path, suffix, content):
    if suffix in (".txt", ".edgelist") and len(content.split()) == 2:
        pytest.skip("two words are an edge")
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    with pytest.raises(TopologyError, match=f"cannot read bad{suffix}") as caught:
        topologies.read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text, message",
    [
        ("0 1\n2 3\n", "disconnected"),
        ("0 1\n1 1\n", "self-loop"),
        ("0 1 -2\n", "weight -2"),
        ("0 1 nan\n", "weight nan"),
        ("0 1 inf\n", "weight inf"),
        ("0 1 heavy\n", "heavy"),
        ("0 1\n1 0\n", "more than once"),
        ("0 1 2 3\n", "line 1 has 4"),
        ("# nothing\n", "no edges"),
        ('# agents: ["a", "b"]\na c\n', "c"),
    ],
)
def test_hostile_edge_lists(tmp_path, text, message):
    path = tmp_path / "bad.txt"
    path.write_text(text)
    with pytest.raises(TopologyError, match=message):
        topologies.read(path)


@pytest.mark.parametrize("kind", [nx.DiGraph, nx.MultiGraph])
def test_directed_and_parallel(tmp_path, kind):
    graph = kind([(0, 1), (0, 1), (1, 0), (1, 2)])
    nx.write_gml(graph, tmp_path / "g.gml")
    nx.write_graphml(graph, tmp_path / "g.graphml")
    for suffix in ("gml", "graphml"):
        with pytest.raises(TopologyError, match="undirected and simple"):
            topologies.read(tmp_path / f"g.{suffix}")


def test_npz_must_be_a_symmetric_matrix(tmp_path):
    sp.save_npz(tmp_path / "a.npz", sp.csr_array(np.triu(np.ones((3, 3)))))
    with pytest.raises(TopologyError, match="not symmetric"):
        topologies.read(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=np.array([{}], dtype=object))
    with pytest.raises(TopologyError, match=r"cannot read b.npz"):
        topologies.read(tmp_path / "b.npz")


def test_unknown_suffix_missing_file_and_labels(tmp_path):
    with pytest.raises(TopologyError, match=r"'.xlsx'.*known"):
        topologies.read(tmp_path / "a.xlsx")
    with pytest.raises(TopologyError, match="No such file"):
        topologies.read(tmp_path / "missing.gml")
    with pytest.raises(TopologyError, match="labels only"):
        topologies.write(Topology(nx.grid_2d_graph(2, 2)), tmp_path / "a.gml")
    with pytest.raises(TopologyError, match="same as text"):
        topologies.write(Topology(nx.Graph([(1, "1")])), tmp_path / "a.gml")
    with pytest.raises(TopologyError, match="cannot hold"):
        topologies.write(Topology(nx.Graph([("a\tb", "c")])), tmp_path / "a.txt")


@pytest.mark.parametrize(
    "text, labels, weights",
    [
        ("\ufeff0 1\n1 2\n2 3\n3 0\n", (0, 1, 2, 3), [1, 1, 1, 1]),  # a byte-order mark
        ("0\t1\t\n1\t2\t\n2\t0\t\n", (0, 1, 2), [1, 1, 1]),  # an empty last column
        ("0 1 {}\n0 3 {}\n1 2 {}\n2 3 {}\n", (0, 1, 2, 3), [1, 1, 1, 1]),  # networkx.write_edgelist
        ("0 1 {'weight': 2.5}\n1 2 {'weight': 0.5}\n", (0, 1, 2), [2.5, 0.5]),
        ("0 1\n1 2 # the last link\n2 0\n", (0, 1, 2), [1, 1, 1]),
        ("001 002\n002 003\n003 001\n", ("001", "002", "003"), [1, 1, 1]),  # ids are text as written
        ("1\t 2 \n2 \t3\n", (1, 2, 3), [1, 1]),  # blanks around separators
        ("a#1 b\r\nb c\r\n", ("a#1", "b", "c"), [1, 1]),  # a # inside a label is no comment
    ],
)
def test_an_edge_list_reads_as_the_graph_it_says(tmp_path, text, labels, weights):
    file = tmp_path / "given.edgelist"
    file.write_bytes(text.encode())
    topo = topologies.read(file)
    assert topo.labels == labels
    assert topo.weights.tolist() == weights


@pytest.mark.parametrize("line", ["0 1 {'weight': 'much'}", "0 1 {1, 2}", "0 1 2 3", "0", "0 1 x"])
def test_a_line_that_is_no_edge_is_refused_by_its_number(tmp_path, line):
    file = tmp_path / "given.edgelist"
    file.write_text(f"0 1\n{line}\n")
    with pytest.raises(topologies.TopologyError, match="line 2"):
        topologies.read(file)


GRAPHML = (
    '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><key id="w" for="edge" attr.name="weight" '
    'attr.type="double"><default>4.0</default></key><graph edgedefault="undirected">{}</graph>{}</graphml>'
)
TRIANGLE = '<node id="a"/><node id="b"/><edge source="a" target="b"/>'


def given(folder, name, text):
    (folder / name).write_bytes(text.encode())
    return folder / name


def test_what_a_key_defaults_to_is_every_edges_weight(tmp_path):
    topo = topologies.read(given(tmp_path, "g.graphml", "\ufeff" + GRAPHML.format(TRIANGLE, "")))
    assert topo.weights.tolist() == [4.0]


@pytest.mark.parametrize(
    "body, more, named",
    [
        (TRIANGLE + '<edge source="b" target="z"/>', "", "'z'"),
        (TRIANGLE + '<node id="a"/>', "", "'a' is declared twice"),
        (TRIANGLE + '<edge source="b" target="a"/>', "", "simple"),
        (TRIANGLE, '<graph edgedefault="undirected"/>', "2 graphs"),
        (TRIANGLE + '<node id="c"><graph edgedefault="undirected"/></node>', "", "2 graphs"),
    ],
)
def test_graphml_that_cannot_be_read_faithfully_is_refused(tmp_path, body, more, named):
    with pytest.raises(TopologyError, match=named):
        topologies.read(given(tmp_path, "g.graphml", GRAPHML.format(body, more)))


D3 = '{{"nodes": [{{"id": "a"}}, {{"id": "b"}}, {{"id": "c"}}], "links": [{}]}}'
LINK = '{{"source": "{}", "target": "{}", "value": {}}}'


def test_d3s_links_are_read_with_the_attribute_that_is_named(tmp_path):
    file = given(tmp_path, "g.json", D3.format(", ".join(LINK.format(*ends) for ends in ("ab2", "bc1", "ca1"))))
    assert topologies.read(file).weights.tolist() == [1.0, 1.0, 1.0]
    assert sorted(topologies.read(file, weight="value").weights.tolist()) == [1.0, 1.0, 2.0]
    with pytest.raises(TopologyError, match="'cost'"):
        topologies.read(file, weight="cost")


@pytest.mark.parametrize("links, named", [(("ab1", "bc1", "cz1"), "'z'"), (("ab1", "bc1", "cb2"), "given twice")])
def test_json_that_cannot_be_read_faithfully_is_refused(tmp_path, links, named):
    with pytest.raises(TopologyError, match=named):
        topologies.read(given(tmp_path, "g.json", D3.format(", ".join(LINK.format(*ends) for ends in links))))


def test_a_number_and_its_text_are_two_nodes(tmp_path):
    text = '{"nodes": [{"id": 0}, {"id": 1}], "edges": [{"source": 0, "target": 1}, {"source": 1, "target": "0"}]}'
    with pytest.raises(TopologyError, match="'0'"):
        topologies.read(given(tmp_path, "g.json", text))


def test_gml_in_utf8_with_a_weight_of_another_name(tmp_path):
    text = '\ufeffgraph [ node [ id 0 label "Jörn" ] node [ id 1 label "b" ] edge [ source 0 target 1 value 4 ] ]'
    file = given(tmp_path, "g.gml", text)
    assert topologies.read(file).labels == ("Jörn", "b")
    assert topologies.read(file, weight="value").weights.tolist() == [4.0]
