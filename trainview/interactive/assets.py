"""The program of the timeline, what makes a widget of it, and its style sheet, as texts."""

from importlib import resources

_FOLDER = resources.files("trainview.interactive")
PROGRAM, WIDGET, STYLE = (
    _FOLDER.joinpath(name).read_text(encoding="utf-8")
    for name in ("timeline.js", "widget.js", "timeline.css")
)
