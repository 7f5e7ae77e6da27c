"""Run the notebooks top to bottom: `make notebooks` keeps the outputs, the tests compare them.

What would differ from run to run (times, versions, pictures' bytes apart) is taken out, so that a
committed notebook changes only when its content does.
"""

import base64
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.ipynb"))
_TIMEOUT = 300
# Names, numbers of cells, options and pictures of the notebook before.
_FRESH_START = """
from matplotlib import pyplot
import pandas
pandas.reset_option("^display")
pyplot.close("all")
pyplot.rcdefaults()
get_ipython().execution_count = 1
%reset -f
"""
# The picture that the README shows is an output of a notebook.
_README_PICTURE = ("03_gpu_usage", "plot_gpu_hours_over_time", FOLDER / "gpu_hours.png")


@contextmanager
def kernel() -> Iterator["NotebookClient"]:
    """Start one kernel, in which any number of notebooks run one after the other."""
    # only here: it takes as long to import as everything else that is collected
    import nbformat
    from nbclient import NotebookClient

    client = NotebookClient(
        nbformat.v4.new_notebook(), timeout=_TIMEOUT, kernel_name="python3",
        resources={"metadata": {"path": FOLDER}},
    )  # fmt: skip
    with client.setup_kernel():
        yield client


def read(path: Path) -> Any:
    import nbformat

    return nbformat.read(path, as_version=4)


def run(path: Path, client: "NotebookClient") -> Any:
    """Execute a notebook from a fresh start and give it back, without what varies."""
    import nbformat

    notebook = read(path)
    client.nb = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(_FRESH_START), *notebook.cells]
    )
    client.reset_execution_trackers()
    for index, cell in enumerate(client.nb.cells):
        client.execute_cell(cell, index, store_history=index > 0)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", []):
            # the number of a widget means nothing without its kernel; what stands in for it stays
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    return notebook


def keep_readme_picture(path: Path, notebook: Any) -> None:
    stem, words, picture = _README_PICTURE
    for cell in notebook.cells if path.stem == stem else ():
        if words in cell.source:
            [content] = [out.data["image/png"] for out in cell.outputs if "image/png" in out.data]
            picture.write_bytes(base64.b64decode(content))


def main() -> int:
    import nbformat

    with kernel() as client:
        for path in NOTEBOOKS:
            notebook = run(path, client)
            nbformat.write(notebook, path)
            keep_readme_picture(path, notebook)
            print(path.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
