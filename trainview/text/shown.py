"""What `help` prints in place of a type that is long to spell out."""

from typing import Any


class Shown:
    """A stand-in for a type, at run time alone; type checkers see the type itself.

    Parameters
    ----------
    text : str
        What to print.

    Examples
    --------
    >>> Shown("Moment") | None
    Moment | None
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def __or__(self, other: Any) -> "Shown":
        return Shown(f"{self.text} | {other}")
