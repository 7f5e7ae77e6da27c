"""Error messages of lazy tables: the engine reduces them to shapes, and only these are collected.

`templates` looks at digits by their place, not by their value, except after letters, as in H100,
and where a number names a cause. So messages whose digits are all of the first kind are told apart
by their shapes alone; the others by their whole texts.
"""

import narwhals.stable.v2 as nw
import pandas as pd

from trainview.analysis.frames import Frame, from_pandas, to_pandas
from trainview.analysis.pandas_dtypes import TEXT

# Beyond these, messages of one cause have nothing in common that is seen without reading all.
MOST_MESSAGES = 1_000_000
_WHAT = "error messages of different kinds"


def with_templates(frame: Frame) -> tuple[Frame, list[str]]:
    """Give the messages of a lazy frame the numbers of their templates.

    Parameters
    ----------
    frame : narwhals frame
        Rows with ``error_message``.

    Returns
    -------
    frame : narwhals frame
        With ``__template``: the place of its template in the list, null without a message.
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
    frame = frame.with_columns(__shape=_shape(message))
    told = frame.filter(~message.is_null())
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
    frame = frame.join(from_pandas(by_shape, frame), on="__shape", how="left")
    if messages:
        texts = pd.Series(messages, dtype=TEXT)
        by_text = pd.DataFrame({"error_message": texts, "__of_text": number[len(samples) :]})
        frame = frame.join(from_pandas(by_text, frame), on="error_message", how="left")
        frame = frame.with_columns(__template=nw.coalesce("__template", "__of_text"))
        frame = frame.drop("__of_text")
    return frame.drop("__shape"), list(found)


def _shape(message: nw.Expr) -> nw.Expr:
    """Let all digits be 0, but an address is no number that begins with 0."""
    return message.str.replace_all("0x", "\ue01fx", literal=True).str.replace_all("[1-9]", "0")
