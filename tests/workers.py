"""Which tests one worker runs together: those that share what is made once in a process.

Pages, a browser, large samples and a Spark session are such. pytest-xdist 3.8 has groups of its
own for this, but pytest 9.2 does not let it mark them.
"""

from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/reporting/", "tests/sampling/", "tests/analysis/test_spark.py")


def unit(nodeid: str) -> str:
    """Name what a test is sent to a worker with; itself, if it stands alone."""
    return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)


class Together(LoadScopeScheduling):
    """Large units first, then test by test to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
