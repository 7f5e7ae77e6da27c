"""Which tests one worker runs together: those that share what is made once in a process.

Pages, a browser, large samples, a kernel, a Spark session, and what pandas gives for each helper are such.
pytest-xdist 3.8 has groups of its own for this, but pytest 9.2 does not let it mark them.
"""

import re

from xdist.scheduler import LoadScopeScheduling

TOGETHER = (
    "tests/reporting/",
    "tests/sampling/",
    "tests/test_notebooks.py",
    "tests/analysis/test_spark.py",
)
# What engines give is compared with what pandas gives, which is found out once for all of them.
_ENGINE = re.compile(r"(.*)::\w+\[(.*?)-?(?:pandas|polars lazy|polars|duckdb|pyspark)\]")
# Those of the tests that stand elsewhere, and ask the session of Spark or the browser too.
_ELSEWHERE = {
    re.compile(r".*::\w+\[spark\]"): "tests/analysis/test_spark.py",
    re.compile(r"tests/story/test_drawing\.py::test_axe_.*"): "tests/reporting/",
    re.compile(r"tests/interactive/.*"): "tests/reporting/",
}


def unit(nodeid: str) -> str:
    """Name what a test is sent to a worker with; itself, if it stands alone."""
    for pattern, there in _ELSEWHERE.items():
        if pattern.fullmatch(nodeid):
            return there
    if place := next((place for place in TOGETHER if nodeid.startswith(place)), None):
        return place
    engine = _ENGINE.fullmatch(nodeid)
    return f"{engine[1]}[{engine[2]}]" if engine and engine[2] else nodeid


class Together(LoadScopeScheduling):
    """Large units first, then test by test to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
