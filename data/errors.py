"""Errors that a reader may see: one sentence each, which names the value and says what to do."""


class UserError(ValueError):
    """Something that whoever uses the explorer can mend; its text is fit to be shown. A page catches this class."""


class DataError(UserError):
    """Something about the data."""
