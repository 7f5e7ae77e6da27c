"""Tests that share what is made once stay on one worker, whatever the versions of pytest and xdist."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.analysis.tables import KINDS
from tests.workers import TOGETHER, unit

ROOT = Path(__file__).parents[1]
PROBE = """
def pytest_xdist_make_scheduler(config, log):
    from tests.workers import Together
    return Together(config, log)
"""


def test_a_unit_stays_on_one_worker_and_the_rest_is_shared_out(tmp_path):
    pytest.importorskip("xdist")
    (tmp_path / "conftest.py").write_text(PROBE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    for file in ("tests/reporting/test_a.py", "tests/reporting/test_b.py", "tests/test_c.py"):
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import time\ndef test_1(): time.sleep(0.01)\ndef test_2(): pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-n", "2", "-p", "no:cacheprovider", tmp_path],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    ran = re.findall(r"\[(gw\d)\].* PASSED (\S+)::", done.stdout)
    assert len(ran) == 6, done.stdout
    assert len({worker for worker, file in ran if file.startswith("tests/reporting/")}) == 1
    assert len({worker for worker, _ in ran}) == 2


def test_what_engines_give_of_one_call_is_compared_on_one_worker():
    cases = "test_a[mean by None-{}]", "test_b[mean by None-{}]", "test_a[7-mean-{}]"
    first, second, third = (
        {unit(f"tests/test_c.py::{case.format(kind)}") for kind in [*KINDS, "pyspark"]}
        for case in cases
    )
    assert first == second == {"tests/test_c.py[mean by None]"}
    assert third == {"tests/test_c.py[7-mean]"}
    for alone in ("tests/test_c.py::test_a[pandas]", "tests/test_c.py::test_a[x]", "a.py::test_a"):
        assert unit(alone) == alone


def test_there_is_one_session_of_spark():
    units = {unit("tests/analysis/test_spark.py::test_a"), unit("tests/test_c.py::test_b[spark]")}
    assert units == {"tests/analysis/test_spark.py"}


def test_what_is_kept_together_is_there():
    assert all((ROOT / place).exists() for place in TOGETHER)
