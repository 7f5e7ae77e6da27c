"""The house: which module may import which, read from the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import trainview

ROOT = Path(trainview.__file__).parent
# From the ground up: a room may use the rooms named with it, which all stand above it in this list.
HOUSE = {
    "errors": "",
    "text": "",
    "statuses": "",
    "gpus": "",
    "schema": "errors",
    "times": "schema",
    "faults": "errors schema text times",
    "blocks": "",
    "reader": "blocks schema times",
    "records": "errors faults reader schema text",
    "conform": "errors schema statuses",
    "tables": "conform records schema statuses text",
    "atomic": "errors text",
    "fleet": "conform errors faults schema statuses text times",
    "export": "atomic schema tables times",
    "sources": "conform errors export fleet reader records schema tables text times",
    "sampling": "atomic errors fleet statuses",
    "transport": "errors text",
    "answers": "errors text transport",
    "pace": "",
    "calling": "answers errors pace text transport",
    "client": "answers calling errors text",
    "analysis": "errors gpus statuses",
    "plot": "errors statuses text",
    "card": "text",
    "snapshot": "analysis card conform errors export schema tables text",
    "loading": "conform errors fleet records schema snapshot sources tables text times",
    "cache": "atomic errors schema text",
    "bulk": "errors",
    "fetching": "analysis atomic bulk cache client conform errors export fleet loading records schema snapshot statuses tables text",
    "checking": "analysis errors loading snapshot text",
    "cells": "text",
    "terminal": "cells export text",
    "dashboard": "analysis snapshot terminal text",
    "reporting": "analysis atomic cells gpus plot snapshot statuses text",
    "cli": "analysis atomic cells checking dashboard errors fetching loading reporting sampling schema snapshot terminal text",
    "__init__": "",
    "__main__": "cli",
}
HTTP = {"requests", "urllib3", "http", "socket", "tenacity"}


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


SOURCES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_the_rooms_below_it(path):
    allowed = set(HOUSE[room(path)].split())
    used = {name.split(".")[1] for name in imports(path) if name.startswith("trainview.")}
    assert used - {room(path)} <= allowed


def test_the_house_has_no_cycle_and_every_room_stands():
    names = list(HOUSE)
    for position, (name, below) in enumerate(HOUSE.items()):
        assert set(below.split()) <= set(names[:position]), name
    assert set(names) == {room(path) for path in SOURCES}


def test_every_edge_of_the_house_is_used():
    for name, below in HOUSE.items():
        used = {
            imported.split(".")[1]
            for path in SOURCES
            if room(path) == name
            for imported in imports(path)
            if imported.startswith("trainview.")
        }
        assert set(below.split()) <= used, name


def test_only_the_client_speaks_http_and_only_it_reads_the_key():
    for path in SOURCES:
        if room(path) in {"transport", "answers", "calling", "client"}:
            continue
        assert not {name.split(".")[0] for name in imports(path)} & HTTP, path
        assert "os.environ" not in path.read_text(encoding="utf-8"), path
        assert "getenv" not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize("words", [["-c", "import trainview"], ["-m", "trainview", "--help"], ["-m", "trainview", "gpu", "--help"]])  # fmt: skip
def test_starting_up_loads_nothing_heavy(words):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *words], capture_output=True, text=True, check=True
    )
    loaded = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert "trainview" in loaded
    heavy = {"pandas", "numpy", "pyarrow", "matplotlib", "narwhals", "requests", "rich"}
    assert not loaded & heavy
