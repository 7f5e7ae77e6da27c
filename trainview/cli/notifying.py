"""The options of a check that tell a webhook what it found."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from trainview.cli.looks import in_words
from trainview.cli.options import options, say
from trainview.errors import TrainviewError
from trainview.text.moments import is_span, parse_span
from trainview.text.safe import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    import pandas as pd

    from trainview.api.webhook import WebhookUrl
    from trainview.cli.sources import Source
    from trainview.history.places import Place


class Notifying(NamedTuple):
    """Whom to tell, and how; nobody without a webhook."""

    webhook: WebhookUrl | None
    form: str
    remind: timedelta | None

    def tell(
        self, found: pd.DataFrame, source: Source, since: Any, as_of: pd.Timestamp | None
    ) -> None:
        """Tell what a check found; that this fails is said, and no error of the check."""
        if self.webhook is None:
            return
        from trainview.checking.notifying import notify
        from trainview.history.reading import history_at

        try:
            place = history_at(source.parts[0]) if len(source.parts) == 1 else None
            words = source.filters.words()
            told = notify(
                found,
                self.webhook,
                checked=[
                    [_whole(part) for part in source.parts],
                    source.base_url,
                    source.filters._replace(since=None, until=None).words(),
                    # a day that moves on with the calendar is no other check
                    str(since) if is_span(since) else None,
                ],
                source=" ".join([_shown(source, place), *map(safe_text, words)]),
                as_of=as_of,
                history=place,
                form=self.form,
                remind=self.remind,
            )
        except TrainviewError as error:
            say(f"warning: --notify: {in_words(str(error))}; the next check tries again")
            return
        if told:
            events = [notice.event for notice in told]
            counts = {event: events.count(event) for event in dict.fromkeys(events)}
            what = ", ".join(f"{number} {event}" for event, number in counts.items())
            say(f"told the webhook: {what}")


def _whole(part: str) -> str:
    """Write a path so that it is the same from each folder."""
    from trainview.history.places import is_url

    return part if part == "-" or is_url(part) else str(Path(part).absolute())


def _shown(source: Source, place: Place | None) -> str:
    if place is not None:
        return place.shown
    return ", ".join(safe_text(part) for part in source.parts) or "the API"


def asks_to_notify(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options; the command gets a `Notifying`."""

    @wraps(command)
    def asking(*, notify: str | None, notify_format: str | None, remind: Any, **rest: Any) -> None:
        if notify is None and (notify_format or remind):
            raise click.UsageError("--notify-format and --remind go with --notify")
        webhook = None
        if notify is not None:
            from trainview.api.webhook import WebhookUrl

            webhook = WebhookUrl(notify.strip())
        command(notifying=Notifying(webhook, notify_format or "json", remind), **rest)

    return options(
        click.option(
            "--notify", metavar="URL", envvar="TRAINVIEW_NOTIFY", show_envvar=True,
            help="Tell this webhook, once, of each rule that is broken, and when that is over. "
            "The URL is a secret: others can see it on a command line, not in the variable.",
        ),
        click.option(
            "--notify-format", type=click.Choice(["json", "slack"]),
            help="What the webhook takes.  [default: json]",
        ),
        click.option(
            "--remind", metavar="TIME", callback=_span,
            help="With --notify: tell again what is still broken so long after: 7d.",
        ),
    )(asking)  # fmt: skip


def _span(_: click.Context, __: click.Parameter, text: str | None) -> timedelta | None:
    found = None if text is None else parse_span(text)
    if text is not None and not found:
        raise click.BadParameter(f"{text!r}: give a length of time above zero, such as 7d")
    return found
