"""The page that stays in a terminal while looks come and go."""

import time
from typing import Any, Self

import pandas as pd
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from trainview.cli.dashboard import dashboard
from trainview.cli.looks import Look, in_words
from trainview.cli.news import News, error_words, status_words
from trainview.cli.sources import Source
from trainview.cli.terminal import Output, render
from trainview.schema import PANDAS_TEXT
from trainview.text.safe import count, safe_text

_MOST_CHANGES = 8
_SLICE_SECONDS = 0.25


class Page:
    """The page; a context that leaves the terminal as it was.

    Parameters
    ----------
    source : Source
        What is looked at.
    every : float
        Seconds between two looks.
    address : str, optional
        Where the state is served, too.
    """

    def __init__(self, source: Source, every: float, address: str = "") -> None:
        self._every, self._address = every, address
        self._console = Output()
        # no thread draws: what a signal stops is never half a page
        self._live = Live(
            self, console=self._console, screen=True, auto_refresh=False,
            redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        self._news = News(source)
        self._look: Look | None = None
        self._recent = pd.DataFrame()
        self._drawn: tuple[int, RenderableType] | None = None

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def wait(self, seconds: float) -> None:
        """Wait, and draw the page again when the terminal gets another size."""
        end = time.monotonic() + seconds
        size = self._console.size
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _SLICE_SECONDS))
            if self._console.size != size:
                size = self._console.size
                self._live.refresh()

    def show(self, look: Look) -> None:
        """Show a look, or that it failed beside what was seen before."""
        self._look, self._drawn = look, None
        if look.snapshot is not None:
            self._news = self._news.after(look)
            self._remember()
        self._live.refresh()

    def _remember(self) -> None:
        changes = self._news.changes
        old = self._recent.assign(seen=[f" {text[1:]}" for text in self._recent.get("seen", [])])
        if changes is not None and len(changes):
            rows = changes.to_dict("records")
            text = [status_words(row) + error_words(row) for row in rows]
            seen = f"*{self._news.moment:%H:%M:%S}"
            new = changes.assign(seen=seen, detail=text)
            old = pd.concat([new, old]) if len(old) else new
        self._recent = old.head(_MOST_CHANGES * 4).reset_index(drop=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw as many lines as there is room for, and say how many more there are."""
        width, height = options.max_width, options.height or console.height
        if self._drawn is None or self._drawn[0] != width:
            self._drawn = width, self._draw(width)
        lines = console.render_lines(self._drawn[1], options.update(height=None), pad=False)
        if len(lines) > height:
            more = f"… {count(len(lines) - height + 1, 'more line')}: make the window taller, or "
            hint = Text(f"{more}trainview summary shows all", style="dim", no_wrap=True)
            hint.truncate(width, overflow="ellipsis")
            lines = lines[: height - 1] + console.render_lines(hint, pad=False)
        for number, line in enumerate(lines):
            if number:
                yield Segment.line()
            yield from line

    def _draw(self, width: int) -> RenderableType:
        shown = self._news.shown
        if shown is None:
            return self._state()
        page = dashboard(
            shown, width, self._news.source.words() or "", before=self._news.before,
            news=self._changes(width),
        )  # fmt: skip
        return Group(self._state(), page)

    def _state(self) -> Text:
        """Say what is looked at, when, and whether that went well."""
        parts = self._news.source.parts
        what = ", ".join(safe_text(part, 40) for part in parts) or "the API"
        look = self._look
        line = Text(f"{what}, every {self._every:g} s", style="dim")
        if look is None:
            return line.append(": looking ...")
        served = f", served at {self._address}" if self._address else ""
        line.append(f", looked at {look.at:%H:%M:%S} UTC{served}. Ctrl-C ends")
        if look.snapshot is None:
            row = f" ({look.failed} in a row)" if look.failed > 1 else ""
            line.append(f"\nThis look failed{row}: {in_words(look.error)}", style="bold red")
        for warning in look.warnings:
            line.append(f"\n{in_words(warning)}", style="not dim yellow")
        return line

    def _changes(self, width: int) -> list[RenderableType]:
        recent: Any = self._recent
        if self._news.before is None:
            return []
        if recent.empty:
            return [Text("No job has changed yet", style="dim")]
        names = recent["job_name"].fillna(recent["job_id"])
        columns = ["seen", "change", "project_name", "job_name", "detail"]
        frame = recent.assign(job_name=names)[[*columns, "phase"]].astype(PANDAS_TEXT)
        title = "Changes, newest first (* at the last look)"
        drawn = render(frame.head(_MOST_CHANGES), width, title=title, columns=columns)
        hidden = len(recent) - _MOST_CHANGES
        more = [Text(f"  … and {count(hidden, 'earlier change')}", style="dim")]
        return [Group(drawn, *(more if hidden > 0 else []))]
