"""What is taken where words say nothing: one set of defaults for flags, TOML, studies and Python."""

from __future__ import annotations

from typing import Any

__all__ = ["ATTACK", "COMPARED", "RIDGE"]

RIDGE = 5.0
"""Curvature added to each cost of a data set."""
ATTACK = "gaussian:mean=1,std=1"
"""What liars send unless words say otherwise: P1's N(1, 1) added."""
COMPARED: dict[str, Any] = {
    "topologies": (
        "path",
        "ring",
        "grid",
        "torus",
        "watts_strogatz",
        "random_regular:d=4",
        "erdos_renyi:p=0.4",
        "star",
        "complete",
        "karate_club:weighted=False",
    ),
    "byzantine": 3,
}
"""What ``compare``, in Python and on the command line, takes unless told otherwise."""
