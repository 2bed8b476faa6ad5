"""What the ADMM is compared with: aggregation rules, distributed SGD under them, and RSA."""

from decon.baselines.aggregation import (
    Rule,
    centered_clipping,
    coordinate_median,
    krum,
    mean,
    multi_krum,
    plausible,
    trimmed_mean,
)
from decon.baselines.geometric import GeometricMedian, geometric_median, weiszfeld
from decon.baselines.rsa import rsa
from decon.baselines.sgd import sgd
from decon.baselines.star import Run

__all__ = [
    "GeometricMedian",
    "Rule",
    "Run",
    "centered_clipping",
    "coordinate_median",
    "geometric_median",
    "krum",
    "mean",
    "multi_krum",
    "plausible",
    "rsa",
    "sgd",
    "trimmed_mean",
    "weiszfeld",
]
