"""The documentation has a page for everything; `make docs` builds it and checks its links."""

import re
from pathlib import Path

import trainview as tv
from docs.extension import check_links, commands, dictionary, gallery, notebooks, reference
from trainview.cli import cli

DOCS = Path(gallery.__file__).parents[1]


def test_every_public_name_has_a_page_in_one_group():
    groups = reference.GROUPS.values()
    names = [name for group in groups for name in reference.functions(group)]
    assert sorted(names) == sorted(tv.__all__), "put new names into docs/extension/reference.py"
    methods = [name for group in groups for name in reference.methods(group)]
    public = [name for name in vars(tv.Snapshot) if not name.startswith("_")]
    assert sorted(methods) == sorted(public)
    pages = reference.pages()
    for name in names:
        assert f"trainview.{name}\n" in pages[f"reference/tv.{name}.rst"]
        assert pages["reference/index.md"].count(f"[tv.{name}](tv.{name})") == 1
    for name in methods:
        assert f".. automethod:: trainview.Snapshot.{name}\n" in pages["reference/tv.Snapshot.rst"]
        assert pages["reference/index.md"].count(f"`snap.{name} <") == 1


def test_every_plot_is_in_the_gallery_once():
    plots = [name for name in tv.__all__ if name.startswith("plot_")]
    assert sorted(gallery.PLOTS) == sorted(plots), "put new plots into docs/extension/gallery.py"
    [page] = gallery.pages().values()
    for name, call in gallery.PLOTS.items():
        assert call in page
        assert f"tv.{name}" in call
        assert f"({name}.png)" in page


def test_pictures_are_made_again_when_they_may_have_changed(tmp_path, monkeypatch):
    usage = tv.gpu_usage(tv.load(tv.sample(projects=2)).jobs)
    monkeypatch.setattr(gallery, "PLOTS", {"plot_gpu_usage": "tv.plot_gpu_usage(usage)"})
    monkeypatch.setattr(gallery, "beginning", lambda: {"tv": tv, "usage": usage})
    gallery.draw(tmp_path)
    picture = tmp_path / "gallery" / "plot_gpu_usage.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    picture.write_bytes(b"as it is")
    gallery.draw(tmp_path)
    assert picture.read_bytes() == b"as it is"
    picture.unlink()
    gallery.draw(tmp_path)
    assert picture.exists()


def test_every_column_is_in_the_data_dictionary():
    [page] = dictionary.pages().values()
    parts = dict(part.split("\n", 1) for part in page.split("\n## ")[1:])
    for table, rows in tv.columns().groupby("table"):
        told = re.findall(r"^\| `(\w+)`<br>([^|]+?) \| ", parts[table], flags=re.MULTILINE)
        assert [name for name, _ in told] == rows["column"].to_list()
        assert [dtype.endswith(", null") for _, dtype in told] == rows["nullable"].to_list()


def test_every_command_is_on_the_page_of_commands():
    [page] = commands.pages().values()
    assert set(re.findall(r"^## (\S+)", page, flags=re.MULTILINE)) == set(cli.commands)
    for name in cli.commands:
        assert f"Usage: trainview {name} " in page


def test_every_notebook_is_shown_with_its_outputs():
    pages = notebooks.pages()
    for path in notebooks.FOLDER.glob("[0-9]*.ipynb"):
        assert pages[f"notebooks/{path.name}"] == path.read_text(encoding="utf-8")
        assert f"\n{path.stem}\n" in pages["notebooks/index.md"]


def test_a_link_that_leads_nowhere_is_named(tmp_path):
    (tmp_path / "other.html").write_text('<p id="here">')
    (tmp_path / "index.html").write_text(
        '<a href="other.html#here"><a href="other.html#there"><a href="gone.html"><a href="#top">'
        '<a href="https://example.com/gone"><img src="gone.png">'
    )
    assert check_links.broken_links(tmp_path) == [
        "index.html: #top",
        "index.html: gone.html",
        "index.html: gone.png",
        "index.html: other.html#there",
    ]


def test_pages_that_are_made_are_not_in_git():
    ignored = (DOCS.parent / ".gitignore").read_text(encoding="utf-8").splitlines()
    made = {
        *commands.pages(), *dictionary.pages(), *gallery.pages(), *notebooks.pages(),
        *reference.pages(),
    }  # fmt: skip
    for path in made:
        first = path.split("/", maxsplit=1)[0]
        assert f"/docs/{first}" in ignored or f"/docs/{first}/" in ignored
