"""What the tests of the command line share: data/, which most of them read, is loaded once."""

import warnings
from dataclasses import fields, replace
from functools import cache

import pandas as pd
import pytest

from tests.cli.shell import DATA
from trainview.cli.sources import Source

_read_files = Source._read_files


@pytest.fixture(scope="module", autouse=True)
def data_loaded_once():
    """Load data/ once for each way of loading it; what it is warned of is said each time."""
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
