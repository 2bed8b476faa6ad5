"""Errors of the decon package; bad input is a ``ValueError`` that names the value."""

__all__ = ["CostError", "DataError", "DeconError", "OptionError", "RunError"]


class DeconError(ValueError):
    """Base of decon's input errors."""


class CostError(DeconError):
    """Local costs that are not convex, not finite, or do not fit together; the message names agent and value."""


class DataError(DeconError):
    """Data that cannot be had, read or split; the message names the data set, file or agent, and what to do."""


class OptionError(DeconError):
    """An option of a run that is out of range or does not go with another; the message names it."""


class RunError(RuntimeError):
    """A run that did not end well, raised only by :meth:`decon.Result.require`."""
