import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

mpl.use("agg")
# Fitting letters to dots takes a fifth of the time of drawing, and no test looks at dots of letters.
mpl.rcParams["text.hinting"] = "no_hinting"


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
