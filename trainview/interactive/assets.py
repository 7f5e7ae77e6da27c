"""The program of the timeline and its style sheet, as texts."""

from importlib import resources

_FOLDER = resources.files("trainview.interactive")
SCRIPT = _FOLDER.joinpath("timeline.js").read_text(encoding="utf-8")
STYLE = _FOLDER.joinpath("timeline.css").read_text(encoding="utf-8")
