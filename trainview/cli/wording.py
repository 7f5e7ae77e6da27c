"""Messages of the library in the words of the shell: arguments become options."""

import re
from collections.abc import Sequence

import click

# What messages advise to pass, and the option that does it.
_ADVICE = {
    r"\bforce=True": "--force",
    r'\bon_error="skip"': "--skip-bad",
    r" or pass api_key=\.\.\.": "",
    r"\bbase_url\b": "--base-url",
    r'\btz="([^"]+)"': r"--source-tz \1",
    r"\bafter since=": "after --since ",
    r"name another folder with cache=\.\.\., or do without, by\s+cache=False": "or use --no-cache",
    r"fetch it with\s+include=\['(\w+)'\]": r"trainview fetch -o fleet/ --with \1 gets it",
}
# The argument that a message is about stands first.
_ARGUMENT = re.compile(r"([a-z_]+)(?:=|: )")


def in_shell(text: str, commands: Sequence[click.Command], words: Sequence[str]) -> str:
    """Name options where a message names arguments.

    Parameters
    ----------
    text : str
        A message of the library.
    commands : sequence of click.Command
        Whose options there are.
    words : sequence of str
        What the user has typed: of several options, the one that is there is meant.

    Returns
    -------
    str
        The message for the command line.
    """
    for pattern, option in _ADVICE.items():
        text = re.sub(pattern, option, text)
    found = _ARGUMENT.match(text)
    if found is None:
        return text
    options = [
        option
        for command in commands
        for parameter in command.params
        if isinstance(parameter, click.Option)
        if str(parameter.name).removeprefix("source_") == found[1]
        for option in parameter.opts[-1:]
    ]
    typed = [option for option in options if any(word.startswith(option) for word in words)]
    if not options:
        return text
    rest = text[found.end() :]
    return f"{(typed or options)[0]}{': ' if found[0].endswith(': ') else ' '}{rest}"
