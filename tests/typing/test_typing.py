"""What type checkers and readers see of the public face."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import trainview as tv
from trainview.schema import TABLES

ROOT = Path(__file__).parents[2]
HELPERS = [
    name
    for name in tv.__all__
    if name != "explore"  # which takes a snapshot, too
    and inspect.isfunction(getattr(tv, name))
    and re.search(r"^    \w.* : .*\btable\b", getattr(tv, name).__doc__, flags=re.MULTILINE)
]


@pytest.mark.parametrize(
    "checker", [["mypy", "tests/typing/user_code.py"], ["pyright", "--pythonpath", sys.executable]]
)
def test_mypy_and_pyright_agree_on_what_users_write(checker):
    # not in this process, which what mypy leaves behind makes slow
    done = subprocess.run(
        [sys.executable, "-m", *checker], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_signature_reads_as_people_write_it():
    assert str(inspect.signature(tv.gpu_usage)) == (
        "(jobs: DataFrame, by: By = 'gpu_type') -> DataFrame"
    )
    assert str(inspect.signature(tv.clip_jobs)) == (
        "(jobs: DataFrame, since: Moment | None = None, until: Moment | None = None) -> DataFrame"
    )
    assert str(inspect.signature(tv.load)).startswith("(source: Source, *, ")
    assert "projects: Names = None" in str(inspect.signature(tv.Snapshot.select))
    shown = str(inspect.signature(tv.spend_pace))
    assert shown.startswith("(billing: DataFrame | None = None, *, jobs: DataFrame | None = None, ")


@pytest.mark.parametrize("name", HELPERS)
def test_tables_are_called_data_frames(name):
    member = getattr(tv, name)
    tables = re.findall(
        r"^    (\w+(?:, \w+)*) : .*\btable\b",
        member.__doc__.partition("Returns")[0],
        flags=re.MULTILINE,
    )
    shown = inspect.signature(member)
    for table in (word for words in tables for word in words.split(", ")):
        assert str(shown.parameters[table].annotation) in {"DataFrame", "DataFrame | None"}, table
    gives = re.search(r"Returns\n    -+\n    (.*)", member.__doc__)[1]
    if "table of the same kind" in gives:
        assert str(shown.return_annotation) == "DataFrame"


def test_a_scan_tells_editors_of_every_table():
    assert list(tv.Scan.__annotations__) == list(TABLES)
