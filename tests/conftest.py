"""What tests of several wings use, which tests stay together, and how much they try.

CI runs every test with the profile `ci`; `make test` and `make quick` run with `dev`, a twentieth of the
examples. `make test CI=1` is what CI runs. Properties try every kind of table; what is to hold for every
kind by example is tried on pandas and one other kind, each in turn, and by `make test-kinds` on all.
"""

import gc
import os
import shutil
from zlib import crc32

import pytest
from hypothesis import settings

from tests.analysis import spark
from tests.analysis.tables import KINDS

collect_ignore = ["typing/user_code.py"]  # for type checkers alone

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_EXAMPLES = {"ci": 100, "dev": 5}

# of the organisation where the size of data/ is not the point
SMALL = {"projects": 8, "jobs_per_project": 6, "seed": 2}

for _name, _number in _EXAMPLES.items():
    settings.register_profile(
        _name,
        settings.get_profile("default"),
        deadline=None,
        max_examples=_number,
        print_blob=True,
    )
settings.load_profile("ci")

# Thousands of tables are made and few cycles: by default a tenth of the time goes into looking for them.
gc.set_threshold(50_000, 20, 100)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from tests.workers import Together

    return Together(config, log) if config.getvalue("dist") == "loadgroup" else None


def pytest_collection_modifyitems(config, items):
    if "TRAINVIEW_TEST_KINDS" not in os.environ:
        waiting = [item for item in items if not _is_its_turn(item)]
        config.hook.pytest_deselected(items=waiting)
        items[:] = [item for item in items if _is_its_turn(item)]


def _is_its_turn(item):
    """Tell whether a case of a test for all kinds of tables is tried where not all are.

    Contracts hold many calls to the same, so that pandas takes turns there too.
    """
    kind = getattr(item, "callspec", None) and item.callspec.params.get("kind")
    kinds = KINDS if item.path.stem.endswith("contract") else KINDS[1:]
    if kind not in kinds:
        return True
    others = item.nodeid.replace(kind, "")
    return kinds.index(kind) == crc32(others.encode()) % len(kinds)


@pytest.fixture(scope="session")
def small_fleet(tmp_path_factory):
    """A folder with every table of a small organisation, where the size of data/ is not the point."""
    from trainview.sampling import Fleet
    from trainview.sampling.writing import write_sample

    folder = tmp_path_factory.mktemp("small_fleet")
    write_sample(folder, Fleet(**SMALL))
    return folder


@pytest.fixture(scope="session")
def browser():
    chromium = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    if chromium is None:
        pytest.skip("no Chromium here: install your system's package")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=_CHROMIUM_FLAGS)
        yield started
        started.close()


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
