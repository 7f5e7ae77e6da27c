"""The page of a report, read as a browser reads it."""

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "input", "hr"}


class Page(HTMLParser):
    """Elements, attributes and text of a page, checked for balance on the way."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._end_before(tag)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def _end_before(self, tag):
        """End cells and rows whose ends go without saying."""
        for kind in ("td", "tr"):
            if tag in {kind, "tr", "tbody"} and self._open[-1:] == [kind]:
                self._open.pop()

    def handle_endtag(self, tag):
        if tag == "tbody":
            self._end_before(tag)
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self._open[-1] if self._open else "", data))

    def all(self, tag, **wanted):
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and wanted.items() <= attributes.items()
        ]

    def text_of(self, tag):
        return [text.strip() for name, text in self.texts if name == tag and text.strip()]

    def prose(self):
        """All text that is read, with single spaces."""
        unread = {"script", "style", "title"}
        return re.sub(r"\s+", " ", "".join(text for tag, text in self.texts if tag not in unread))
