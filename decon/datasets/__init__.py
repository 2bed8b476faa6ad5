"""Data: real sets by name, synthetic ones of any size, and their split over agents."""

from decon.datasets.agent_table import is_table, read_table
from decon.datasets.dataset import Dataset
from decon.datasets.generated import quadratics
from decon.datasets.load import load, names
from decon.datasets.local_costs import costs
from decon.datasets.split import split
from decon.datasets.synthetic import synthetic_classification, synthetic_regression

__all__ = [
    "Dataset",
    "costs",
    "is_table",
    "load",
    "names",
    "quadratics",
    "read_table",
    "split",
    "synthetic_classification",
    "synthetic_regression",
]
