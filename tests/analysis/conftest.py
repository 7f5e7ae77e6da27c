import pytest

from tests.analysis import spark
from tests.analysis.tables import KINDS


@pytest.fixture(params=KINDS)
def kind(request):
    """The kind of table that a test is run on."""
    if request.param == spark.KIND:
        spark.require_java()
    return request.param


@pytest.fixture(scope="session")
def needs_java():
    spark.require_java()
