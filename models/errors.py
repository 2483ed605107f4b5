"""Errors that a reader may see, by what they are about: a sentence each, which says what to do (data/errors.py)."""

from data.errors import DataError, UserError

__all__ = [
    "AlreadyRunning", "DataError", "JobsError", "LatentError", "RunError", "StoreError", "TrainingError", "UserError",
]  # fmt: skip


class StoreError(UserError):
    """A run folder that cannot be read or written."""


class AlreadyRunning(StoreError):
    """Another process is training this run."""


class RunError(UserError):
    """A run that cannot be."""


class JobsError(UserError):
    """The queue or its supervisor cannot be used."""


class TrainingError(UserError):
    """Training cannot go on."""


class LatentError(UserError):
    """A snapshot that cannot be read or mapped."""
