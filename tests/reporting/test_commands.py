"""The commands that a page names do what it says they do."""

import re
import shlex

from tests.cli.loaded_once import data_loaded_once
from tests.cli.shell import trainview
from tests.reporting.snapshots import DATA, page


def test_the_commands_of_a_page_give_tables():
    quoted = set(re.findall(r"<code>(trainview [^<]+)</code>", page("sample")))
    commands = sorted(command for command in quoted if "SOURCE" in command)
    assert len(commands) > 10
    for command in commands:
        words = [str(DATA) if word == "SOURCE" else word for word in shlex.split(command)[1:]]
        with data_loaded_once():
            done = trainview(*words)
        assert done.returncode == 0, command
        header, *rows = done.stdout.decode().splitlines()
        assert "," in header, command
        assert rows, command
