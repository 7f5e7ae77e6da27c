"""What happens where there is no Java."""

from unittest.mock import Mock

import pytest

from tests import conftest
from tests.analysis import spark


@pytest.fixture(autouse=True)
def without_java(monkeypatch, tmp_path):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))


def test_without_java_tests_on_spark_are_skipped_and_the_run_says_so():
    with pytest.raises(pytest.skip.Exception, match="no Java on the PATH; install one"):
        spark.require_java()
    assert "PySpark is not tested: no Java" in conftest.pytest_report_header()
    terminal = Mock()
    conftest.pytest_terminal_summary(terminal)
    terminal.write_line.assert_called_once_with(spark.no_java())


def test_without_java_they_fail_in_ci(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no Java"):
        spark.require_java()
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(pytest.fail.Exception, match="no Java in JAVA_HOME=/nowhere"):
        spark.require_java()


def test_java_is_found_on_the_path_or_in_java_home(monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    for path, name, value in [
        (tmp_path, "PATH", tmp_path),
        (tmp_path / "bin", "JAVA_HOME", tmp_path),
    ]:
        program = path / "java"
        program.touch(mode=0o755)
        monkeypatch.setenv(name, str(value))
        assert spark.no_java() is None
        assert spark.require_java() is None
        program.unlink()
