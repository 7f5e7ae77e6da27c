"""Tables that one can sort and filter in a notebook; importing it needs the extra."""

from typing import Any

import narwhals.stable.v2 as nw
import pandas as pd
from itables import JavascriptFunction
from itables.widget import ITable

from trainview.analysis.frames import read_table, to_pandas
from trainview.errors import ArgumentError
from trainview.interactive.units import unit_of
from trainview.text.cells import NULL, cell, is_number
from trainview.text.safe import count, safe_text

# A page of a browser holds no more at a good pace: so many cells, and of a lazy table so many rows.
MOST_CELLS, MOST_ROWS = 1_000_000, 100_000
# A cell that is more than text holds what it sorts by, a bar, and what is read.
# What is missing is empty for filters, and for those of numbers "<0.1" is one.
_RENDER = JavascriptFunction(
    "function (data, type) { const at = data.indexOf('|'); const key = data.slice(0, at);"
    " if (type === 'sort' || type === 'type') return key === '' ? null : Number(key);"
    " if (type !== 'filter') return data.slice(at + 1);"
    " return key === '' ? '' : data.slice(at + 1).replace(/&[lg]t;/, ''); }"
)
_RENDER_TEXT = JavascriptFunction(
    "function (data, type) { if (data !== '-') return type === 'sort' ? data.toLowerCase() : data;"
    " return type === 'sort' ? null : type === 'filter' ? '' : data; }"
)
# Types of our own, since DataTables takes null for the least; it knows numbers by their name.
_NUMBER, _OTHER = "trainview-num", "trainview"
# For its filters what is missing is less than any number. A search of our own takes that out where
# what is asked finds the least number, and not the greatest.
_EXTEND = JavascriptFunction(
    "function () { const { order } = this.dataTable.ext.type;"
    " const last = (sign) => (a, b) => a === b ? 0 : a === null ? 1 : b === null ? -1"
    " : a < b ? -sign : sign;"
    f" for (const name of ['{_NUMBER}', '{_OTHER}'])"
    " Object.assign(order, { [name + '-asc']: last(1), [name + '-desc']: last(-1) });"
    " this.api().columns().every(function () { this.search.fixed('trainview', (text) => {"
    " const asked = text === '' && this.search.fixed('dtcc');"
    " return !(asked?.call && asked('-1e300') && !asked('1e300')); }); }); }"
)
_OPTIONS: dict[str, Any] = {
    # nothing is left out, nothing comes from elsewhere
    "maxBytes": 0,
    "maxRows": 0,
    "maxColumns": 0,
    "showIndex": False,
    "allow_html": False,
    "classes": "display compact",
    "style": "width:100%;margin:0;caption-side:top",
    "scrollX": True,
    "columnControl": ["order", "searchDropdown"],
    "ordering": {"indicators": False},
    "lengthMenu": [10, 25, 100, {"label": "all", "value": -1}],
    "drawCallback": _EXTEND,
}


class Table(ITable):
    """A table to look at closely; made by `explore`.

    Parameters
    ----------
    table : pandas, Polars, DuckDB or PySpark table
        Anything that a snapshot holds or a helper gives.
    """

    def __init__(self, table: Any) -> None:
        frame = _collect(table)
        names = list(map(str, frame.columns))
        columns = [column for _, column in frame.items()]
        units = [
            "UTC" if _is_time(column) else unit_of(name, names)
            for name, column in zip(names, columns, strict=True)
        ]
        heads = [
            safe_text(f"{name} ({unit})" if unit else name)
            for name, unit in zip(names, units, strict=True)
        ]
        places = range(len(names))
        numbers = [at for at in places if is_number(columns[at])]
        keyed = [at for at in places if at in numbers or _is_time(columns[at])]
        others = [at for at in places if at not in numbers]
        texts = [at for at in others if at not in keyed]
        shown = [
            [cell(name, value) for value in column]
            for name, column in zip(names, columns, strict=True)
        ]
        self._shown = _of_texts(shown, heads, len(frame))
        for at in keyed:
            keys = map(_key, columns[at])
            pairs = zip(keys, shown[at], strict=True)
            shown[at] = [f"{key}|{text}" for key, text in pairs]
        defs = [
            {"targets": keyed, "render": _RENDER},
            {"targets": texts, "render": _RENDER_TEXT},
            {"targets": numbers, "className": "dt-right", "type": _NUMBER},
            {"targets": others, "className": "dt-left", "type": _OTHER},
        ]
        given = [one for one in defs if one["targets"]]
        super().__init__(_of_texts(shown, heads, len(frame)), **_OPTIONS, columnDefs=given)

    def __repr__(self) -> str:
        rows, columns = self._shown.shape
        return f"Table of {count(rows, 'row')} and {count(columns, 'column')}"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        found = super()._repr_mimebundle_(**options)
        if found is not None:
            # for where a notebook is read without its kernel, as on GitHub
            found[0]["text/html"] = self._shown.to_html(
                max_rows=20, show_dimensions=True, notebook=True
            )
        return found


def _of_texts(columns: list[list[str]], heads: list[str], rows: int) -> pd.DataFrame:
    frame = pd.DataFrame(dict(enumerate(columns)), index=range(rows), dtype="object")
    return frame.set_axis(heads, axis="columns")


def _collect(table: Any) -> pd.DataFrame:
    """Collect a table of any kind: times in UTC, and an index that says something as columns."""
    if isinstance(table, pd.DataFrame) and not _is_numbered(table.index):
        table = table.reset_index()
    names = read_table(table, [], name="table", times=(), others=True).collect_schema()
    times = [name for name, dtype in names.items() if isinstance(dtype, nw.Datetime)]
    frame = read_table(table, times, name="table", times=times, others=True)
    found = to_pandas(frame, most=MOST_ROWS, what="rows")
    if found.size > MOST_CELLS:
        raise ArgumentError(
            f"{len(found):,} rows of {count(found.shape[1], 'column')}: a table in a notebook has "
            f"{MOST_CELLS:,} cells at most, filter it first or choose fewer columns"
        )
    return found


def _is_numbered(index: "pd.Index[Any]") -> bool:
    return index.nlevels == 1 and index.name is None and pd.api.types.is_integer_dtype(index)


def _is_time(column: "pd.Series[Any]") -> bool:
    return bool(pd.api.types.is_datetime64_any_dtype(column))


def _key(value: Any) -> str:
    """Write what a number or a moment sorts by, which its text tells only roughly."""
    if cell("", value) == NULL:
        return ""
    return repr(value.timestamp() if isinstance(value, pd.Timestamp) else float(value))
