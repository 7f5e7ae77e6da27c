"""The house: which module may import which, read from the source."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import trainview

ROOT = Path(trainview.__file__).parent
# From the ground up: a room may use the rooms named with it, which all stand above it in this list.
HOUSE = {
    "errors": "",
    "text": "errors",
    "statuses": "",
    "gpus": "",
    "schema": "errors text",
    "reading": "errors schema text",
    "tables": "errors gpus reading schema statuses text",
    "files": "errors reading schema tables text",
    "api": "errors text",
    "analysis": "errors gpus schema statuses text",
    "plot": "errors schema statuses text",
    "snapshot": "analysis errors files gpus schema statuses tables text",
    "interactive": "analysis errors plot schema snapshot statuses text",
    "history": "analysis errors files reading schema statuses tables text",
    "loading": "errors files history reading schema snapshot tables text",
    "sampling": "errors files statuses tables",
    "fetching": "analysis api errors files history loading reading schema snapshot statuses tables text",
    "checking": "analysis api errors files gpus history snapshot statuses text",
    "reporting": "analysis errors files gpus interactive plot snapshot statuses text",
    "cli": "analysis api checking errors fetching files history loading reporting sampling schema snapshot statuses text",
    "__init__": "",
    "__main__": "cli errors",
}
HTTP = {"requests", "urllib3", "http", "socket", "tenacity"}


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@cache
def imports(path: Path) -> frozenset[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    # the package itself tells its version; it stands below every room
    return frozenset(found - {"trainview.__version__"})


SOURCES = sorted(ROOT.rglob("*.py"))


def module(path: Path) -> str:
    return ".".join(("trainview", *path.relative_to(ROOT).with_suffix("").parts))


def room_of(name: str) -> str:
    return name.split(".")[1]


@cache
def modules() -> frozenset[str]:
    return frozenset(map(module, SOURCES))


def targets(path: Path) -> set[str]:
    """The modules, not packages, that a file imports from."""
    return {
        candidate
        for name in imports(path)
        for candidate in (name, name.rpartition(".")[0])
        if candidate in modules()
    }


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
    doors = {"__init__", "__main__"}
    assert len(set(names) - doors) <= 20


def test_the_modules_of_a_wing_have_no_cycle():
    edges = {
        module(path): {name for name in targets(path) if room_of(name) == room(path)}
        for path in SOURCES
        if path.name != "__init__.py"
    }
    TopologicalSorter(edges).prepare()


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


def test_narwhals_is_used_by_its_stable_name():
    used = {name for path in SOURCES for name in imports(path) if name.startswith("narwhals")}
    assert used == {"narwhals.stable.v2", "narwhals.stable.v2.typing.IntoFrame"}


def test_only_the_client_speaks_http_and_only_it_reads_the_key():
    for path in SOURCES:
        if room(path) == "api":
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
