"""The data dictionary: every column of every table, as `trainview.schema` has it."""

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
            f"| `{row.column}` | {row.dtype}{', null' if row.nullable else ''} | {row.unit} "
            f"| {_cell(row.description)} | {_cell(row.source)} |"
            for row in table.itertuples()
        ]
        head = ["| column | dtype | unit | meaning | source |", "|---|---|---|---|---|"]
        parts += [f"## {name}", "\n".join([*head, *rows])]
    return {"data-dictionary.md": "\n\n".join(parts) + "\n"}


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;").replace("_", "\\_")
