"""The data dictionary: every column of every table, as `trainview.schema` has it."""

from typing import Any

import trainview as tv

_INTRODUCTION = """\
# Data dictionary

Every column of every table, with the dtype of pandas, its unit, and the field of the API that it
comes from. In Python the same is `tv.columns("jobs")`, in a shell `trainview columns jobs`. A table
always has all its columns, with these dtypes, also without rows. *null* says that values may be
missing; a missing value is never a zero.
"""


def pages() -> dict[str, str]:
    """Give the page, by its path in the folder of the documentation."""
    parts = [_INTRODUCTION]
    for name, table in tv.columns().groupby("table", sort=False):
        rows = [
            f"| `{row.column}`<br>{row.dtype}{', null' if row.nullable else ''} "
            f"| {_cell(row.description)}{_more(row)} |"
            for row in table.itertuples()
        ]
        head = ["| column | meaning |", "|---|---|"]
        parts += [f"## {name}", "\n".join([*head, *rows])]
    return {"data-dictionary.md": "\n\n".join(parts) + "\n"}


def _more(row: Any) -> str:
    """Give what is told in small letters: the unit, and where it comes from."""
    unit = f"Unit: {_cell(row.unit)}. " if row.unit else ""
    return f" *{unit}Source: {_cell(row.source)}.*"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;").replace("_", "\\_")
