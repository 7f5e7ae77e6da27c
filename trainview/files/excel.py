"""Tables as one Excel workbook, for people who do not open notebooks."""

import io
import os
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trainview.errors import ArgumentError, ConfigError, DataWarning
from trainview.files.atomic import replacing
from trainview.files.export import FORMULA

# https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3
MOST_ROWS = 1_048_576
MOST_CHARACTERS = 32_767
_FORMULA = re.compile(FORMULA.replace(r"\x{", r"\u").replace("}", ""))
_CUT = " ... (cut: Excel holds no more)"
# A row at a time, and nothing that looks like something else becomes it.
_OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
_BATCH_ROWS = 10_000
_WIDEST, _NARROWEST = 60, 8


def write_excel(
    tables: Mapping[str, pa.Table], path: str | os.PathLike[str], *, force: bool = False
) -> None:
    """Write tables as one Excel workbook, a sheet each.

    Excel knows no zones: times are in UTC, and the header says so. Text that looks like a formula
    stays text.

    Parameters
    ----------
    tables : dict of str to pyarrow.Table
        By the names of their sheets.
    path : path
        The file to write, ending in ``.xlsx``.
    force : bool, optional
        Whether a file that exists may be replaced.

    Raises
    ------
    ConfigError
        If the package that writes it is not installed.
    ArgumentError
        If the name has another ending.
    OutputError
        If it cannot be written; what stood there before is untouched.

    Warns
    -----
    DataWarning
        If a table has more rows than a sheet holds and is left out, or a text was cut.
    """
    try:
        from xlsxwriter import Workbook  # noqa: PLC0415 - an extra
        from xlsxwriter.exceptions import XlsxFileError  # noqa: PLC0415
    except ModuleNotFoundError:
        raise ConfigError(
            "Excel files need a package that is not installed: pip install 'trainview[excel]'"
        ) from None
    if not os.fspath(path).lower().endswith(".xlsx"):
        raise ArgumentError(f"{os.fspath(path)}: an Excel file's name ends in .xlsx")
    fitting = {name: table for name, table in tables.items() if table.num_rows < MOST_ROWS}
    for name in tables.keys() - fitting.keys():
        message = f"{name}: {tables[name].num_rows:,} rows, a sheet holds {MOST_ROWS - 1:,}"
        warnings.warn(f"{message}: left out, to_parquet keeps it", DataWarning, stacklevel=3)
    cut = 0
    # packed in memory: a file that ends too early is none of the package's business
    packed = io.BytesIO()
    with replacing([path], force=force) as [temporary], _scratch() as scratch:
        book = Workbook(packed, _OPTIONS | {"tmpdir": scratch})
        formats = {
            "header": book.add_format({"bold": True, "bottom": 1}),
            "time": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "money": book.add_format({"num_format": "#,##0.00"}),
            "formula": book.add_format({"quote_prefix": True}),
        }
        try:
            for name, table in fitting.items():
                cut += _write_sheet(book.add_worksheet(name), table, formats)
            book.close()
        except XlsxFileError as error:
            raise OSError(*getattr(error.args[0], "args", error.args)) from None
        finally:
            _close_files(book)
        temporary.write_bytes(packed.getbuffer())
    if cut:
        message = f"{cut:,} texts are cut to the {MOST_CHARACTERS:,} characters of a cell"
        warnings.warn(f"{message}: to_parquet keeps them", DataWarning, stacklevel=3)


def _close_files(book: Any) -> None:
    """Close what a fault leaves open, or its finalizers would speak of it too."""
    for sheet in book.worksheets():
        for name in ("row_data_fh", "fh"):
            file = getattr(sheet, name, None)
            if file is not None:
                with suppress(OSError):
                    file.close()


@contextmanager
def _scratch() -> Iterator[str]:
    """Give a folder for what the package writes on its way."""
    with tempfile.TemporaryDirectory(prefix="trainview-", ignore_cleanup_errors=True) as folder:
        yield folder


def _write_sheet(sheet: Any, table: pa.Table, formats: Mapping[str, Any]) -> int:
    sheet.freeze_panes(1, 0)
    if table.num_rows:
        sheet.autofilter(0, 0, table.num_rows, table.num_columns - 1)
    for place, field in enumerate(table.schema):
        unit = " (UTC)" if pa.types.is_timestamp(field.type) else ""
        sheet.set_column(place, place, _width(field.name + unit, table[field.name]))
        sheet.write_string(0, place, field.name + unit, formats["header"])
    kinds = [_kind(field) for field in table.schema]
    row = cut = 0
    for batch in table.to_batches(max_chunksize=_BATCH_ROWS):
        columns = [_plain(column).to_pylist() for column in batch.columns]
        for values in zip(*columns, strict=True):
            row += 1
            for place, (value, kind) in enumerate(zip(values, kinds, strict=True)):
                if value is not None:
                    cut += _write_cell(sheet, row, place, value, formats.get(kind))
    return cut


def _write_cell(sheet: Any, row: int, place: int, value: Any, form: Any) -> int:
    if isinstance(value, bool):
        sheet.write_boolean(row, place, value)
    elif isinstance(value, str):
        from_formula = bool(_FORMULA.match(value))
        is_long = len(value) > MOST_CHARACTERS
        text = value[: MOST_CHARACTERS - len(_CUT)] + _CUT if is_long else value
        sheet.write_string(row, place, text, form if from_formula else None)
        return int(is_long)
    elif hasattr(value, "year"):
        sheet.write_datetime(row, place, value, form)
    else:
        sheet.write_number(row, place, float(value), form)
    return 0


def _kind(field: pa.Field) -> str:
    if pa.types.is_timestamp(field.type):
        return "time"
    if pa.types.is_date(field.type):
        return "date"
    if pa.types.is_decimal(field.type) or field.name.endswith("_usd"):
        return "money"
    return "formula" if _is_text(field.type) else ""


def _is_text(kind: pa.DataType) -> bool:
    return kind in {pa.string(), pa.large_string()} or pa.types.is_dictionary(kind) is True


def _plain(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        return pc.cast(column, pa.string())
    return pc.cast(column, pa.timestamp("us")) if pa.types.is_timestamp(column.type) else column


def _width(header: str, column: pa.ChunkedArray) -> float:
    longest = 0
    if _is_text(column.type) and len(column):
        longest = pc.max(pc.utf8_length(pc.cast(column.slice(0, 1000), pa.string()))).as_py() or 0
    elif pa.types.is_timestamp(column.type):
        longest = 19
    return min(max(len(header) + 2, longest, _NARROWEST), _WIDEST)
