"""State: the tables and the moment they describe, without what can be done with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar, cast

import pandas as pd

from trainview.errors import ArgumentError
from trainview.schema import GAPS, TABLES
from trainview.tables.dtypes import empty_frame, from_pandas, to_pandas
from trainview.tables.listed import REFINED
from trainview.text.names import did_you_mean


def _no_gap(name: str) -> pd.DataFrame:
    return to_pandas(GAPS[name].empty_table())


@dataclass(frozen=True, eq=False, repr=False)
class State:
    """What the API said at one moment; `Snapshot` describes it.

    The modules of this wing that `Snapshot` is built on take it in this form.
    """

    projects: pd.DataFrame
    jobs: pd.DataFrame
    instance_types: pd.DataFrame
    as_of: pd.Timestamp | None
    latest_only: bool = False
    notes: tuple[str, ...] = ()
    prices: pd.DataFrame = field(default_factory=partial(empty_frame, "prices"))
    capacity: pd.DataFrame = field(default_factory=partial(empty_frame, "capacity"))
    billing: pd.DataFrame = field(default_factory=partial(empty_frame, "billing"))
    queue: pd.DataFrame = field(default_factory=partial(empty_frame, "queue"))
    status_events: pd.DataFrame = field(default_factory=partial(empty_frame, "status_events"))
    checkpoints: pd.DataFrame = field(default_factory=partial(empty_frame, "checkpoints"))
    caches: pd.DataFrame = field(default_factory=partial(empty_frame, "caches"))
    metrics: pd.DataFrame = field(default_factory=partial(empty_frame, "metrics"))
    logs: pd.DataFrame = field(default_factory=partial(empty_frame, "logs"))
    not_fetched: pd.DataFrame = field(default_factory=partial(_no_gap, "not_fetched"))
    rejected: pd.DataFrame = field(default_factory=partial(_no_gap, "rejected"))


S = TypeVar("S", bound=State)


def with_tables(snapshot: S, tables: Mapping[str, pd.DataFrame]) -> S:
    """Put tables in place of a snapshot's own, as `Snapshot.assign` does."""
    found = {}
    for name, table in tables.items():
        if name not in TABLES:
            choice = f"choose one of {', '.join(TABLES)}{did_you_mean(name, TABLES)}"
            raise ArgumentError(f"no table {name!r}: {choice}")
        found[name] = to_pandas(from_pandas(table, TABLES[name]))
    # what `refine` has found out stays with its jobs
    if more := [name for name in REFINED if "jobs" in tables and name in tables["jobs"]]:
        found["jobs"] = found["jobs"].join(tables["jobs"][more].reset_index(drop=True))
    return replace(snapshot, **cast("Any", found))
