"""The package as others get it: beside what they have, from where they put it, on what it allows."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import trainview
from tests.cli.shell import fault
from tests.cli.shell import trainview as shell
from trainview.cli import cli

PACKAGE = Path(trainview.__file__).parent
ROOT = PACKAGE.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# The client of the platform that trainview is about; both stand in one environment.
NEIGHBOURS = ["truss>=0.18.36", "baseten>=0.13.1"]
# zoneinfo finds the one where the system has no zones, DuckDB before 2.0 imports the other
IMPORTED_BY_NO_NAME = {"tzdata", "pytz"}
NOT_TRIED_AT_THEIR_OLDEST = {"pyspark"}  # 400 MB more, and a minute of Java

FROM_A_ZIP = """
import importlib.metadata, io, sys

def distribution(name, find=importlib.metadata.distribution):
    if name == "trainview":
        raise importlib.metadata.PackageNotFoundError(name)
    return find(name)

importlib.metadata.distribution = distribution
sys.path.insert(0, sys.argv[1])
from trainview.cli import run

assert sys.argv[1] in run.__code__.co_filename
sys.stdin = io.TextIOWrapper(io.BytesIO(b'{"training_projects": []}'))
sys.exit(run(["--version"]) or run(["report", "-", "-o", sys.argv[2]]))
"""
HELPS = """
import json
from trainview.cli import cli
print(json.dumps({name: command.help for name, command in {"": cli, **cli.commands}.items()}))
"""


def python(*words, **options):
    return subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, check=False, **options
    )


def requirements(*extras):
    """The direct dependencies: of trainview itself, and of some extras."""
    lines = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][name] for name in extras)]
    return [Requirement(line) for line in chain(*lines)]


# What it needs


def test_what_is_imported_is_declared_and_what_is_declared_is_imported():
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    imported = {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"trainview"}
    assert imported | IMPORTED_BY_NO_NAME == {
        needed.name for needed in requirements("excel", "interactive", "duckdb", "polars", "spark")
    }


def test_the_oldest_versions_that_are_tried_are_the_oldest_that_are_allowed():
    lines = (ROOT / "requirements-oldest.txt").read_text(encoding="utf-8").splitlines()
    tried = dict(line.split("==") for line in lines if not line.startswith("#"))
    for needed in requirements("test", "excel"):
        if needed.name in NOT_TRIED_AT_THEIR_OLDEST:
            continue
        (bound,) = needed.specifier
        assert bound.operator == ">=", f"{needed}: a lower bound alone"
        assert Version(bound.version) == Version(tried[needed.name]), needed


def test_it_installs_beside_the_vendors_client(tmp_path):
    # resolved, not installed; a bound of ours that is too high would end in a truss of years ago
    asked = tmp_path / "neighbours.in"
    asked.write_text("\n".join(NEIGHBOURS))
    words = ["-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    words += ["--python-version", PROJECT["requires-python"].removeprefix(">=")]
    done = python(*words, ROOT / "pyproject.toml", asked)
    if "Failed to fetch" in done.stderr and not os.environ.get("CI"):
        pytest.skip(f"NOT TRIED, the package index does not answer: {done.stderr.strip()[:300]}")
    assert done.returncode == 0, done.stderr
    found = dict(re.findall(r"^([\w-]+)==(\S+)", done.stdout, flags=re.MULTILINE))
    for needed in map(Requirement, [*NEIGHBOURS, *PROJECT["dependencies"]]):
        assert found[needed.name] in needed.specifier


# Where it stands


def test_it_runs_from_a_zip_without_its_stub_and_uninstalled(tmp_path):
    archive = tmp_path / "trainview.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in PACKAGE.rglob("*.*"):
            if path.suffix not in {".pyc", ".pyi"}:
                packed.write(path, path.relative_to(ROOT))
    page = tmp_path / "report.html"
    done = python("-c", FROM_A_ZIP, archive, page, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"trainview, version {trainview.__version__}\n"
    assert "<style>" in page.read_text(encoding="utf-8")


def test_without_what_it_needs_it_says_so_in_one_line():
    # -S leaves out the folder of installed packages
    done = python("-S", "-m", "trainview", "--version", cwd=ROOT, env={"PATH": os.environ["PATH"]})
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"trainview: error: click is not installed: .*pip install.*\n", done.stderr)


def test_a_command_names_the_package_that_it_lacks(monkeypatch):
    def lacks(*_, **__):
        raise ModuleNotFoundError("No module named 'pandas'", name="pandas")

    monkeypatch.setattr("trainview.loading.load", lacks)
    assert "error: pandas is not installed: " in fault(2, "status", "jobs.json")
    with pytest.raises(ModuleNotFoundError):
        shell("status", "jobs.json", "--debug")


def test_help_survives_an_interpreter_that_strips_docstrings():
    done = python("-OO", "-c", HELPS)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == {name: command.help for name, command in {"": cli, **cli.commands}.items()}
    assert all(told.values())
