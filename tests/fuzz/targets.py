"""What reads files from anywhere: how each is set up, and which errors it may raise."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import networkx as nx
import numpy as np
import scipy.sparse as sp

import decon
import topologies
from decon import datasets
from decon.costs import Quadratic
from decon.datasets import files
from decon.distributed import Shards, save_shards
from decon.errors import DataError, OptionError
from decon.runs.result import Result
from decon.studies import sweeping
from decon.studies.store import Store
from decon.studies.study import Study

CASES = "# two\n0 1\n1 2 {'weight': 2.5}\n2 0\n3 2 {} # last\n"


class Target(NamedTuple):
    """A reader.

    Attributes
    ----------
    files : callable
        Writes good files into a folder; all of them may be damaged.
    read : callable
        Reads what is in the folder.
    errors : tuple of type
        What it may raise.
    """

    files: Callable[[Path], None]
    read: Callable[[Path], object]
    errors: tuple[type[Exception], ...]


def _graphs(folder: Path) -> None:
    graph = nx.relabel_nodes(nx.petersen_graph(), {0: "é a", 1: "b&"})
    nx.set_edge_attributes(graph, {edge: 0.5 + i for i, edge in enumerate(graph.edges)}, "weight")
    nx.set_node_attributes(graph, 7, "agent")
    nx.write_graphml(graph, folder / "a.graphml")
    nx.write_gml(graph, folder / "a.gml")
    topo = topologies.make("florentine")
    for suffix in ("graphml", "gml", "edgelist", "json", "npz"):
        topologies.write(topo, folder / f"b.{suffix}")
    (folder / "c.edgelist").write_text(CASES, encoding="utf-8")
    for name, data in (("d", nx.adjacency_data), ("e", nx.cytoscape_data)):
        (folder / f"{name}.json").write_text(json.dumps(data(graph)), encoding="utf-8")
    (folder / "f.csv").write_text("Source,Target,Weight,Type\na,b,1,x\nb,c,2.5,x\nc,a,,x\n", encoding="utf-8")
    (folder / "g.csv").write_text("0;1;2.5\n1;2;3\n", encoding="utf-8")
    nx.to_pandas_edgelist(graph).to_csv(folder / "h.tsv", sep="\t", index=False)
    for form in ("csr", "csc", "coo", "bsr", "dia"):
        sp.save_npz(folder / f"{form}.npz", nx.to_scipy_sparse_array(nx.cycle_graph(5), format="coo").asformat(form))


def _tables(folder: Path) -> None:
    (folder / "a.csv").write_text("agent,x,z,target\nann,1,2,3\nbob,0.5,1e3,4\nann,5,6,7\n", encoding="utf-8")
    (folder / "b.csv").write_text("agent;x;label\n1;1;yes\n2;2;no\n1;3;yes\n", encoding="utf-8")
    (folder / "c.tsv").write_text("x\ty\n1\t2\n2\t3\n", encoding="utf-8")


def _data_files(folder: Path) -> None:
    idx = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes(range(6))
    (folder / "a-idx").write_bytes(idx)
    (folder / "b-idx.gz").write_bytes(gzip.compress(idx))
    rows = "\n".join(",".join(["2596"] + ["0"] * 53 + [str(k)]) for k in (1, 5))
    (folder / "c-covtype.data").write_text(rows, encoding="utf-8")
    (folder / "d-covtype.gz").write_bytes(gzip.compress(rows.encode()))
    (folder / "e-libsvm").write_text("5 1:2596 3:0.5\n1 2:1\n", encoding="utf-8")


def _read_data_files(folder: Path) -> None:
    refused = None
    for path in sorted(folder.iterdir()):
        try:
            if "idx" in path.name:
                files.read_idx(path)
            elif "libsvm" in path.name:
                files.read_libsvm(path, 54)
            else:
                files.read_covertype(path)
        except DataError as error:
            refused = error
    if refused:
        raise refused


def _shards(folder: Path) -> None:
    save_shards(folder, 2, {"H": np.stack([np.eye(2)] * 2), "b": np.ones((2, 2))})
    save_shards(folder, 2, {"H": np.stack([np.eye(2)] * 2), "b": np.zeros((2, 2))}, first=2)


def _ragged_shards(folder: Path) -> None:
    save_shards(
        folder,
        3,
        {"A": [np.ones((m, 2)) for m in (1, 3, 2)], "y": [np.ones(m) for m in (1, 3, 2)]},
        kind="Huber",
        delta=1.0,
    )


def _study(folder: Path) -> None:
    (folder / "a.toml").write_text(
        '[grid]\nn = [6, 8]\npenalty = [0.5, 1.0]\ntopology = ["ring", "path"]\n'
        "seed = { start = 0, stop = 3, step = 1 }\n"
        'byzantine = 0.34\nattack = [{ kind = "SignFlip", scale = -50.0 }, "NoAttack"]\n[run]\niterations = 30\n'
        '[problem]\ncosts = "quadratic"\ndim = 3\ncondition = 4.0\n',
        encoding="utf-8",
    )
    (folder / "b.toml").write_text("[grid]\nn = 6\npenalty = [0.5, 1.0]\n[run]\niterations = 5\n", encoding="utf-8")


def _problem() -> tuple[topologies.Topology, Quadratic]:
    return topologies.make("ring", 5), datasets.quadratics(range(5), dim=2)


def _result(folder: Path) -> None:
    topo, costs = _problem()
    made = decon.solve(
        topo, costs, iterations=6, penalty=0.7, record=("distance", "x"), byzantine=[1], attack=decon.attacks.Gaussian()
    )
    made.save(folder / "run")


def _load_result(folder: Path) -> None:
    for name in sorted({file.stem for file in folder.iterdir()}):
        result = Result.load(folder / name)
        repr(result)


def _checkpoint(folder: Path) -> None:
    topo, costs = _problem()
    decon.solve(topo, costs, iterations=6, penalty=0.7, checkpoint=folder, checkpoint_every=3)


def _resume(folder: Path) -> None:
    topo, costs = _problem()
    result = decon.solve(topo, costs, iterations=8, penalty=0.7, checkpoint=folder, checkpoint_every=50)
    assert result.x.shape == (5, 2)


def _rows(folder: Path) -> None:
    study = folder.with_name("study.toml")
    study.write_text("[grid]\nn = 6\npenalty = [0.5, 1.0]\n[run]\niterations = 5\n", encoding="utf-8")
    sweeping.run(study, out=folder / "sweep", jobs=1)
    for number, file in enumerate((folder / "sweep").glob("*.parquet")):
        shutil.copy(file, folder / f"rows-{number}.parquet")
    shutil.rmtree(folder / "sweep")


TARGETS = {
    "graphs": Target(_graphs, topologies.read, (topologies.TopologyError,)),
    "tables": Target(_tables, datasets.read_table, (DataError,)),
    "data files": Target(_data_files, _read_data_files, (DataError,)),
    "shards": Target(_shards, lambda folder: Shards(folder)(np.array([3, 0])), (DataError,)),
    "ragged shards": Target(_ragged_shards, lambda folder: Shards(folder)(np.arange(3)), (DataError,)),
    "studies": Target(
        _study, lambda path: Study.load(path).cells(), (OptionError, DataError, topologies.TopologyError)
    ),
    "rows of studies": Target(_rows, lambda folder: Store(folder).rows(), (OptionError,)),
    "results": Target(_result, _load_result, (OptionError,)),
    "checkpoints": Target(_checkpoint, _resume, (OptionError,)),
}
ONE_FILE = ("graphs", "tables", "studies")
"""Targets that read one path; the others read a folder, one file of which is damaged."""


def restored(good: dict[str, bytes], folder: Path) -> None:
    """Put the good files back."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in good.items():
        (folder / name).write_bytes(content)
