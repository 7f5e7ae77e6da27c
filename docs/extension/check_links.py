"""Check that every link inside the built pages leads somewhere."""

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    """The links and the places of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = {""}

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a link leads, or what may be led to."""
        for name, value in attrs:
            if name in {"href", "src"} and value:
                self.links.add(value)
            if name == "id" and value:
                self.places.add(value)


def broken_links(folder: Path) -> list[str]:
    """List the links that lead nowhere, each with its page."""

    @cache
    def read(path: Path) -> _Page:
        page = _Page()
        page.feed(path.read_text(encoding="utf-8"))
        return page

    found = []
    for path in sorted(folder.rglob("*.html")):
        if "_static" in path.parts:
            continue  # templates of the theme
        for link in sorted(read(path).links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            is_page = target.suffix == ".html" and target.is_file()
            leads = unquote(parts.fragment) in read(target).places if is_page else target.is_file()
            if not leads:
                found.append(f"{path.relative_to(folder)}: {link}")
    return found


def main() -> int:
    """Print what is broken, and fail if anything is."""
    found = broken_links(Path(sys.argv[1]))
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    return min(len(found), 1)


if __name__ == "__main__":
    sys.exit(main())
