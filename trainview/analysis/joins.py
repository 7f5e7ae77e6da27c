"""Put facts of other tables beside the rows of a table, whatever kinds the tables are of."""

from collections.abc import Sequence
from typing import Any, cast

import narwhals.stable.v2 as nw

from trainview.analysis.frames import Frame, from_pandas, is_lazy, plain_text, to_pandas


def beside(frame: Frame, facts: Frame, *on: str) -> Frame:
    """Join facts to the rows they are about.

    Parameters
    ----------
    frame : narwhals frame
        The table whose rows stay, each once.
    facts : narwhals frame
        At most one row for each value of `on`, of any kind of table.
    *on : str
        The columns that both have; null is equal to nothing.

    Returns
    -------
    narwhals frame
        The rows of `frame`, in no order of meaning, with the other columns of `facts`.
    """
    facts = _as_text(facts, on).filter(*(~nw.col(name).is_null() for name in on))
    return _as_text(frame, on).join(_same_kind(facts, frame), on=list(on), how="left")


def _as_text(frame: Frame, names: Sequence[str]) -> Frame:
    """Make text of what may be a category, or of no type at all where a table is empty."""
    schema = frame.collect_schema()
    others = [name for name in names if schema[name] != nw.String]
    return frame.with_columns(nw.col(*others).cast(nw.String)) if others else frame


def _same_kind(facts: Frame, frame: Frame) -> Frame:
    kind = frame.implementation
    # Relations of two connections of DuckDB cannot be joined, and do not tell which they are of.
    if facts.implementation is not kind or kind.is_duckdb():
        return from_pandas(to_pandas(facts), frame)
    if is_lazy(frame) != is_lazy(facts):
        either = cast("Any", facts)
        return cast("Frame", either.lazy() if is_lazy(frame) else either.collect())
    return facts


def one_a_job(facts: Frame) -> Frame:
    """Keep one row a job of a table that should have no more; the latest values of several."""
    names = [name for name in facts.collect_schema() if name != "job_id"]
    known = plain_text(facts.filter(~nw.col("job_id").is_null()), names)
    if isinstance(known, nw.DataFrame) and not known["job_id"].is_duplicated().any():
        return known.select("job_id", *names)
    return known.group_by("job_id").agg(nw.col(*names).max())
