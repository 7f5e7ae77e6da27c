"""Many calls side by side, a bounded number at a time, until all are done or you stop them."""

import queue
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

from trainview.errors import TrainviewError

Item = TypeVar("Item")
_POLL_SECONDS = 0.2


class Outcome(NamedTuple, Generic[Item]):
    """How it went for one item: a result, or the error that it ended with."""

    item: Item
    result: Any
    error: TrainviewError | None


def run_all(
    work: Callable[[Item], Any], items: Sequence[Item], *, concurrency: int
) -> Iterator[Outcome[Item]]:
    """Do the same work for each item, in threads.

    Parameters
    ----------
    work : callable
        Takes an item, gives a result. The errors of `trainview.errors` that it raises become
        outcomes; any other ends everything.
    items : sequence
        What there is to do.
    concurrency : int
        How many threads share the work.

    Yields
    ------
    Outcome
        One an item, in the order in which they end. When the iterator is closed, or interrupted,
        no further item is begun; those on their way are not waited for.
    """
    waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    # Not a Queue: its locks are written in Python, and Ctrl-C in the midst of them breaks them.
    done: queue.SimpleQueue[Outcome[Item] | BaseException] = queue.SimpleQueue()
    # Nobody runs far ahead of whoever takes the outcomes, and may want no more of them.
    room: queue.SimpleQueue[None] = queue.SimpleQueue()
    for _ in range(concurrency):
        room.put(None)
    stopped = threading.Event()

    def hand_over(outcome: Outcome[Item] | BaseException) -> None:
        while not stopped.is_set():
            with suppress(queue.Empty):
                room.get(timeout=_POLL_SECONDS)
                done.put(outcome)
                break

    def worker() -> None:
        with suppress(queue.Empty):
            while not stopped.is_set():
                hand_over(_do(work, waiting.get_nowait()))

    for number in range(min(concurrency, len(items))):
        # daemons: the interpreter does not wait for them after Ctrl-C
        threading.Thread(target=worker, name=f"trainview-worker-{number}", daemon=True).start()
    try:
        for _ in items:
            outcome = _next(done)
            room.put(None)
            yield outcome
    finally:
        stopped.set()


def _do(work: Callable[[Item], Any], item: Item) -> Outcome[Item] | BaseException:
    try:
        return Outcome(item, work(item), None)
    except TrainviewError as error:
        return Outcome(item, None, error)
    except BaseException as error:  # noqa: BLE001 - the waiting thread raises it
        return error


def progress(total: int, done: int, what: str) -> Any:
    """Make a progress bar, for a notebook or a terminal; elsewhere it shows nothing.

    Parameters
    ----------
    total, done : int
        How many there are, and how many are done already.
    what : str
        What they are for.

    Returns
    -------
    tqdm.tqdm
        Not yet closed.
    """
    with warnings.catch_warnings():
        # without ipywidgets it draws with letters, and says so
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm  # noqa: PLC0415 - it looks for a notebook

        return tqdm(total=total, initial=done, desc=what, unit="job", disable=None, leave=False)


def _next(done: "queue.SimpleQueue[Outcome[Item] | BaseException]") -> Outcome[Item]:
    while True:
        try:
            # in slices, as a long wait does not notice Ctrl-C on Windows
            found = done.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if isinstance(found, BaseException):
            raise found
        return found
