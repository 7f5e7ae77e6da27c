"""data/, which most tests of commands read, is loaded once for each way of loading it.

So is once found what commands ask helpers about it: these give the same of the same tables, which other
tests hold. What is drawn of it, and how, is what tests of commands look at.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from functools import cache
from importlib import import_module

import pandas as pd
import pytest

from tests.cli.shell import DATA
from trainview.cli import dashboard
from trainview.cli.sources import Source
from trainview.snapshot import Snapshot, questions

_read_files = Source._read_files
# Of what was given out: how it was made, by the table's id.
_given = {}
_found = {}
ASKED = {
    Snapshot: ("clip", "job_phases", "refine", "select"),
    questions: ("key_figures", "needs_attention"),
    import_module("trainview.snapshot.comparison"): ("compare_jobs", "lost_work"),
    dashboard: (
        *("error_groups", "estimate_cost", "failure_rates", "gpu_usage", "idle_gpus", "quota"),
        "status_counts",
    ),
}


class _UnknownError(Exception):
    """It was not made of data/."""


@contextmanager
def data_loaded_once() -> Iterator[None]:
    """Keep what data/ is loaded as; what a command is warned of on the way is said each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Source, "_read_files", _read)
        for place, names in ASKED.items():
            for name in names:
                patch.setattr(place, name, _once(name, getattr(place, name)))
        yield
    _given.clear()
    _found.clear()


def _read(source, *, as_listed):
    if source.parts != (str(DATA),):
        return _read_files(source, as_listed=as_listed)
    how = source.as_of, source.skip_bad, source.tz, as_listed
    return _give(_say(*_loaded(*how)), how)


@cache
def _loaded(as_of, skip_bad, tz, as_listed):
    source = Source((str(DATA),), as_of, "all", None, {}, skip_bad, tz)
    return _listen(lambda: _read_files(source, as_listed=as_listed))


def _once(name, ask):
    def asked(*words, **options):
        try:
            how = name, *map(_how, words), *((key, _how(options[key])) for key in sorted(options))
        except _UnknownError:
            return ask(*words, **options)
        if how not in _found:
            _found[how] = _listen(lambda: ask(*words, **options))
        return _give(_say(*_found[how]), how)

    return asked


def _how(value):
    """Tell how something was made; all that has no rows was made alike."""
    if isinstance(value, Snapshot):
        return tuple(_how(getattr(value, field.name)) for field in fields(value))
    if isinstance(value, pd.DataFrame):
        if id(value) in _given:
            return _given[id(value)][1]
        if value.empty:
            return tuple(value.columns)
        raise _UnknownError
    if isinstance(value, (list, tuple)):
        return tuple(map(_how, value))
    try:
        hash(value)
    except TypeError:
        raise _UnknownError from None
    return type(value), value


def _give(value, how):
    """Give the same values, which a command may change without a change to those of others."""
    if isinstance(value, Snapshot):
        names = [field.name for field in fields(value)]
        return replace(value, **{name: _give(getattr(value, name), (name, how)) for name in names})
    if not isinstance(value, pd.DataFrame):
        return value
    table = value.copy(deep=False)
    # with the table, so that no other gets its id
    _given[id(table)] = table, how
    return table


def _listen(call: Callable[[], object]):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = call()
    return found, [one.message for one in said]


def _say(found, said):
    for message in said:
        warnings.warn(message, stacklevel=2)
    return found
