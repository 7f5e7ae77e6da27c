import pytest

from tests.cli.loaded_once import data_loaded_once


@pytest.fixture(scope="module", autouse=True)
def _data_loaded_once():
    with data_loaded_once():
        yield
