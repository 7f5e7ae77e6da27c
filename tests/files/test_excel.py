"""Workbooks, read back by another library than the one that wrote them."""

import sys
import warnings

import openpyxl
import pyarrow as pa
import pytest

import trainview as tv
from tests.builders import job, payload, project
from tests.cli.shell import trainview
from trainview.errors import ArgumentError, ConfigError, DataWarning, OutputError
from trainview.files import excel

EVIL = ["=1+1", "+cmd", "-2", "@x", "\t=1", "plain", "<b>&\x1b[2J\x00\u202e", '=HYPERLINK("http://x")', "http://example.com"]  # fmt: skip


def sheet(path, name):
    rows = openpyxl.load_workbook(path)[name].iter_rows()
    header = [cell.value for cell in next(rows)]
    return [dict(zip(header, row, strict=True)) for row in rows]


def snapshot(*messages):
    jobs = [job(f"j{number}", error_message=text) for number, text in enumerate(messages)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return tv.load(payload(training_projects=[project()], training_jobs=jobs))


def test_every_table_is_a_sheet_with_zoneless_times_that_say_utc(tmp_path):
    snap = snapshot(None, "disk full")
    assert snap.to_excel(tmp_path / "a.xlsx") == tmp_path / "a.xlsx"
    assert openpyxl.load_workbook(tmp_path / "a.xlsx").sheetnames == [
        "projects",
        "jobs",
        "instance_types",
    ]
    rows = sheet(tmp_path / "a.xlsx", "jobs")
    assert [row["job_id"].value for row in rows] == ["j0", "j1"]
    assert rows[0]["created_at (UTC)"].value.isoformat() == "2026-03-01T10:00:00"
    assert rows[0]["elapsed_hours"].value == 3
    assert rows[0]["is_open"].value is False
    assert rows[0]["error_message"].value is None


def test_cells_that_look_like_formulas_are_text(tmp_path):
    snapshot(*EVIL).to_excel(tmp_path / "a.xlsx")
    cells = [row["error_message"] for row in sheet(tmp_path / "a.xlsx", "jobs")]
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.value for cell in cells[:6]] == EVIL[:6]
    assert [cell.quotePrefix for cell in cells[:6]] == [True] * 5 + [False]
    assert not any(cell.hyperlink for cell in cells)


def test_a_text_beyond_a_cell_is_cut_and_says_so(tmp_path):
    with pytest.warns(DataWarning, match="^1 texts are cut to the 32,767 characters"):
        snapshot("x" * 40_000, "short").to_excel(tmp_path / "a.xlsx")
    [long, short] = [row["error_message"].value for row in sheet(tmp_path / "a.xlsx", "jobs")]
    assert len(long) == 32_767
    assert long.endswith("(cut: Excel holds no more)")
    assert short == "short"


def test_a_table_beyond_a_sheet_is_left_out_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr(excel, "MOST_ROWS", 3)
    tables = {"small": pa.table({"a_usd": [None, 0.5]}), "large": pa.table({"a": [1, 2, 3]})}
    with pytest.warns(DataWarning, match="^large: 3 rows, a sheet holds 2: left out"):
        excel.write_excel(tables, tmp_path / "a.xlsx")
    assert openpyxl.load_workbook(tmp_path / "a.xlsx").sheetnames == ["small"]
    assert [row["a_usd"].value for row in sheet(tmp_path / "a.xlsx", "small")] == [None, 0.5]


def test_what_is_wrong_is_told(tmp_path, monkeypatch):
    snap = snapshot("x")
    with pytest.raises(ArgumentError, match=r"ends in \.xlsx"):
        snap.to_excel(tmp_path / "a.csv")
    (tmp_path / "a.xlsx").write_text("old")
    with pytest.raises(OutputError, match="exists"):
        snap.to_excel(tmp_path / "a.xlsx")
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(ConfigError, match=r"pip install 'trainview\[excel\]'"):
        snap.to_excel(tmp_path / "b.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["a.xlsx"]


def test_the_shell_exports_it(tmp_path):
    done = trainview(
        "export",
        "-",
        "-o",
        tmp_path / "a.xlsx",
        "--to",
        "xlsx",
        stdin=payload(training_jobs=[job()]),
    )
    assert done.returncode == 0, done.stderr
    assert len(sheet(tmp_path / "a.xlsx", "jobs")) == 1
