"""Figures of runs and comparisons: each takes data and returns Matplotlib's object."""

from decon.report.figures import COLORS, comparison, distance, draw_topology, penalty_tradeoff, style, verification

__all__ = ["COLORS", "comparison", "distance", "draw_topology", "penalty_tradeoff", "style", "verification"]
