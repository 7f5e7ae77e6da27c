"""The commands that a page names do what it says they do."""

import re
import shlex

from tests.reporting.snapshots import DATA, page
from trainview.cli import run


def test_the_commands_of_a_page_give_tables(capfdbinary):
    quoted = set(re.findall(r"<code>(trainview [^<]+)</code>", page("sample")))
    commands = sorted(command for command in quoted if "SOURCE" in command)
    assert len(commands) > 10
    for command in commands:
        words = [str(DATA) if word == "SOURCE" else word for word in shlex.split(command)[1:]]
        assert run(words) == 0, command
        header, *rows = capfdbinary.readouterr().out.decode().splitlines()
        assert "," in header, command
        assert rows, command
