"""The examples of README and guides, run as their readers would.

Every block of Python runs, and every `$ trainview` of a console block, in one folder a page, where `data`
is sample data and the API is a server on the loopback address. What a block shows behind a command
must be what it says; `...` stands for anything. A comment above a block says what is special: `<!-- not
run: why -->`, `<!-- exits 10 -->`, or `<!-- looks 1 -->` for what would look for ever.
"""

import contextlib
import doctest
import io
import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

import click

from tests.cli.shell import trainview
from trainview.cli import cli

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"(?:<!-- ([^\n]+?) -->\n)?^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ELSEWHERE = re.compile(
    r"^(?:[^#\n]*?/bin/trainview|[^#\n]*?&& trainview) ([^\n>]*?)(?: 2>.*)?$", re.MULTILINE
)
_ARGS = re.compile(r'args: \["trainview", ([^\]]+)\]')
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    """A block of code of a page."""

    line: int
    note: str
    language: str
    text: str


def blocks(path: Path) -> list[Block]:
    page = path.read_text(encoding="utf-8")
    return [
        Block(page[: found.start(2)].count("\n") + 2, found[1] or "", found[2], found[3])
        for found in _BLOCK.finditer(page)
    ]


def run(path: Path, folder: Path, key: str) -> None:
    """Run a page in a folder, which is the current one."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(path):
        if block.note.startswith("not run: "):
            continue
        where = f"{path.relative_to(ROOT)}:{block.line}"
        if block.language == "python":
            _run_python(block, names, where)
        elif block.language == "console":
            _run_console(block, folder, key, where)


def _run_python(block: Block, names: dict[str, Any], where: str) -> None:
    if not block.text.startswith(">>>"):
        # so that the page and its line stand in what is raised
        exec(compile("\n" * (block.line - 1) + block.text, where, "exec"), names)  # noqa: S102
        return
    case = doctest.DocTestParser().get_doctest(block.text, names, where, where, block.line)
    said = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=_FLAGS)
    runner.run(case, out=said.write, clear_globs=False)
    assert not runner.failures, said.getvalue()


def _run_console(block: Block, folder: Path, key: str, where: str) -> None:
    exits = re.fullmatch(r"exits (\d+)", block.note)
    looks = re.fullmatch(r"looks (\d+)", block.note)
    for found in re.finditer(r"^\$ ([^\n]+)\n((?:(?!\$ )[^\n]*\n)*)", block.text, re.MULTILINE):
        program, *words = shlex.split(found[1], comments=True)
        if program != "trainview":
            continue
        target = words[words.index(">") + 1] if ">" in words else None
        words = words[: words.index(">")] if target else words
        words += ["--looks", looks[1]] if looks else []
        done = trainview(*words, key=key, cwd=folder)
        said = (done.stdout + done.stderr).decode()
        assert done.returncode == (int(exits[1]) if exits else 0), f"{where}: {found[1]}\n{said}"
        if target:
            (folder / target).write_bytes(done.stdout)
        shown = found[2].strip()
        if shown:
            same = doctest.OutputChecker().check_output(f"{shown}\n", f"{said.strip()}\n", _FLAGS)
            assert same, f"{where}: $ {found[1]}\nshown:\n{shown}\nsaid:\n{said}"


def elsewhere(path: Path) -> list[list[str]]:
    """List the commands in files of systemd, cron and Kubernetes."""
    texts = [block.text for block in blocks(path) if block.language in {"ini", "text", "yaml"}]
    found = [shlex.split(line) for text in texts for line in _ELSEWHERE.findall(text)]
    return found + [
        shlex.split(args.replace(",", " ")) for text in texts for args in _ARGS.findall(text)
    ]


def parse(words: list[str]) -> click.Context:
    """Read a command as the shell would, without running it."""
    name, *rest = words
    return cli.commands[name].make_context(name, rest)


def quietly() -> Any:
    """Keep what examples print to themselves."""
    return contextlib.redirect_stdout(io.StringIO())
