"""The notebooks: they run, their committed outputs are what they give, and they read well."""

import re

import pytest

from tests.notebooks import NOTEBOOKS, kernel, read, run


def texts(notebook):
    """What a cell says, as text; pictures count as present or not."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            yield (
                output.output_type,
                output.get("text", ""),
                re.sub(r" at 0x[0-9a-f]+", "", "".join(data.get("text/plain", ""))),
                "".join(data.get("text/html", "")),
                "image/png" in data or "image/svg+xml" in data,
            )


@pytest.fixture(scope="module")
def client():
    with kernel() as client:
        yield client


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_its_outputs_are_the_committed_ones(path, client):
    committed = read(path)
    assert list(texts(run(path, client))) == list(texts(committed)), "run: make notebooks"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_reads_well(path):
    notebook = read(path)
    first, *_, last = notebook.cells
    assert first.cell_type == "markdown"
    assert re.match(r"# .+\?\n", first.source + "\n"), "the title is a question"
    assert last.cell_type == "markdown"
    assert re.search(r"^Decide[:,] ", last.source, flags=re.MULTILINE), "it ends with a decision"
    assert len(notebook.cells) <= 12
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        assert cell.outputs or "import" in cell.source, f"run it: {cell.source}"
        assert not re.search(r"^\s*(def|class|!|%)", cell.source, flags=re.MULTILINE), cell.source
        assert all(output.output_type != "stream" for output in cell.outputs), "no stray prints"
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


def test_all_the_notebooks_are_there():
    assert [path.name for path in NOTEBOOKS] == [
        "01_first_look.ipynb",
        "02_status.ipynb",
        "03_gpu_usage.ipynb",
        "04_timelines.ipynb",
        "05_weekly_review.ipynb",
        "06_cost.ipynb",
        "07_idle_gpus.ipynb",
        "08_reliability.ipynb",
        "09_explore.ipynb",
        "10_your_own_plots.ipynb",
    ]
