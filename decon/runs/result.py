"""What a run leaves: final updates, histories, a status, and how it was made."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decon.costs.base import Array
from decon.errors import OptionError, RunError
from decon.files import write_whole
from decon.runs.keeping import Stored, dismantle
from decon.runs.metrics import NAMES
from decon.runs.rate import LinearFit, fit_rate
from decon.screens.detection import Detection
from decon.screens.public import EXPOSED
from topologies.formats.matrices import load_arrays

__all__ = ["EVENT", "Result", "plain"]

EVENT = np.dtype([("k", np.int64), ("i", np.int64), ("j", np.int64)])
"""A link event: at iteration k, agent i severed (or took back) its link with j."""

_ENDED_WELL = ("completed", "converged", "stopped")
_FORMAT, _READS = 2, "0.2"
_KEPT, _STATE = "record ", "state "
_ARRAYS = (*NAMES, "x", "minimizer", "recorded", "byzantine", "severed", "readmitted", "exposed", "edges")
_OPTIONAL = ("minimizer", "exposed")


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """The outcome of :func:`decon.solve`; histories start with the initial state.

    Attributes
    ----------
    x : (n, N) ndarray
        Final true updates.
    minimizer : (N,) ndarray or None
        x*, the minimiser of the honest agents' sum; None where the run did not need one (:class:`decon.Residuals`), and
        ``distance``, ``distance_all`` are NaN then.
    distance : (K+1,) ndarray
        Mean over honest agents of ‖x_i - x*‖, in units of x.
    distance_all : (K+1,) ndarray
        The same to the minimiser of all agents' sum.
    consensus_error : (K+1,) ndarray
        Mean over honest agents of ‖x_i - x̄‖, x̄ their mean.
    objective : (K+1,) ndarray
        Σ f_i(x_i) over the honest agents.
    error_norm : (K+1,) ndarray
        ‖e^k‖, the falsification.
    recorded : (K+1,) ndarray of int
        Iteration of each history entry.
    severed, readmitted : structured ndarray with fields k, i, j
        At iteration k honest agent i lost (or took back) its link with j. A cut is mutual: between two honest agents it
        has two rows, one for each end; a falsifying agent never wants one, so with it the row names who cut.
    exposed : structured ndarray of :data:`decon.screens.public.EXPOSED`, or None
        Agents that a rule on agents exposed (:class:`decon.Consistency`): when, why, by which pair of iterations and
        how far, and what would have excused them; None where no such rule judged.
    status : str
        "completed" (all iterations done), "converged" (``tol`` reached), "diverged", "nonfinite", "disconnected"
        (the honest agents lost touch, for good or at the end) or "interrupted". "nonfinite" says that an agent sent
        NaN, infinity or a number too large to compute with (1e100; 1e18 in single) and nothing stood against it;
        "stopped" that a callback asked for it; "failed" that a local step had no answer, after ``iterations`` that had.
    message : str
        The status in words, with agent and iteration where they matter.
    iterations : int
        Iterations done.
    penalty : float
        c; NaN for a method without one.
    byzantine : (b,) ndarray of int
    edges : (E, 2) ndarray of int
        The topology's edges.
    seconds : float
        Wall-clock time of the iterations.
    manifest : dict
        Options, seed and versions; saved as JSON.
    labels : tuple
        The agents' names in the graph that was given.
    trajectories : dict of str to (K+1, ...) ndarray
        What ``record=`` asked for, at the iterations of ``recorded``.
    final : Moment
        The run as it ended: the method's own state (for the ADMM, ``final.inner.duals``), last broadcasts, links in
        use; what ``solve(…, start=result)`` goes on from. Read from a file, it is text and arrays until then.
    """

    x: Array
    minimizer: Array | None
    distance: Array
    distance_all: Array
    consensus_error: Array
    objective: Array
    error_norm: Array
    recorded: NDArray[np.int64]
    severed: NDArray[np.void]
    readmitted: NDArray[np.void]
    status: str
    message: str
    iterations: int
    penalty: float
    byzantine: NDArray[np.int64]
    edges: NDArray[np.int64]
    seconds: float
    manifest: dict[str, Any] = field(default_factory=dict)
    labels: tuple[Any, ...] = ()
    trajectories: dict[str, NDArray[Any]] = field(default_factory=dict)
    exposed: NDArray[np.void] | None = None
    final: Any = None

    def __repr__(self) -> str:
        if self.minimizer is None:
            found = f"consensus_error={self.consensus_error[-1]:.3g}"
        else:
            found = f"distance={self.distance[-1]:.3g}"
        return f"Result({self.status}, iterations={self.iterations}, {found})"

    @property
    def detection(self) -> Detection:
        """The detection report: which links were severed, rightly or wrongly, and when."""
        return Detection(len(self.x), self.edges, self.byzantine, self.severed, self.readmitted, self.exposed)

    def require(self) -> Result:
        """Return this result if the run ended well.

        Raises
        ------
        RunError
            If it diverged, met a non-finite message, lost the honest network, was interrupted or a local step failed.
        """
        if self.status not in _ENDED_WELL:
            raise RunError(self.message)
        return self

    def rate(self) -> LinearFit:
        """Return the linear rate per iteration, fitted on the tail of ``distance``."""
        return fit_rate(self.distance, iterations=self.recorded)

    def iterations_to(self, tolerance: float) -> int | None:
        """Return the first recorded iteration from which ``distance`` stays at most ``tolerance``; None if never."""
        above = np.flatnonzero(~(self.distance <= tolerance))
        first = 0 if above.size == 0 else int(above[-1]) + 1
        return int(self.recorded[first]) if first < len(self.recorded) else None

    def save(self, path: str | Path) -> Path:
        """Write arrays to ``path``.npz and everything else to ``path``.json; return the .npz path.

        Each file is written beside its place and moved there, so that a kill leaves the old file or the new one.
        """
        base = _base(path)
        base.parent.mkdir(parents=True, exist_ok=True)
        arrays = {name: getattr(self, name) for name in _ARRAYS if getattr(self, name) is not None}
        arrays |= {_KEPT + name: values for name, values in self.trajectories.items()}
        made, state = _taken_apart(self.final)
        arrays |= {_STATE + name: values for name, values in state.items()}
        text = {name: value for name, value in vars(self).items() if name not in (*_ARRAYS, "trajectories", "final")}
        text = {"format": _FORMAT, **text, "final": made}
        place = _file(base, "npz")
        write_whole(place, lambda file: np.savez_compressed(file, allow_pickle=False, **arrays), durable=False)
        words = json.dumps(text, indent=2, default=plain) + "\n"
        write_whole(_file(base, "json"), lambda file: file.write(words.encode()), durable=False)
        return place

    @staticmethod
    def load(path: str | Path) -> Result:
        """Read what :meth:`save` wrote; nothing is unpickled.

        Raises
        ------
        OptionError
            If a file is missing or not one of ours; the message names it.
        """
        base = _base(path)
        try:
            text = json.loads(_file(base, "json").read_text(encoding="utf-8"))
            found = text.pop("format")
            if found != _FORMAT:
                wrote = text.get("manifest", {}).get("versions", {}).get("decon", "unknown")
                raise OptionError(f"{base} was written by decon {wrote}; this version reads results of {_READS} only")
            arrays = load_arrays(_file(base, "npz"))
            kept = {name[len(_KEPT) :]: values for name, values in arrays.items() if name.startswith(_KEPT)}
            state = {name[len(_STATE) :]: values for name, values in arrays.items() if name.startswith(_STATE)}
            final, labels = text.pop("final"), tuple(text.pop("labels"))
            given: dict[str, Any] = {name: arrays.get(name) if name in _OPTIONAL else arrays[name] for name in _ARRAYS}
            _refuse_unlike_a_result(given, text, labels)
            return Result(
                **given, **text, labels=labels, trajectories=kept, final=None if final is None else Stored(final, state)
            )
        except FileNotFoundError as error:
            raise OptionError(f"no result at {error.filename}") from None
        except (AttributeError, EOFError, KeyError, OSError, RecursionError, TypeError, ValueError) as error:
            if isinstance(error, OptionError):
                raise
            raise OptionError(f"{base} does not hold a decon result: {' '.join(str(error).split())}") from None


def _refuse_unlike_a_result(given: dict[str, Any], text: dict[str, Any], labels: tuple[Any, ...]) -> None:
    """Refuse arrays and words that are not of a result's kinds and shapes, before anything is done with them."""
    x, recorded = given["x"], given["recorded"]
    n, dim = x.shape if x.ndim == 2 else (0, 0)
    shapes: dict[str, tuple[str, tuple[int | None, ...]]] = {
        "x": ("f", (n, dim)),
        "recorded": ("iu", (recorded.size,)),
        "byzantine": ("iu", (None,)),
        "edges": ("iu", (None, 2)),
        **dict.fromkeys(NAMES, ("fiu", (recorded.size,))),
    }
    if given["exposed"] is not None and (given["exposed"].ndim != 1 or given["exposed"].dtype != EXPOSED):
        raise ValueError("the agents exposed are not those of a run")
    if given["minimizer"] is not None:
        shapes["minimizer"] = ("f", (dim,))
    for name, (kinds, shape) in shapes.items():
        array = given[name]
        fits = len(shape) == array.ndim and all(s in (None, t) for s, t in zip(shape, array.shape, strict=True))
        if array.dtype.kind not in kinds or not fits or not recorded.size:
            raise ValueError(f"{name} is an array of {array.dtype} {array.shape}")
    for name in ("severed", "readmitted"):
        if given[name].dtype != EVENT or given[name].ndim != 1:
            raise ValueError(f"{name} holds no link events")
    words = (
        ("status", str),
        ("message", str),
        ("iterations", int),
        ("penalty", (int, float)),
        ("seconds", (int, float)),
    )
    wrong = next((name for name, kind in words if not isinstance(text[name], kind)), None)
    if wrong or not isinstance(text["manifest"], dict) or len(labels) != n:
        raise ValueError(f"{wrong or 'the manifest or the labels'} cannot be those of a run")


def _base(path: str | Path) -> Path:
    """Return the path without .npz or .json; any other dot belongs to the name, as in ``c=0.3``."""
    given = Path(path)
    if not given.name:
        raise OptionError(f"a result needs a file name, not {str(path)!r}")
    return given.with_suffix("") if given.suffix in (".npz", ".json") else given


def _taken_apart(final: Any) -> tuple[Any, dict[str, Any]]:
    """Return JSON and arrays of a run's last moment, None where a user's own state cannot be kept."""
    if isinstance(final, Stored):
        return final
    state: dict[str, Any] = {}
    try:
        return dismantle(final, state), state
    except OptionError:
        return None, {}


def _file(base: Path, kind: str) -> Path:
    return base.with_name(f"{base.name}.{kind}")


def plain(value: Any) -> Any:
    """Turn what JSON does not know into what it does."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if hasattr(value, "__dataclass_fields__"):
        shown = {one.name: getattr(value, one.name) for one in fields(value) if one.repr}
        return {"kind": type(value).__name__, **shown}
    return repr(value)
