"""Machines as they are: homes, code pages, time zones and streams that are not there."""

import io
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

import trainview as tv
from tests.api_server import ApiServer
from tests.builders import job, payload
from tests.cli.shell import DATA, environment, fault, logging_as_before, out, start_each
from tests.fetching.test_fetching import KEY, Api, load_jobs
from trainview.cli import run
from trainview.errors import DataWarning

NAMES = payload(
    training_jobs=[
        job(name="ünï 日本 🚀", current_status="TRAINING_JOB_FAILED", error_message="→ ∞")
    ]
)


def test_the_home_is_meant_by_a_tilde_in_every_path(tmp_path):
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    (tmp_path / "s.json").write_bytes(NAMES)
    (tmp_path / "rules.toml").write_text("[rules]\nmax-failure-rate = 1\n")
    for to in ("csv", "parquet", "json"):
        out("export", "~/s.json", "-o", f"~/out-{to}", "--to", to, env=home)
        assert "1" in out("summary", f"~/out-{to}", env=home)
    out("report", "~/s.json", "-o", "~/r.html", env=home)
    out("check", "~/s.json", "--config", "~/rules.toml", env=home)
    made = {path.name for path in tmp_path.iterdir()}
    assert made >= {"s.json", "rules.toml", "out-csv", "out-parquet", "out-json", "r.html"}
    assert not Path("~").exists()
    missing = tmp_path / "none.json"
    assert f"cannot read {missing}" in fault(2, "summary", "~/none.json", env=home)


def test_without_a_home_what_is_fetched_is_not_kept_and_that_is_said(monkeypatch):
    def nowhere(*_, **__):
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr("trainview.files.cache.user_cache_path", nowhere)
    with ApiServer(Api([job()])) as server, pytest.warns(DataWarning, match="^no cache: no folder"):
        fetched = tv.fetch_metrics(load_jobs([job()]), api_key=KEY, base_url=server.url)
    assert len(fetched.failures) == 0


def test_a_tilde_that_leads_nowhere_is_a_path_like_any_other(monkeypatch):
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    with pytest.raises(tv.SourceError, match="cannot read ~/none"):
        tv.load("~/none")


@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252", "LC_ALL": "C", "PYTHONWARNDEFAULTENCODING": "1"},
        {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "PYTHONTZPATH": ""},
    ],
)  # fmt: skip
def test_neither_code_pages_nor_a_lack_of_time_zones_matter(env, tmp_path):
    (tmp_path / "s.json").write_bytes(NAMES)
    commands = [
        ["export", "s.json", "-o", "out", "--to", "csv"],
        ["failures", "s.json"],
        ["gpu", "s.json", "--freq", "D", "--tz", "Europe/Berlin"],
    ]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    _, said = start_each(commands, env=env, cwd=tmp_path, **streams).communicate()
    wrote, *ended = said.decode().splitlines()
    assert wrote.startswith("trainview: wrote out/projects.csv, ")
    assert ended == [f"{words} ended with 0" for words in commands]
    assert "ünï 日本 🚀" in (tmp_path / "out" / "jobs.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["cp1252", "cp437", "cp932", "ascii"])
def test_tables_keep_their_width_on_any_code_page(page, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for words in (["summary", DATA], ["jobs", DATA, "--rows", "3"], ["status", DATA]):
        streams = {name: io.TextIOWrapper(io.BytesIO(), page) for name in ("stdout", "stderr")}
        with mock.patch.multiple(sys, **streams), logging_as_before():
            assert run(list(map(str, words))) == 0
        text = streams["stdout"].buffer.getvalue().decode(page)
        assert "\\u" not in text
        assert max(map(len, text.splitlines())) <= 80
        assert "#" in text or "█" in text or words[0] == "jobs"


@pytest.mark.skipif(os.name != "posix", reason="closes streams as POSIX shells do")
@pytest.mark.parametrize(
    ("shell", "code"), [(">&-", 0), ("2>&-", 0), (">&- 2>&-", 0), (">/dev/full", 6), ("<&-", 2)]
)
def test_streams_that_are_closed_or_full_end_in_no_traceback(shell, code):
    words = [sys.executable, "-m", "trainview", "status", "-"]
    done = subprocess.run(
        ["sh", "-c", f'"$@" {shell}', "sh", *words],
        env=environment(), input=NAMES, capture_output=True, check=False,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr
    assert b"a bug in" not in done.stderr
    assert done.returncode == code
    assert b"could not flush" not in done.stderr
