"""data/, which most tests of commands read, is loaded once for each way of loading it.

So are the phases of its jobs found once.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import cache

import pandas as pd
import pytest

from tests.cli.shell import DATA
from trainview.cli.sources import Source
from trainview.snapshot import Snapshot

_read_files, _job_phases = Source._read_files, Snapshot.job_phases
# What was given as a whole, by its id, with how it was loaded.
_given = {}


@contextmanager
def data_loaded_once() -> Iterator[None]:
    """Keep what data/ is loaded as; what a command is warned of on the way is said each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Source, "_read_files", _read)
        patch.setattr(Snapshot, "job_phases", _phases)
        yield
    _given.clear()


def _read(source, *, as_listed):
    if source.parts != (str(DATA),):
        return _read_files(source, as_listed=as_listed)
    how = source.as_of, source.skip_bad, source.tz, as_listed
    snapshot = _copy(_say(*_loaded(*how)))
    _given[id(snapshot)] = snapshot, how
    return snapshot


def _phases(snapshot, *, history=None):
    _, how = _given.get(id(snapshot), (None, None))
    if how is None or history is not None:
        return _job_phases(snapshot, history=history)
    return _say(*_phases_of(*how)).copy(deep=False)


@cache
def _loaded(as_of, skip_bad, tz, as_listed):
    source = Source((str(DATA),), as_of, "all", None, {}, skip_bad, tz)
    return _listen(lambda: _read_files(source, as_listed=as_listed))


@cache
def _phases_of(*how):
    snapshot, _ = _loaded(*how)
    return _listen(lambda: _job_phases(snapshot))


def _listen(call: Callable[[], object]):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = call()
    return found, [one.message for one in said]


def _say(found, said):
    for message in said:
        warnings.warn(message, stacklevel=2)
    return found


def _copy(snapshot):
    """Give the same values, which a command may change without a change to those of others."""
    values = {field.name: getattr(snapshot, field.name) for field in fields(snapshot)}
    tables = {
        name: value.copy(deep=False)
        for name, value in values.items()
        if isinstance(value, pd.DataFrame)
    }
    return replace(snapshot, **tables)
