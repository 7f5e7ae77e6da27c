"""Run the notebooks top to bottom: `make notebooks` keeps the outputs, the tests compare them.

What would differ from run to run (times, versions, pictures' bytes apart) is taken out, so that a
committed notebook changes only when its content does.
"""

import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9]*.ipynb"))
_TIMEOUT = 300


def run(path: Path) -> Any:
    """Execute a notebook in its own kernel and give it back, without what varies."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=_TIMEOUT, kernel_name="python3", resources={"metadata": {"path": FOLDER}}
    )
    client.execute()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
    return notebook


def main() -> int:
    for path in NOTEBOOKS:
        notebook = run(path)
        nbformat.write(notebook, path)
        print(path.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
