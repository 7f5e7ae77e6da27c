"""Recorders in processes of their own, to run side by side and to be killed.

They are forked from a server that has everything imported: the start of an interpreter would take
longer than what is tested.
"""

import multiprocessing
from multiprocessing.process import BaseProcess

import trainview as tv

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["trainview.fetching.recording", "tests.history.recorders"])


def _record(dest: str, sources: list[bytes]) -> None:
    for source in sources:
        tv.record(dest, snapshots=[source])


def start(dest: object, sources: list[bytes]) -> BaseProcess:
    """Start a recorder of these answers, one look each."""
    process = _context.Process(target=_record, args=(str(dest), sources), daemon=True)
    process.start()
    return process
