"""What a page is made of: topics, and their parts with words, a picture and a table."""

from typing import NamedTuple

from markupsafe import Markup

from trainview.reporting.pictures import Picture
from trainview.reporting.tables import View


class Message(NamedTuple):
    """A group of errors with an example.

    Attributes
    ----------
    error : str
        What the messages have in common.
    tally : str
        How many jobs died of it.
    facts : str
        What else is known of them.
    example : str
        One whole message, in lines; empty if there is none.
    source : str
        Whose it is.
    """

    error: str
    tally: str
    facts: str
    example: str
    source: str


class Issue(NamedTuple):
    """A job that somebody should look at.

    Attributes
    ----------
    reasons : list of str
        Why, in two words each.
    details : list of str
        The same in a sentence each, with what to do.
    message : str
        What the API says of it; empty if it says nothing.
    project, job : str
        Where; the job may have no name.
    facts : list of str
        What else one wants to know before one looks.
    grave : bool
        Whether it holds GPUs.
    """

    reasons: list[str]
    details: list[str]
    message: str
    project: str
    job: str
    facts: list[str]
    grave: bool


class Part(NamedTuple):
    """A part of a topic.

    Attributes
    ----------
    id : str
        For links within the page.
    title : str
        Its heading; empty for the only part of a topic.
    lead : markupsafe.Markup or str
        The main reading, in numbers.
    picture : Picture or None
        The plot.
    messages : sequence of Message
        Errors to unfold.
    view : View or None
        The table behind it.
    """

    id: str
    title: str
    lead: Markup | str
    picture: Picture | None = None
    messages: tuple[Message, ...] = ()
    view: View | None = None


class Topic(NamedTuple):
    """What stands under one heading of the page.

    Attributes
    ----------
    id : str
        For links within the page.
    title : str
        The heading.
    lead : markupsafe.Markup or str
        The main reading, in numbers; empty where its parts say it.
    parts : sequence of Part
        In the order in which they are read.
    issues : sequence of Issue
        Jobs to look at, above the parts.
    """

    id: str
    title: str
    lead: Markup | str
    parts: tuple[Part, ...]
    issues: tuple[Issue, ...] = ()
