"""What is asked of a snapshot as a whole: what needs attention, and its key figures."""

from typing import Any

import pandas as pd

from trainview.analysis import needs_attention
from trainview.analysis.key_figures import Figure, key_figures
from trainview.analysis.pandas_dtypes import TEXT
from trainview.snapshot.refining import refined
from trainview.snapshot.state import State


def attention_of(snapshot: State, **limits: Any) -> pd.DataFrame:
    """Find what needs attention, with all that a snapshot knows.

    Parameters
    ----------
    snapshot : Snapshot
        Of any kind.
    **limits
        As `needs_attention` takes them.

    Returns
    -------
    pandas.DataFrame
        What `needs_attention` gives.
    """
    snapshot = refined(snapshot)
    known = {name: getattr(snapshot, name) for name in ("metrics", "prices", "queue")}
    known = {name: table for name, table in known.items() if len(table)}
    return needs_attention(snapshot.jobs, snapshot.projects, **known, **limits)


def figures_of(snapshot: State, attention: pd.DataFrame | None = None) -> list[Figure]:
    """Sum a snapshot up.

    Parameters
    ----------
    snapshot : Snapshot
        Of any kind.
    attention : pandas.DataFrame, optional
        Of `attention_of`, where it has been found already.

    Returns
    -------
    list of Figure
        Its key figures; what was left out, if anything was, comes first.
    """
    snapshot = refined(snapshot)
    rejected = len(snapshot.rejected)
    left_out = Figure("records_left_out", "records left out", rejected, "records")
    found = key_figures(
        snapshot.projects,
        snapshot.jobs,
        attention_of(snapshot) if attention is None else attention,
        snapshot.prices,
        snapshot.billing,
    )
    return [*([left_out] if rejected else []), *found]


def summary_of(snapshot: State, attention: pd.DataFrame | None = None) -> pd.DataFrame:
    """Give the key figures as a table.

    Parameters
    ----------
    snapshot : Snapshot
        Of any kind.
    attention : pandas.DataFrame, optional
        Of `attention_of`, where it has been found already.

    Returns
    -------
    pandas.DataFrame
        As `Snapshot.summary` says.
    """
    rows = [figure[1:] for figure in figures_of(snapshot, attention)]
    summary = pd.DataFrame(rows, columns=["figure", "value", "unit"])
    return summary.astype({"figure": TEXT, "value": "float64", "unit": TEXT})
