"""The live state as it was last seen, for a monitoring system."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from trainview.cli.options import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainview.snapshot import Snapshot

_BEGINNING = b"# TYPE trainview_"

openmetrics_option = click.option(
    "--openmetrics", "gauges", metavar="FILE", type=click.Path(),
    help="Write the live state to this file after each look, as trainview openmetrics does.",
)  # fmt: skip

port_option = click.option(
    "--port", type=click.IntRange(0, 65535), metavar="N",
    help="Serve the live state at http://127.0.0.1:N/metrics for Prometheus; 0 for any free port.",
)  # fmt: skip


class Publisher:
    """Keeps the text of the last look, and writes it to a file if there is one.

    Parameters
    ----------
    target : str, optional
        The file.
    force : bool, optional
        Whether a file that trainview did not write may be replaced.

    Attributes
    ----------
    text : str
        The newest text; empty before the first look has ended.
    """

    def __init__(self, target: str | None, *, force: bool = False) -> None:
        from trainview.files.atomic import check_target

        self._target = target
        self._snapshot: Snapshot | None = None
        self.text = ""
        if target is not None:
            check_target(target, force=force or _is_ours(target))

    def publish(self, snapshot: Snapshot | None, failed: int) -> None:
        """Tell a look; of one that failed, that it did, beside what the one before saw."""
        from trainview.checking.openmetrics import to_openmetrics
        from trainview.files.atomic import write_bytes

        self._snapshot = self._snapshot if snapshot is None else snapshot
        self.text = to_openmetrics(self._snapshot, failed)
        if self._target is not None:
            write_bytes(self._target, self.text.encode(), force=True)

    @contextmanager
    def serving(self, port: int | None) -> Iterator[str]:
        """Serve the newest text on this machine, and give the address; none without a port."""
        if port is None:
            yield ""
            return
        from trainview.api.serving import TextServer

        with TextServer(port, lambda: self.text) as server:
            say(f"serving {server.url}")
            yield server.url


def _is_ours(target: str) -> bool:
    from trainview.files.atomic import from_home

    path = from_home(target)
    try:
        with path.open("rb") as file:
            return path.is_file() and file.read(len(_BEGINNING)) == _BEGINNING
    except OSError:
        return False
