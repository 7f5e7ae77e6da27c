"""The commands, with what their `--help` says."""

import click

from trainview.cli import cli

_INTRODUCTION = """\
# Commands

What `--help` says of each. Data goes to standard output, everything else to standard error;
`--format csv` and `--format json` have all columns and rows. Exit codes: 0 fine, 2 usage or
configuration, 3 key refused, 4 network or API, 5 bad data, 6 cannot write, 10 a rule of
`trainview check` is broken, 130 interrupted (143 by SIGTERM, 129 by SIGHUP), 1 for a bug of ours.
"""


def pages() -> dict[str, str]:
    """Give the page, by its path in the folder of the documentation."""
    parts = [_INTRODUCTION]
    root = click.Context(cli, info_name="trainview", max_content_width=80)
    for name, command in sorted(cli.commands.items()):
        context = click.Context(command, info_name=name, parent=root, max_content_width=80)
        parts += [f"## {name}", f"```text\n{command.get_help(context)}\n```"]
    return {"commands.md": "\n\n".join(parts) + "\n"}
