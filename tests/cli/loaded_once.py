"""data/, which most tests of commands read, is loaded once for each way of loading it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import cache

import pandas as pd
import pytest

from tests.cli.shell import DATA
from trainview.cli.sources import Source

_read_files = Source._read_files


@contextmanager
def data_loaded_once() -> Iterator[None]:
    """Keep what data/ is loaded as; what a command is warned of on the way is said each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Source, "_read_files", _read)
        yield


def _read(source, *, as_listed):
    if source.parts != (str(DATA),):
        return _read_files(source, as_listed=as_listed)
    snapshot, said = _once(source.as_of, source.skip_bad, source.tz, as_listed)
    for message in said:
        warnings.warn(message, stacklevel=2)
    return _copy(snapshot)


@cache
def _once(as_of, skip_bad, tz, as_listed):
    source = Source((str(DATA),), as_of, "all", None, {}, skip_bad, tz)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        snapshot = _read_files(source, as_listed=as_listed)
    return snapshot, [one.message for one in said]


def _copy(snapshot):
    """Give the same values, which a command may change without a change to those of others."""
    values = {field.name: getattr(snapshot, field.name) for field in fields(snapshot)}
    tables = {
        name: value.copy(deep=False)
        for name, value in values.items()
        if isinstance(value, pd.DataFrame)
    }
    return replace(snapshot, **tables)
