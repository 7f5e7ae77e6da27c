"""What tests of several wings use, which tests stay together, and how much properties try.

CI runs every test with the profile `ci`; `make test` and `make quick` run with `dev`, a twentieth of the
examples. `make test CI=1` is what CI runs.
"""

import pytest
from hypothesis import settings

from tests.analysis import spark

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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from tests.workers import Together

    return Together(config, log) if config.getvalue("dist") == "loadgroup" else None


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
