"""Error messages of lazy tables: the engine reduces them to shapes, and only these are collected.

`templates` looks at digits by their place, not by their value, except after letters, as in H100,
and where a number names a cause. So messages whose digits are all of the first kind are told apart
by their shapes alone; the others by their whole texts.
"""

from collections.abc import Callable

import narwhals.stable.v2 as nw
import pandas as pd

from trainview.analysis.frames import Frame, from_pandas, to_pandas
from trainview.analysis.pandas_dtypes import TEXT
from trainview.analysis.times import with_sql

# Beyond these, messages of one cause have nothing in common that is seen without reading all.
MOST_MESSAGES = 1_000_000
_WHAT = "error messages of different kinds"


def find_templates(frame: Frame) -> tuple[Callable[[Frame], Frame], list[str]]:
    """Find the templates of the messages of a lazy frame.

    Parameters
    ----------
    frame : narwhals frame
        Rows with ``error_message``.

    Returns
    -------
    with_template : callable
        Adds ``__template`` to these rows, or to some of them: the place of their template in the
        list, null without a message.
    found : list of str
        The templates of `trainview.analysis.messages.templates`, each once.

    Raises
    ------
    ArgumentError
        If more than `MOST_MESSAGES` shapes, or messages that shapes do not tell apart, differ.
    """
    # hundreds of patterns, whose compilation takes as long as a third of an import of pandas
    from trainview.analysis.messages import counts_by_place, templates  # noqa: PLC0415

    message = nw.col("error_message")
    told = _with_shape(frame).filter(~message.is_null())
    shapes = told.group_by("__shape").agg(error_message=message.min())
    known = to_pandas(shapes, most=MOST_MESSAGES, what=_WHAT).astype(TEXT)
    enough = known["__shape"].map(counts_by_place).astype("bool")
    whole, known = known.loc[~enough, ["__shape"]], known[enough]
    samples = known["error_message"].to_list()
    if len(whole):
        rare = told.join(from_pandas(whole, frame), on="__shape", how="semi")
        messages = to_pandas(rare.select("error_message").unique(), most=MOST_MESSAGES, what=_WHAT)[
            "error_message"
        ].to_list()
    else:
        messages = []
    number, found = pd.factorize(pd.Series(templates([*samples, *messages]), dtype="object"))
    by_shape = pd.DataFrame({"__shape": known["__shape"], "__template": number[: len(samples)]})
    texts = pd.Series(messages, dtype=TEXT)
    by_text = pd.DataFrame({"error_message": texts, "__of_text": number[len(samples) :]})
    of_shapes, of_texts = from_pandas(by_shape, frame), from_pandas(by_text, frame)

    def with_template(rows: Frame) -> Frame:
        rows = _with_shape(rows).join(of_shapes, on="__shape", how="left")
        if messages:
            rows = rows.join(of_texts, on="error_message", how="left")
            rows = rows.with_columns(__template=nw.coalesce("__template", "__of_text"))
            rows = rows.drop("__of_text")
        return rows.drop("__shape")

    return with_template, list(found)


def _with_shape(rows: Frame) -> Frame:
    """Let all digits be 0, but an address is no number that begins with 0."""
    if rows.implementation.is_polars():
        message = nw.col("error_message").str.replace_all("0x", "\ue01fx", literal=True)
        return rows.with_columns(__shape=message.str.replace_all("[1-9]", "0"))
    # the others have a word that takes a fifth of the time of a pattern
    words = "translate(replace({}, '0x', '\ue01fx'), '123456789', '000000000')"
    return with_sql(rows, {"__shape": "error_message"}, words)
