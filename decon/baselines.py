"""What the ADMM is compared with: aggregation rules, distributed SGD under them, and RSA."""

from decon.methods.star.aggregation import (
    Rule,
    centered_clipping,
    coordinate_median,
    krum,
    mean,
    multi_krum,
    plausible,
    trimmed_mean,
)
from decon.methods.star.geometric import GeometricMedian, geometric_median, weiszfeld
from decon.methods.star.hub import Run
from decon.methods.star.rsa import rsa
from decon.methods.star.sgd import sgd

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
