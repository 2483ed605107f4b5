"""Errors that a reader may see: one sentence each, which names the value and says what to do."""


class StoreError(ValueError):
    """A run folder that cannot be read or written: one sentence that says what to do."""


class AlreadyRunning(StoreError):
    """Another process is training this run."""


class RunError(ValueError):
    """A run that cannot be: one sentence that names the value and says what to do."""


class JobsError(ValueError):
    """The queue or its supervisor cannot be used: one sentence that says what to do."""


class TrainingError(ValueError):
    """Training cannot go on: one sentence that says why and what to do."""


class LatentError(ValueError):
    """A snapshot that cannot be read or mapped: one or two sentences that say why and what to do."""
