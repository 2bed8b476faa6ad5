"""What networkx writes is read as the graph it says, or refused: never as another one."""

import json
import tempfile
from pathlib import Path

import networkx as nx
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import topologies
from topologies import Topology, TopologyError

ODD = [
    "",
    " ",
    "a b",
    "0",
    "00",
    "-0",
    "7",
    "a\u2028b",
    "a\x85b",
    "\x1c",
    "\x01",
    "#",
    "a #b",
    "{}",
    "é",
    "\ufeff",
    "()",
]
ODD += [
    "a,b",
    ";",
    '"',
    "&#38;",
    "&amp;",
    "<",
    "a\tb",
    "a\nb",
    "a\rb",
    "source",
    "NAN",
    "[]",
    "\U0001f600",
    "True",
    "\xa0",
]
TEXT = st.one_of(st.sampled_from(ODD), st.text(max_size=4), st.text("ab 01", max_size=3))
NEAT = TEXT.map(lambda text: text.strip(" \t\r\n\ufeff"))  # blanks round a field, and a first byte-order mark, are none
WHOLE = st.one_of(st.integers(-3, 30), st.integers(-(2**70), 2**70), st.sampled_from([2**31, 2**31 - 1, -(2**31) - 1]))
WEIGHT = st.one_of(st.floats(1e-30, 1e30), st.integers(1, 10), st.integers(2**31, 2**60), st.just(1.0))
NAMES = ["agent", "id", "label", "value", "name", "weight", "source", "data", "key", "agents", "kind"]
EXTRA = st.dictionaries(
    st.sampled_from(NAMES), st.one_of(st.integers(0, 9), st.text("abc", max_size=2), st.floats(0, 1))
)


@st.composite
def graphs(draw, labels):
    """Trees with a few more edges, over all kinds of labels, with attributes that take other names' places."""
    nodes = draw(st.lists(labels, min_size=2, max_size=7, unique_by=str))
    graph = nx.Graph()
    for node in nodes:
        graph.add_node(node, **draw(EXTRA))
    pairs = [(nodes[draw(st.integers(0, i - 1))], nodes[i]) for i in range(1, len(nodes))]
    pairs += draw(st.lists(st.tuples(*[st.sampled_from(nodes)] * 2).filter(lambda p: p[0] != p[1]), max_size=4))
    for u, v in pairs:
        graph.add_edge(u, v, **draw(EXTRA))
        graph.edges[u, v].pop("weight", None)
        if draw(st.booleans()):
            graph.edges[u, v]["weight"] = draw(WEIGHT)
    return graph


def said(graph, label):
    """Edges and weights as the file has them, agents by ``label`` of the node."""
    return {frozenset((label(u), label(v))): float(w) for u, v, w in graph.edges(data="weight", default=1.0)}


def found(topo):
    labels = topo.labels
    return {
        frozenset((labels[u], labels[v])): w
        for (u, v), w in zip(topo.edges.tolist(), topo.weights.tolist(), strict=True)
    }


def dumped(data):
    return lambda graph, file: Path(file).write_text(json.dumps(data(graph)), encoding="utf-8")


def table(graph, file):
    nx.to_pandas_edgelist(graph)[["source", "target"] + ["weight"] * any_weight(graph)].to_csv(file, index=False)


def any_weight(graph):
    return any("weight" in found for _, _, found in graph.edges(data=True))


TYPED = {
    "node-link.json": dumped(lambda graph: nx.node_link_data(graph, edges="edges")),
    "links.json": dumped(lambda graph: nx.node_link_data(graph, edges="links")),
    "adjacency.json": dumped(nx.adjacency_data),
    "cytoscape.json": dumped(nx.cytoscape_data),
}
XML = {
    "plain.graphml": nx.write_graphml,
    "named.graphml": lambda graph, file: nx.write_graphml(graph, file, named_key_ids=True),
    "inferred.graphml": lambda graph, file: nx.write_graphml(graph, file, infer_numeric_types=True),
    "written.gml": nx.write_gml,
}
LISTS = {
    "tables.edgelist": nx.write_edgelist,
    "tabs.txt": lambda graph, file: nx.write_edgelist(graph, file, delimiter="\t"),
    "weighted.edgelist": lambda graph, file: nx.write_edgelist(graph, file, data=["weight"]),
    "tabbed.tsv": lambda graph, file: nx.write_edgelist(graph, file, data=["weight"], delimiter="\t"),
    "table.csv": table,
}


def read_or_none(write, graph, name):
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/{name}"
        try:
            write(graph.copy(), file)
        except (ValueError, TypeError, nx.NetworkXError):  # networkx refuses to write it
            return None
        try:
            return topologies.read(file)
        except TopologyError:
            return None


@pytest.mark.parametrize("name", TYPED)
@given(graph=graphs(st.one_of(TEXT, WHOLE)))
@settings(max_examples=60, deadline=None)
def test_json_keeps_labels_and_their_types(name, graph):
    topo = read_or_none(TYPED[name], graph, name)
    if topo is not None:
        assert found(topo) == said(graph, lambda node: node)
        assert {(type(label), label) for label in topo.labels} == {(type(node), node) for node in graph}


@pytest.mark.parametrize("name", XML)
@given(graph=graphs(st.one_of(TEXT, WHOLE)))
@settings(max_examples=60, deadline=None)
def test_xml_and_gml_keep_labels_as_text(name, graph):
    topo = read_or_none(XML[name], graph, name)
    if topo is not None:
        assert {frozenset(map(str, pair)): w for pair, w in found(topo).items()} == said(graph, str)


@pytest.mark.parametrize("name", LISTS)
@given(graph=graphs(st.one_of(NEAT, WHOLE)))
@settings(max_examples=60, deadline=None)
def test_edge_lists_that_networkx_itself_reads_back(name, graph):
    """Where blanks, tabs and # make networkx's own reading another graph, the file is what went wrong."""
    topo = read_or_none(LISTS[name], graph, name)
    if topo is None or (name != "table.csv" and not reads_back(LISTS[name], graph, name)):
        return
    assert {frozenset(map(str, pair)): w for pair, w in found(topo).items()} == said(graph, str)
    if {type(node) for node in graph} == {int}:
        assert list(topo.labels) == sorted(graph)


def reads_back(write, graph, name):
    delimiter = "\t" if name.startswith("tab") and not name.startswith("tables") else None
    data = [("weight", float)] if name in ("weighted.edgelist", "tabbed.tsv") else True
    with tempfile.TemporaryDirectory() as folder:
        write(graph.copy(), f"{folder}/{name}")
        try:
            back = nx.read_edgelist(f"{folder}/{name}", delimiter=delimiter, data=data)
        except (TypeError, IndexError, ValueError, SyntaxError):
            return False
    return said(back, str) == said(graph, str)


@given(graph=graphs(st.integers(0, 30)))
@settings(max_examples=40, deadline=None)
def test_matrices_of_every_format_keep_weights(graph):
    expected = nx.to_numpy_array(graph)
    for form in ("csr", "csc", "coo", "bsr", "dia"):
        with tempfile.TemporaryDirectory() as folder:
            sp.save_npz(f"{folder}/a.npz", nx.to_scipy_sparse_array(graph, format="coo").asformat(form))
            topo = topologies.read(f"{folder}/a.npz")
        assert (topo.adjacency.toarray() == expected).all()


@pytest.mark.parametrize("suffix", [".graphml", ".gml", ".edgelist", ".txt", ".json", ".npz"])
@given(graph=graphs(st.one_of(TEXT, WHOLE)))
@settings(max_examples=60, deadline=None)
def test_what_we_write_comes_back_or_is_refused_at_writing(suffix, graph):
    topo = Topology(plain(graph))
    with tempfile.TemporaryDirectory() as folder:
        try:
            topologies.write(topo, f"{folder}/net{suffix}")
        except TopologyError:
            assert suffix not in (".json", ".npz")  # they hold any text
            assert not Path(f"{folder}/net{suffix}").exists()
            return
        back = topologies.read(f"{folder}/net{suffix}")
        assert [(type(label), label) for label in back.labels] == [(type(label), label) for label in topo.labels]
        assert found(back) == found(topo)  # repr and npz keep every bit
        if suffix in (".graphml", ".gml") and {"()", "[]"}.isdisjoint(topo.labels):  # networkx takes these for lists
            other = (nx.read_graphml if suffix == ".graphml" else nx.read_gml)(f"{folder}/net{suffix}")
            assert set(map(str, other)) == set(map(str, topo.labels))  # other programs see the same names


def plain(graph):
    made = nx.Graph()
    made.add_nodes_from(graph)
    made.add_weighted_edges_from(graph.edges(data="weight", default=1.0))
    return made
