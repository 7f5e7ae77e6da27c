import pytest

from tests.analysis.tables import KINDS


@pytest.fixture(params=KINDS)
def kind(request):
    """The kind of table that a test is run on."""
    return request.param
