"""What tests of several wings use, which tests stay together, and how much properties try.

`make test` and CI run every test with the profile `ci`; `make quick` runs with `dev`, a twentieth of
the examples, and leaves out what is marked in `pyproject.toml`.
"""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.analysis import spark

# One worker runs all tests of such a folder, and begins with it: they share what is made once in a
# process, such as pages, a browser and large samples.
_TOGETHER = {Path(__file__).with_name(name) for name in ("reporting", "sampling")}
_EXAMPLES = {"ci": 100, "dev": 5}

for _name, _number in _EXAMPLES.items():
    settings.register_profile(
        _name,
        settings.get_profile("default"),
        deadline=None,
        max_examples=_number,
        print_blob=True,
    )
settings.load_profile("ci")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent in _TOGETHER:
            item.add_marker(pytest.mark.xdist_group(item.path.parent.name))


@pytest.fixture
def no_waiting(monkeypatch):
    """Tries follow each other at once."""
    monkeypatch.setattr("trainview.api.retrying.BaseClient._wait", lambda *_: 0.0)


def pytest_report_header():
    return spark.no_java() or "PySpark: tested, Java is there"


def pytest_terminal_summary(terminalreporter):
    if missing := spark.no_java():
        terminalreporter.write_sep("!", "not everything was tested", red=True)
        terminalreporter.write_line(missing)
