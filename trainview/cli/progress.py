"""A moving line while something takes long."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_QUIET_SECONDS = 1.0


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Show a moving line while something takes longer than a second, if anybody can see it.

    Parameters
    ----------
    what : str
        What is going on.

    Yields
    ------
    None
        While the work goes on. Nothing is shown where standard error is no terminal.
    """
    if not sys.stderr.isatty():
        yield
        return
    shown: list[Any] = []

    def show() -> None:
        # most work is done before rich would be loaded
        from rich.console import Console
        from rich.text import Text

        console = Console(stderr=True)
        if console.is_terminal:
            shown.append(console.status(Text(what)))
            shown[0].start()

    timer = threading.Timer(_QUIET_SECONDS, show)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        for status in shown:
            status.stop()
