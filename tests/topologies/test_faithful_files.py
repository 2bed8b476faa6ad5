"""Files as they are found: each is read as the graph it says, or refused with the place that says otherwise."""

import json
import zipfile

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp

import topologies
from topologies import TopologyError


def given(folder, name, content):
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder / name


HEAD = '<graphml><key id="w" for="edge" attr.name="weight"/><key id="n" for="node" attr.name="weight"/><graph {}>'
AB = '<node id="a"/>\n<node id="b"/>\n<edge source="a" target="b"{}'
GRAPHML = HEAD.format('edgedefault="undirected"') + AB
ENTITY = '<?xml version="1.0"?>\n<!DOCTYPE g [<!ENTITY a "aaaa">\n<!ENTITY b "&a;&a;">]>\n<graphml>&b;</graphml>'
NODES = '{{"nodes": [{{"id": 0}}, {{"id": 1}}], "edges": [{}]}}'
CYTO = '{{"elements": {{"nodes": [{}], "edges": [{{"data": {{"source": 0, "target": 1}}}}]}}}}'
ADJ = '{{"nodes": [{{"id": "a"}}, {{"id": "b"}}], "adjacency": [{}]}}'
GML = "graph [\nnode [ id 0 label {} ]\nnode [ id 1 label {} ]\nedge [ source 0 target 1 {} ]\n]\n"


@pytest.mark.parametrize(
    "name, content, place",
    [
        ("g.edgelist", "0 1\n1 2\n2 1\n", r"line 3.*given twice, as in line 2"),
        ("g.edgelist", "a b\n\nb b\n", r"line 3.*self-loop at node 'b'"),
        ("g.edgelist", "0 1\n1 2 -1\n", r"line 2.*weight -1"),
        ("g.edgelist", "0 1\n1 2 {'weight': True}\n", r"line 2.*True gives no weight"),
        ("g.edgelist", "0 1\n1 2 1_0\n", r"line 2.*'1_0' gives no weight"),
        ("g.edgelist", b"0 1\n1 \xff\n", r"line 2.*byte 6"),
        ("g.edgelist", "a\tb c {}\n", r"line 1 is split at tabs and at blanks"),
        ("g.edgelist", "0 1\n1\ta b\n", r"line 2 is split at its tab"),
        ("g.edgelist", "0 1\r1 2\n2 3\n", r"line 1: a carriage return"),
        ("g.edgelist", '# agents: ["a", "a"]\na b\n', r"'a' is listed twice"),
        ("g.graphml", GRAPHML.format("></edge></graph></graph>"), r"line 3: mismatched tag"),
        ("g.graphml", GRAPHML.format(' directed="true"/></graph></graphml>'), r"line 3.*directed"),
        ("g.graphml", HEAD.format('edgedefault="directed"') + AB.format("/></graph></graphml>"), r"line 3.*directed"),
        ("g.graphml", GRAPHML.format('><data key="w">much</data></edge></graph></graphml>'), r"line 3.*'much'"),
        (
            "g.graphml",
            GRAPHML.format('><data key="n">2</data></edge></graph></graphml>'),
            r"line 3.*no key 'n' for edges",
        ),
        ("g.graphml", GRAPHML.format('><data key="x">2</data></edge></graph></graphml>'), r"line 3.*no key 'x'"),
        (
            "g.graphml",
            GRAPHML.format('><data key="w">1</data><data key="w">2</data></edge></graph></graphml>'),
            "twice",
        ),
        ("g.graphml", GRAPHML.format("/>\n<hyperedge/></graph></graphml>"), r"line 4.*hyperedge"),
        ("g.graphml", GRAPHML.format('/></graph>\n<edge source="b" target="a"/></graphml>'), r"line 4.*<edge>"),
        ("g.graphml", ENTITY, r"line 2: entities"),
        ("g.graphml", "<svg/>", r"line 1: the root is <svg>"),
        ("g.gml", GML.format('"a"', '"a"', ""), r"label 'a'"),
        ("g.gml", GML.format('"a"', '"b"', "weight [ x 1 ]"), r"line 4: weight is a list"),
        ("g.gml", GML.format('"a"', '"b"', 'weight "much"'), r"line 4: 'much'"),
        ("g.gml", GML.format('"a"', '"b"', "target 0"), r"line 4: target is given twice"),
        ("g.gml", GML.format('"a"', "", ""), r"line 3"),
        ("g.gml", GML.format('"a"', '"b"', "") + "graph [ ]", r"line 6: 2 graphs"),
        ("g.gml", "graph [\nnode [ id 0 graph [ ] ]\n]", r"2 graphs"),
        ("g.gml", "graph [\nnode [ id 0 label 1 ]\nnode [ id 1 ]\n]", r"line 3: a node without a label"),
        ("g.gml", "graph [\nnode [ label 1 ]\n]", r"line 2: node without id"),
        (
            "g.gml",
            'graph [\nnode [ id 0 ]\nnode [ id 1 ]\nedge [ source 0 target "1" ]\n]',
            r"line 4.*'1', which no node",
        ),
        ("g.gml", "graph [\ndirected 1\n]", r"line 1: the graph is directed"),
        ("g.gml", "graph [\nnode [\n", r"line 2: 'a list' is not complete"),
        ("g.gml", "graph [\nnode é\n", r"line 2: 'é"),
        (
            "g.json",
            NODES.format('{"source": 0, "target": 1}, {"source": 1, "target": 0}'),
            r"edges\[1\].*as in edges\[0\]",
        ),
        ("g.json", NODES.format('{"source": 0}'), r"edges\[0\].*target"),
        ("g.json", NODES.format('{"source": 0, "target": true}'), r"edges\[0\]: target must be"),
        ("g.json", '{"nodes": [{"id": 1}, {"id": 1.0}], "edges": []}', r"nodes\[1\]: node 1.0 is declared twice"),
        ("g.json", '{"nodes": [{"id": 1, "id": 2}], "edges": []}', r"key 'id' twice"),
        ("g.json", '{"nodes": [{"id": 1}], "edges": [], "links": []}', r"both edges and links"),
        ("g.json", '{"directed": true, "nodes": []}', r"directed"),
        ("g.json", ADJ.format('[{"id": "b"}], []'), r"adjacency\[0\]: 'b' stands beside 'a', not 'a'"),
        ("g.json", ADJ.format('[{"id": "b", "weight": 2}], [{"id": "a"}]'), r"adjacency\[0\]"),
        ("g.json", ADJ.format('[{"id": "z"}], []'), r"adjacency\[0\].*'z', which no node"),
        ("g.json", ADJ.format('[{"id": "b"}]'), r"1 lists in adjacency for 2 nodes"),
        ("g.json", CYTO.format('{"data": {"id": "0"}}'), r"edges\[0\].*'1', which no node"),
        (
            "g.json",
            CYTO.format('{"data": {"id": "0", "value": 1}}, {"data": {"id": "1", "value": 0}}'),
            r"by id or by value",
        ),
        ("g.json", CYTO.format('{"data": {"id": "0"}}, {"id": "1"}'), r"nodes\[1\]: an object with data"),
        ("g.csv", "source,target\na,b\nb\n", r"line 3: 1 columns"),
        ("g.csv", "source,target,weight\na,b,2\nb,c,x\n", r"line 3: 'x' gives no weight"),
        ("g.csv", "source;target;weight\na;b;2,5\n", r"line 2: '2,5' gives no weight"),
        ("g.csv", "source,target\na,b\nb,a\n", r"line 3.*given twice, as in line 2"),
        ("g.csv", 'source,target\n"a\nb",c\nc,c\n', r"line 4.*self-loop"),
        ("g.csv", "Source,Target,Type\na,b,Directed\n", r"line 2.*directed"),
        ("g.csv", "person,friend\nann,bob\nbob,cid\n", r"line 1: 'person' and 'friend' stand nowhere else"),
        ("g.csv", "person,friend,since\nann,bob,3\n", r"line 1 is no edge, and no header"),
        ("g.csv", "u,v\nv,w\nu,x\n", r"line 1 may be a header or an edge"),
        ("g.csv", "source,target,from,to\na,b,c,d\n", r"line 1: several columns"),
        ("g.csv", 'source,target\n"a,b\n', r"line \d: unexpected end"),
        ("g.csv", "source,target\na,\n", r"line 2.*empty"),
    ],
)
def test_a_refusal_names_the_place(tmp_path, name, content, place):
    with pytest.raises(TopologyError, match=place) as caught:
        topologies.read(given(tmp_path, name, content))
    assert str(caught.value).startswith(f"cannot read {name}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name, content, labels, weights",
    [
        (
            "g.edgelist",
            "0 1 {'weight': np.float64(2.5)}\n1 2 {'color': 'a #1', 'weight': 3} # note\n",
            (0, 1, 2),
            [2.5, 3],
        ),
        ("g.edgelist", "# agents: see page 3\na b\n", ("a", "b"), [1]),
        ("g.edgelist", "a\u2028 b\n", ("a\u2028", "b"), [1]),
        ("g.edgelist", "0 1\r1 2\r", (0, 1, 2), [1, 1]),
        ("g.edgelist", "0 1\t# note\n1 2\n", (0, 1, 2), [1, 1]),
        ("g.edgelist", "0 1\n1 2\n".encode("utf-16"), (0, 1, 2), [1, 1]),  # as PowerShell's > writes
        ("g.graphml", GRAPHML.format("/></graph></graphml>").replace('id="a"', 'id="a"  '), ("a", "b"), [1]),
        (
            "g.graphml",
            HEAD.format("") + AB.format('><data key="w"> 2 </data></edge></graph></graphml>'),
            ("a", "b"),
            [2],
        ),
        (
            "g.graphml",
            '<?xml version="1.0" encoding="ISO-8859-1"?><graphml><graph><node id="é"/><node id="b"/>'
            '<edge source="é" target="b"/></graph></graphml>'.encode("latin-1"),
            ("é", "b"),
            [1],
        ),
        (
            "g.gml",
            'Creator "x\ny"\nVersion 1\n' + GML.format("foo", '"&#252;&amp;&x;"', "weight 1E2"),
            ("foo", "ü&&x;"),
            [100],
        ),
        (
            "g.graphml",
            HEAD.format("").replace('"weight"/><key id="n"', '"weight"><default>4.0</default></key><key id="n"')
            + '<node id="a"/><node id="b"/><node id="c"/><edge source="a" target="b"/><edge source="b" target="c">'
            '<data key="w">1.0</data></edge><edge source="c" target="a"/></graph></graphml>',
            ("a", "b", "c"),
            [4, 4, 1],
        ),
        ("g.json", "\ufeff" + NODES.format('{"source": 0, "target": 1}'), (0, 1), [1]),
        ("g.gml", GML.format("5", "-7", 'weight "4294967296"'), (5, -7), [2**32]),
        ("g.json", ADJ.format('[{"id": "b", "weight": 2}], [{"id": "a", "weight": 2}]'), ("a", "b"), [2]),
        (
            "g.json",
            CYTO.format('{"data": {"id": "0", "value": 7}}, {"data": {"id": "1", "value": 8}}'),
            ("0", "1"),
            [1],
        ),
        ("g.json", CYTO.format('{"data": {"id": "0", "value": 0}}, {"data": {"id": "1", "value": 1}}'), (0, 1), [1]),
        ("g.json", CYTO.format('{"data": {"id": "x", "value": 0}}, {"data": {"id": "y", "value": 1}}'), (0, 1), [1]),
        (
            "g.json",
            '{"elements": [{"data": {"id": "a"}}, {"data": {"id": "b"}}, '
            '{"data": {"id": "ab", "source": "a", "target": "b"}}]}',
            ("a", "b"),
            [1],
        ),
        (
            "g.json",
            '{"multigraph": true, "nodes": [{"id": [0, 1]}, {"id": 3}], "links": [{"source": [0, 1], "target": 3}]}',
            ((0, 1), 3),
            [1],
        ),
        ("g.csv", "Source,Target,Weight\na,b,2\nb,c,\n", ("a", "b", "c"), [2, 1]),
        ("g.csv", "\ufefffrom;to;weight;\r\n1;2;0.5;\r\n2;10;1;\r\n", (1, 2, 10), [0.5, 1]),
        ("g.csv", ",source,target,weight\n0,x,y,3.0\n1,y,z,4.0\n", ("x", "y", "z"), [3, 4]),  # pandas' index
        ("g.csv", "0,1,2.5\n1,2\n", (0, 1, 2), [2.5, 1]),  # networkx's lists, with a comma
        ("g.csv", 'source, target\n"a, b", c\n', ("a, b", "c"), [1]),
        ("g.csv", "sep=;\nsource;target\n007;7\n", ("007", "7"), [1]),
        ("g.tsv", "# FromNodeId\tToNodeId\n0\t1\n1\t2\n", (0, 1, 2), [1, 1]),  # as SNAP names them
    ],
)
def test_a_file_reads_as_the_graph_it_says(tmp_path, name, content, labels, weights):
    topo = topologies.read(given(tmp_path, name, content))
    assert topo.labels == labels
    assert [type(label) for label in topo.labels] == [type(label) for label in labels]
    assert topo.weights.tolist() == weights


@pytest.mark.parametrize(
    "name, content",
    [
        ("g.csv", "a,b,value\nx,y,4\n".replace("a,b", "source,target")),
        ("g.json", NODES.format('{"source": 0, "target": 1, "value": 4}')),
        (
            "g.json",
            '{"nodes": [{"id": 0}, {"id": 1}], "adjacency": [[{"id": 1, "value": 4}], [{"id": 0, "value": 4}]]}',
        ),
        (
            "g.json",
            CYTO.format('{"data": {"id": "0"}}, {"data": {"id": "1"}}').replace(
                '"target": 1', '"target": 1, "value": 4'
            ),
        ),
        ("g.edgelist", "0 1 {'value': 4}\n"),
        ("g.gml", GML.format("a", "b", "value 4")),
        ("g.graphml", GRAPHML.format('><data key="w">4</data></edge></graph></graphml>').replace("weight", "value")),
    ],
)
def test_any_attribute_can_be_the_weight(tmp_path, name, content):
    file = given(tmp_path, name, content)
    assert topologies.read(file, weight="value").weights.tolist() == [4.0]
    assert topologies.read(file).weights.tolist() == [1.0]
    with pytest.raises(TopologyError, match="no edge has an attribute 'cost'"):
        topologies.read(file, weight="cost")


@pytest.mark.parametrize("suffix", [".graphml", ".gml"])
def test_other_peoples_attribute_agent_names_nobody(tmp_path, suffix):
    """A user's column of that name changed all labels; ours, of whatever version, still tells 7 from "7"."""
    graph = nx.path_graph(["a", "b", "c"])
    nx.set_node_attributes(graph, {"a": 3, "b": 1, "c": 2}, "agent")
    (nx.write_graphml if suffix == ".graphml" else nx.write_gml)(graph, tmp_path / f"g{suffix}")
    assert topologies.read(tmp_path / f"g{suffix}").labels == ("a", "b", "c")
    old = nx.Graph()  # what decon 0.1.0 wrote
    old.add_nodes_from([("7", {"agent": 7}), ("8", {"agent": "8"})])
    old.add_edge("7", "8", weight=2.0)
    (nx.write_graphml if suffix == ".graphml" else nx.write_gml)(old, tmp_path / f"o{suffix}")
    assert topologies.read(tmp_path / f"o{suffix}").labels == (7, "8")


def test_yeds_drawings_are_no_part_of_the_graph(tmp_path):
    text = (
        '<graphml xmlns:y="http://www.yworks.com/xml/graphml"><key id="d6" for="node" yfiles.type="nodegraphics"/>'
        '<graph edgedefault="undirected"><node id="n0"><data key="d6"><y:ShapeNode><y:Label>A<y:node/></y:Label>'
        '</y:ShapeNode></data></node><node id="n1"/><edge id="e0" source="n0" target="n1"/></graph></graphml>'
    )
    assert topologies.read(given(tmp_path, "g.graphml", text)).labels == ("n0", "n1")


@pytest.mark.parametrize("n", [10**4, 10**9, 10**12])
@pytest.mark.parametrize("form", ["csr", "coo", "dia", "csc", "bsr"])
def test_a_matrix_that_claims_to_be_large_costs_nothing(tmp_path, n, form):
    """10⁴ agents and one edge would be refused as disconnected anyway; 10¹² must not be counted out first."""
    arrays = {
        "csr": {"data": np.ones(2), "indices": np.array([1, 0]), "indptr": np.array([0, 1, 2])},
        "csc": {"data": np.ones(2), "indices": np.array([1, 0]), "indptr": np.array([0, 1, 2])},
        "bsr": {"data": np.ones((1, 1, 1)), "indices": np.array([0]), "indptr": np.array([0, 1])},
        "coo": {"data": np.ones(2), "row": np.array([0, 1]), "col": np.array([1, 0])},
        "dia": {"data": np.ones((1, 2)), "offsets": np.array([1])},
    }[form]
    np.savez(tmp_path / "a.npz", format=np.array(form.encode()), shape=np.array([n, n]), **arrays)
    with pytest.raises(TopologyError, match=r"cannot read a.npz.*disconnected"):
        topologies.read(tmp_path / "a.npz")


def test_a_matrix_whose_indices_lead_out_of_it_is_refused(tmp_path):
    kept = {"format": np.array(b"csr"), "shape": np.array([2, 2]), "data": np.ones(2)}
    for indices, indptr in (([1, 9], [0, 1, 2]), ([1, 0], [0, 10**6, 2]), ([1, -1], [0, 1, 2])):
        np.savez(tmp_path / "a.npz", **kept, indices=np.array(indices), indptr=np.array(indptr))
        with pytest.raises(TopologyError, match=r"cannot read a\.npz"):
            topologies.read(tmp_path / "a.npz")


def test_zeros_of_a_matrix_are_no_edges(tmp_path):
    matrix = sp.coo_array(([1.0, 1.0, 0.0, 0.0], ([0, 1, 0, 1], [1, 0, 0, 1])), shape=(2, 2))
    sp.save_npz(tmp_path / "a.npz", matrix)
    assert topologies.read(tmp_path / "a.npz").weights.tolist() == [1.0]


@pytest.mark.parametrize("dtype", [complex, object, "U3"])
def test_weights_of_a_matrix_are_real_numbers(tmp_path, dtype):
    arrays = {"row": np.array([0, 1]), "col": np.array([1, 0]), "data": np.array([1, 1]).astype(dtype)}
    np.savez(tmp_path / "a.npz", format=np.array(b"coo"), shape=np.array([2, 2]), **arrays)
    with pytest.raises(TopologyError, match=r"real numbers|Python objects"):
        topologies.read(tmp_path / "a.npz")


def test_an_archive_that_unfolds_without_bound_is_refused(tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("data.npy", "w") as file,
    ):
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (2**26,)})
        for _ in range(2**9):
            file.write(bytes(2**20))
    assert (tmp_path / "a.npz").stat().st_size < 2**20
    with pytest.raises(TopologyError, match="would unfold to 5"):
        topologies.read(tmp_path / "a.npz")


def test_a_header_that_promises_more_than_its_array_holds_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive, archive.open("data.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)})
    with pytest.raises(TopologyError, match="promises"):
        topologies.read(tmp_path / "a.npz")


@pytest.mark.parametrize("label", ["a #b", "{x}", "a {}", " a", "", "#", "a\tb"])
def test_an_edge_list_refuses_to_write_what_it_would_read_otherwise(tmp_path, label):
    with pytest.raises(TopologyError, match="cannot hold"):
        topologies.write(topologies.Topology(nx.Graph([(label, "z")])), tmp_path / "a.txt")


def test_tables_are_read_only(tmp_path):
    with pytest.raises(TopologyError, match=r"\.csv is read, not written"):
        topologies.write(topologies.make("ring", 4), tmp_path / "a.csv")


def test_json_that_networkx_writes_for_a_grid_keeps_its_tuples(tmp_path):
    graph = nx.grid_2d_graph(2, 3)
    for name, data in (("n", nx.node_link_data), ("a", nx.adjacency_data), ("c", nx.cytoscape_data)):
        file = given(tmp_path, f"{name}.json", json.dumps(data(graph)))
        assert set(topologies.read(file).labels) == set(graph)
