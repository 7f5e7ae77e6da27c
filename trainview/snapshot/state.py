"""State: the tables and the moment they describe, without what can be done with them."""

from dataclasses import dataclass, field
from functools import partial

import pandas as pd

from trainview.schema import GAPS
from trainview.tables.dtypes import empty_frame, to_pandas


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
