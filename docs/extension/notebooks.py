"""The notebooks, with the outputs that are stored in them."""

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "notebooks"

_INDEX = """\
# Notebooks

Each asks a question of the sample data and ends with what to do. They stand in `notebooks/`:
`make lab` opens them.

```{{toctree}}
:maxdepth: 1

{names}
```
"""


def pages() -> dict[str, str]:
    """Give the pages, by their path in the folder of the documentation."""
    found = sorted(FOLDER.glob("[0-9]*.ipynb"))
    texts = {f"notebooks/{path.name}": path.read_text(encoding="utf-8") for path in found}
    names = "\n".join(path.stem for path in found)
    return {"notebooks/index.md": _INDEX.format(names=names)} | texts
