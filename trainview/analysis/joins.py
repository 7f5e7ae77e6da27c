"""Put facts of other tables beside the rows of a table, whatever kinds the tables are of."""

from collections.abc import Sequence
from typing import Any, Literal, cast

import narwhals.stable.v2 as nw
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from trainview.analysis.frames import (
    Frame,
    from_pandas,
    in_pandas,
    is_lazy,
    plain_text,
    schema_of,
    to_pandas,
)
from trainview.analysis.pandas_dtypes import TEXT, arrow_table, with_dtypes

# A second table that its own engine cannot join crosses by way of memory.
MOST_ROWS = 10_000_000
ELSEWHERE = "rows in a table of another engine than the first"


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
    if frame.implementation.is_pandas():
        rows, others = (_text_in_pandas(one, on) for one in (frame, facts))
        if len(on) == 1:
            found = _looked_up(rows, others, *on)
        else:
            found = rows.merge(others.dropna(subset=list(on)), on=list(on), how="left")
        return cast("Frame", nw.from_native(found, eager_only=True))
    if frame.implementation.is_pyarrow() and _is_pandas_only(facts):
        return beside(in_pandas(frame), facts, *on)
    frame, facts = _as_text(frame, on), _as_text(facts, on)
    if frame.implementation.is_pyarrow() and len(on) == 1:
        return _looked_up_in_arrow(frame, same_kind(facts, frame), *on)
    facts = same_kind(facts.filter(*(~nw.col(name).is_null() for name in on)), frame)
    return join(frame, facts, *on, how="left")


def _is_pandas_only(frame: Frame) -> bool:
    """Tell whether it holds what Arrow may not take, such as text and numbers in one column."""
    return frame.implementation.is_pandas() and arrow_table(to_pandas(frame)) is None


def join(frame: Frame, other: Frame, *on: str, how: Literal["inner", "left"]) -> Frame:
    """Join two frames of one kind that have no columns of one name but those of `on`."""
    if frame.implementation.is_spark_like():
        # narwhals lists, renames and selects the columns too, and Spark plans for each of these
        native = frame.to_native().join(other.to_native(), on=list(on), how=how)
        return cast("Frame", nw.from_native(native))
    return frame.join(other, on=list(on), how=how)


def _text_in_pandas(frame: Frame, names: Sequence[str]) -> pd.DataFrame:
    table = to_pandas(frame, most=MOST_ROWS, what=ELSEWHERE)
    return with_dtypes(table, dict.fromkeys(names, TEXT))


def _looked_up(rows: pd.DataFrame, facts: pd.DataFrame, on: str) -> pd.DataFrame:
    """Join by one column of text; pandas' merge numbers the texts of both sides first."""
    place = _places(pa.array(rows[on]), pa.array(facts[on])).fill_null(-1)
    found = place.to_numpy(zero_copy_only=False).astype("int64")
    others = facts.drop(columns=on).reset_index(drop=True).reindex(found).set_axis(rows.index)
    return pd.concat([rows, others], axis="columns")


def _looked_up_in_arrow(frame: Frame, facts: Frame, on: str) -> Frame:
    rows, others = (cast("pa.Table", cast("Any", one.to_native())) for one in (frame, facts))
    place = _places(rows[on], others[on])
    for name in others.column_names:
        if name != on:
            rows = rows.append_column(name, others[name].take(place))
    return cast("Frame", nw.from_native(rows, eager_only=True))


def _places(wanted: Any, texts: Any) -> Any:
    """Find the row of each text; null where there is none."""
    texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return pc.index_in(wanted, value_set=texts.cast(wanted.type), skip_nulls=True)


def _as_text(frame: Frame, names: Sequence[str]) -> Frame:
    """Make text of what may be a category, or of no type at all where a table is empty."""
    schema = schema_of(frame.select(*names) if frame.implementation.is_pyarrow() else frame)
    others = [name for name in names if schema[name] != nw.String]
    return frame.with_columns(nw.col(*others).cast(nw.String)) if others else frame


def same_kind(facts: Frame, frame: Frame) -> Frame:
    """Turn a table into one of the kind, and on the connection, of another, if it is not.

    Raises
    ------
    ArgumentError
        If it is a lazy one of another engine, or of another connection of DuckDB, and has more than
        `MOST_ROWS` rows.
    """
    kind = frame.implementation
    if facts.implementation is not kind or (kind.is_duckdb() and not _are_joinable(facts, frame)):
        return from_pandas(to_pandas(facts, most=MOST_ROWS, what=ELSEWHERE), frame)
    if is_lazy(frame) != is_lazy(facts):
        either = cast("Any", facts)
        return cast("Frame", either.lazy() if is_lazy(frame) else either.collect())
    return facts


def _are_joinable(one: Frame, other: Frame) -> bool:
    """Tell whether two relations of DuckDB are of one connection, which they do not say."""
    import duckdb  # noqa: PLC0415 - it is there, since the relations are its

    try:
        # Two of one table have one name.
        left = one.to_native().limit(0).set_alias("trainview_left")
        left.cross(other.to_native().limit(0).set_alias("trainview_right"))
    except duckdb.InvalidInputException:
        return False
    return True


def one_a_job(facts: Frame) -> Frame:
    """Keep one row a job of a table that should have no more; the latest values of several."""
    names = [name for name in facts.columns if name != "job_id"]
    known = plain_text(facts.filter(~nw.col("job_id").is_null()), names)
    if isinstance(known, nw.DataFrame) and known["job_id"].n_unique() == len(known):
        return known.select("job_id", *names)
    return known.group_by("job_id").agg(nw.col(*names).max())
