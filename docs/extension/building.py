"""Register with Sphinx, and write the pages that the code tells."""

from pathlib import Path
from typing import Any

from docs.extension import commands, dictionary, gallery, notebooks, reference
from docs.extension.linking import LinkPublicNames

FOLDER = Path(__file__).parents[1]


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("config-inited", make_pages)
    app.add_post_transform(LinkPublicNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def make_pages(_app: Any, _config: Any) -> None:
    """Write the pages that the code tells; .gitignore names them."""
    gallery.draw(FOLDER)
    for pages in (
        commands.pages(),
        dictionary.pages(),
        gallery.pages(),
        notebooks.pages(),
        reference.pages(),
    ):
        for name, text in pages.items():
            write(FOLDER / name, text)


def write(path: Path, text: str) -> None:
    """Write a page, unless it is there already: Sphinx reads again what is newer."""
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
