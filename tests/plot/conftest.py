import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

mpl.use("agg")


@pytest.fixture(autouse=True)
def _no_figure_is_left():
    """Tests that make figures with pyplot may leave them; the next test finds none."""
    yield
    plt.close("all")


@pytest.fixture
def ax():
    """Axes that pyplot knows nothing of."""
    from tests.plot.pictures import new_axes

    return new_axes()
