"""Error messages of lazy tables: the engine reduces them to shapes, and only these are collected.

`templates` looks at digits by their place, not by their value, except after letters, as in H100,
and where a number names a cause. So messages whose digits are all of the first kind are told apart
by their shapes alone; the others by their whole texts.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import Frame, from_pandas, to_pandas
from trainview.analysis.joins import join
from trainview.analysis.pandas_dtypes import TEXT
from trainview.analysis.times import with_sql

# Beyond these, messages of one cause have nothing in common that is seen without reading all.
MOST_MESSAGES = 1_000_000
_WHAT = "error messages of different kinds"


def find_templates(
    frame: Frame, sums: Mapping[str, nw.Expr] | None = None
) -> tuple[Callable[[Frame], Frame], list[str], pd.DataFrame]:
    """Find the templates of the messages of a lazy frame.

    Parameters
    ----------
    frame : narwhals frame
        Rows with ``error_message``.
    sums : mapping of str to narwhals.Expr, optional
        What else to find out of the rows of a template: aggregations that can be put together.

    Returns
    -------
    with_template : callable
        Adds ``__template`` to these rows, or to some of them: the place of their template in the
        list, null without a message.
    found : list of str
        The templates of `trainview.analysis.messages.templates`, each once.
    parts : pandas.DataFrame
        ``__template``, -1 without a message, and `sums`, in one row or several a template.

    Raises
    ------
    ArgumentError
        If more than `MOST_MESSAGES` shapes, or messages that shapes do not tell apart, differ.
    """
    # hundreds of patterns, whose compilation takes as long as a third of an import of pandas
    from trainview.analysis.messages import counts_by_place, templates  # noqa: PLC0415

    message, sums = nw.col("error_message"), {"__rows": nw.len()} | dict(sums or {})
    told = _with_shape(frame)
    shapes = told.group_by("__shape").agg(error_message=message.min(), **sums)
    known = to_pandas(shapes, most=MOST_MESSAGES, what=_WHAT)
    known = known.astype({"__shape": TEXT, "error_message": TEXT})
    silent, known = known[known["__shape"].isna()], known.dropna(subset="__shape")
    enough = known["__shape"].map(counts_by_place).astype("bool")
    whole, known = known[~enough], known[enough]
    rare = whole[:0]
    if len(whole):
        of_text = told.join(from_pandas(whole[["__shape"]], frame), on="__shape", how="semi")
        of_text = of_text.group_by("error_message").agg(**sums)
        rare = to_pandas(of_text, most=MOST_MESSAGES, what=_WHAT).astype({"error_message": TEXT})
    samples, messages = known["error_message"].to_list(), rare["error_message"].to_list()
    number, found = pd.factorize(pd.Series(templates([*samples, *messages]), dtype="object"))
    known, rare = (
        table.assign(__template=of_table)
        for table, of_table in zip(
            (known, rare), np.split(number.astype("int64"), [len(samples)]), strict=True
        )
    )
    tables = [known, rare, silent.assign(__template=-1)]
    parts = pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)
    by_text = rare[["error_message", "__template"]].rename(columns={"__template": "__of_text"})
    of_shapes = from_pandas(known[["__shape", "__template"]], frame)
    of_texts = from_pandas(by_text, frame)

    def with_template(rows: Frame) -> Frame:
        rows = join(_with_shape(rows), of_shapes, "__shape", how="left")
        if messages:
            rows = join(rows, of_texts, "error_message", how="left")
            rows = rows.with_columns(__template=nw.coalesce("__template", "__of_text"))
            rows = rows.drop("__of_text")
        return rows.drop("__shape")

    return with_template, list(found), parts[["__template", *sums]]


def _with_shape(rows: Frame) -> Frame:
    """Let all digits be 0, but an address is no number that begins with 0."""
    if rows.implementation.is_polars():
        import polars as pl  # noqa: PLC0415 - it is there, since the table is its

        others = {"0x": "\ue01fx"} | {str(digit): "0" for digit in range(1, 10)}
        shape = pl.col("error_message").str.replace_many(others)
        native = cast("Any", rows.to_native()).with_columns(__shape=shape)
        return cast("Frame", nw.from_native(native))
    words = "replace({}, '0x', '\ue01fx')"
    if rows.implementation.is_duckdb():
        # takes less time than its pattern, or its `translate`
        for digit in range(1, 10):
            words = f"replace({words}, '{digit}', '0')"
    else:
        # takes a fifth of the time of a pattern
        words = f"translate({words}, '123456789', '000000000')"
    return with_sql(rows, {"__shape": "error_message"}, words)
