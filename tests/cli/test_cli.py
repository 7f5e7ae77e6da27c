"""The command line: what each command prints and writes, and how it ends."""

import csv
import gzip
import io
import json
import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from rich.cells import cell_len

import trainview as tv
from tests.builders import job, payload, project
from tests.cli.shell import DATA, KEY, fault, out, start, start_each, trainview
from tests.http_server import Server, hang, reply
from tests.test_snapshot import assert_same, load_quietly
from trainview.cli.layout import lay_out
from trainview.schema import CORE_TABLES, TABLES

TABLE_COMMANDS = ["summary", "status", "gpu", "timeline", "failures", "attention"]


@pytest.mark.parametrize("command", [name for name in TABLE_COMMANDS if name != "summary"])
def test_each_command_gives_the_helpers_rows_as_csv_and_json(command):
    snap = load_quietly(DATA).refine()
    expected = {
        "status": tv.status_counts(snap.jobs),
        "gpu": tv.gpu_usage(snap.jobs),
        "timeline": tv.job_timeline(snap.jobs, phases=snap.job_phases()),
        "failures": tv.failure_rates(snap.jobs),
        "attention": tv.needs_attention(
            snap.jobs, snap.projects, metrics=snap.metrics, prices=snap.prices, queue=snap.queue
        ),
    }[command]
    rows = json.loads(out(command, DATA, "--format", "json"))
    assert list(rows[0]) == list(expected.columns)
    assert len(rows) == len(expected)
    text = out(command, DATA, "--format", "csv", "--raw-csv")
    got = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])
    for name in expected.select_dtypes("number"):
        assert_frame_equal(got[[name]], expected[[name]], check_dtype=False)


def test_the_summary_is_one_object_for_programs_and_a_table_as_csv():
    snap = load_quietly(DATA)
    figures = snap.summary().set_index("figure")["value"]
    found = json.loads(out("summary", DATA, "--format", "json"))
    assert found["as_of"] == snap.as_of.isoformat()
    assert found["notes"] == list(snap.notes)
    assert found["latest_only"] is False
    assert found["jobs"] == len(snap.jobs)
    assert isinstance(found["jobs"], int)
    assert found["gpu_hours"] == pytest.approx(figures["GPU-hours"])
    assert found["billed_usd"] == pytest.approx(figures["USD billed"])
    assert found["failure_rate"] == pytest.approx(figures["failure rate"])
    assert len(found) == len(figures) + 3
    assert all(re.fullmatch("[a-z][a-z_]*", key) for key in found)
    empty = json.loads(out("summary", "-", "--format", "json", stdin=b'{"training_jobs": []}'))
    assert empty["as_of"] is None
    assert empty["failure_rate"] is None
    rows = csv.DictReader(io.StringIO(out("summary", DATA, "--format", "csv")))
    assert [row["figure"] for row in rows] == list(figures.index)


def test_by_and_freq_reach_the_helpers():
    snap = load_quietly(DATA).refine()
    text = out("gpu", DATA, "--by", "project_name", "--format", "csv")
    expected = tv.gpu_usage(snap.jobs, by="project_name")
    assert [row["project_name"] for row in csv.DictReader(io.StringIO(text))][:3] == expected[
        "project_name"
    ].tolist()[:3]
    rows = json.loads(
        out(
            "gpu",
            DATA,
            "--by",
            "user_email, gpu_type",
            "--freq",
            "W",
            "--tz",
            "Europe/Berlin",
            "--format",
            "json",
        )
    )
    assert set(rows[0]) == {
        "user_email",
        "gpu_type",
        "period",
        "gpu_hours",
        "mean_gpus",
        "peak_gpus",
    }
    assert rows[0]["period"].endswith(("+01:00", "+02:00"))
    total = tv.gpu_usage(snap.jobs, by=None)["gpu_hours"].item()
    assert sum(row["gpu_hours"] for row in rows) == pytest.approx(total)
    twice = json.loads(
        out("status", DATA, "--by", "gpu_type", "--by", "node_count", "--format", "json")
    )
    assert list(twice[0])[:2] == ["gpu_type", "node_count"]
    assert len(json.loads(out("gpu", DATA, "--by", "none", "--format", "json"))) == 1
    teams = json.loads(out("gpu", DATA, "--by", "team_name", "--format", "json"))
    assert {row["team_name"] for row in teams} >= {"research", "platform", None}
    assert sum(row["jobs"] for row in teams) == len(snap.jobs)
    errors = json.loads(out("failures", DATA, "--show", "errors", "--format", "json"))
    assert len(errors) == len(tv.error_groups(snap.jobs))
    assert len(
        json.loads(out("attention", DATA, "--waiting-hours", "100", "--format", "json"))
    ) < len(json.loads(out("attention", DATA, "--format", "json")))


@pytest.mark.parametrize("command", [*TABLE_COMMANDS, "columns", "jobs"])
@pytest.mark.parametrize("width", [60, 80, 140])
def test_tables_for_people_fit_the_terminal_and_have_no_colour_in_a_pipe(command, width):
    source = [] if command == "columns" else [DATA]
    text = out(command, *source, env={"COLUMNS": str(width)})
    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text


def test_heads_are_folded_only_where_there_is_no_room():
    row = {"job_id": "j1", "project_name": "p", "estimated_usd": 1.0, "billed_usd": 2.0}
    frame = pd.DataFrame([row | {"difference_usd": 1.0, "gpu_hours": 3.0}])
    texts = {name: [str(value)] for name, [value] in frame.items()}
    folded = {}
    for width in (79, 78, 70, 60):
        layout = lay_out(frame, texts, width)
        assert layout.width() <= width
        folded[width] = sum("\n" in head for head in layout.heads.values())
    assert folded == {79: 0, 78: 1, 70: 3, 60: 6}


@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("by", ["project_name", "project_name,user_email"])
def test_no_digit_is_ever_cut_off(by, width):
    text = out("gpu", DATA, "--by", by, "--rows", "0", env={"COLUMNS": str(width)})
    lines = [line for line in text.splitlines() if line.strip()]
    usage = tv.gpu_usage(load_quietly(DATA).refine().jobs, by=by.split(","))
    rule = next(number for number, line in enumerate(lines) if set(line) == {"─"})
    below = rule + 1 + len(usage)
    assert lines[below].startswith("  GPU-hours count from when jobs left ")
    for line, row in zip(lines[rule + 1 : below], usage.itertuples(), strict=True):
        numbers = [
            f"{row.jobs}",
            f"{row.gpus:,}",
            *("<0.1" if 0 < hours < 0.05 else f"{hours:,.1f}" for hours in row[-3:-1]),
            "<0.1%" if 0 < row.share < 0.0005 else f"{row.share:.1%}",
        ]
        words = [word for word in line.split() if not set(word) & set("█▏▎▍▌▋▊▉")]
        assert words[-5:] == numbers


def test_a_table_says_how_many_rows_it_does_not_show():
    hidden = len(load_quietly(DATA).jobs) - 20
    hint = f"… {hidden} more rows: trainview timeline {DATA} --by project_name --rows 0 shows all"
    wide = {"COLUMNS": "300"}
    for rows in ([], ["--rows", "20"], ["--rows=20"]):
        assert hint in out("timeline", *rows, DATA, "--by", "project_name", env=wide)
    assert "more rows" not in out("timeline", DATA, "--rows", "0")
    but_one = len(load_quietly(DATA).jobs) - 1
    one = out("jobs", "--rows", str(but_one), "--", DATA, env=wide)
    assert f"… 1 more row: trainview jobs --rows 0 -- {DATA} shows all" in one


@pytest.mark.parametrize("command", ["jobs", "timeline"])
def test_a_status_is_not_cut_at_60_columns(command):
    text = out(command, DATA, "--rows", "0", env={"COLUMNS": "60"})
    # in places of the terminal: a sign that only changes the one before it takes none
    assert max(map(cell_len, text.splitlines())) <= 60
    words = [word for line in text.splitlines() for word in line.split()]
    for status, jobs in load_quietly(DATA).jobs["status"].value_counts().items():
        # a long one may be broken behind its hyphen
        broken = words.count("deploy-") if status == "deploy-failed" else 0
        assert words.count(status) + broken >= jobs, status


def test_hints_name_what_was_read(tmp_path):
    source = tmp_path / "my data.json"
    source.write_bytes((DATA / "training_jobs.json").read_bytes())
    text = out("summary", source, "--status", "failed", env={"COLUMNS": "300"})
    assert f"trainview failures '{source}' --status failed --show errors --rows 0 shows all" in text
    assert "SOURCE" not in text


def test_what_fits_in_80_columns_is_not_cut_in_140():
    narrow, wide = (out("summary", DATA, env={"COLUMNS": str(width)}) for width in (80, 140))
    project = r"[\w.-]*\w…\w[\w.-]*"
    assert set(re.findall(project, wide)) <= set(re.findall(project, narrow))
    names = [name for name in load_quietly(DATA).projects["project_name"] if name in narrow]
    assert names
    assert all(name in wide for name in names)


def test_the_summary_tells_the_whole_picture():
    text = out("summary", DATA, env={"COLUMNS": "100"})
    figures = load_quietly(DATA).summary().set_index("figure")["value"]
    for words in (
        f"{figures['projects']:.0f} projects", f"{figures['jobs']:.0f} jobs", "Needs attention",
        "deploying long", "Jobs by status", "deploy-failed", "GPU-hours by GPU type", "H100",
        "Failures by project", "Top failure causes", "No space left on device",
    ):  # fmt: skip
        assert words in text


@pytest.mark.parametrize("content", [payload(training_projects=[]), payload(training_jobs=[job()])])
@pytest.mark.parametrize("command", TABLE_COMMANDS)
def test_small_and_empty_snapshots_read_well(command, content):
    assert out(command, "-", stdin=content)
    for form in ("csv", "json"):
        assert out(command, "-", "--format", form, stdin=content)


def test_hostile_names_are_inert_on_every_stream(tmp_path):
    evil = "evil\x1b[31m\u202e[bold]x[/]"
    content = payload(
        training_projects=[project(name=evil)],
        training_jobs=[job(name=evil, error_message=evil, current_status=evil), job("b", current_status="TRAINING_JOB_FAILED", error_message=evil)],
    )  # fmt: skip
    for command in TABLE_COMMANDS:
        done = trainview(command, "-", stdin=content)
        assert done.returncode == 0
        for stream in (done.stdout, done.stderr):
            assert b"\x1b" not in stream
            assert "\u202e" not in stream.decode()
    assert r"[bold]x[/]" in out("timeline", "-", stdin=content, env={"COLUMNS": "160"})
    assert r"\x1b[31m" in fault(2, "summary", tmp_path / "evil\x1b[31m.json")


def test_csv_cells_are_harmless_unless_asked_otherwise():
    content = payload(training_jobs=[job(name="=1+1")])
    assert "'=1+1" in out("timeline", "-", "--format", "csv", stdin=content)
    assert "'=1+1" not in out("timeline", "-", "--format", "csv", "--raw-csv", stdin=content)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["summary", "no/such/file.json"], 2, "cannot read no/such/file.json: No such file"),
        (["nonsense"], 2, "No such command 'nonsense'"),
        (["gpu", "--format", "xml", DATA], 2, "'xml' is not one of"),
        (["gpu", DATA, "--by", "colour"], 2, "no column 'colour' in the table"),
        (["gpu", DATA, "--by", "team"], 2, "did you mean 'team_name'?"),
        (["gpu", DATA, "--freq", "D", "--tz", "Mars/Base"], 2, "Mars/Base"),
        (["summary", DATA, "--as-of", "yesterday"], 2, "give a moment with a time zone such as"),
        (["columns", "nope"], 2, "no table 'nope'"),
        (["summary"], 2, "or name a file or folder to read"),
        (["summary", DATA, "--rows", "3"], 2, "--rows"),
        (["columns", "--rows", "3"], 2, "--rows"),
        (["gpu", DATA, "--tz", "UTC"], 2, "--tz goes with --freq"),
        (["fetch", "-o", "x.json"], 2, "BASETEN_API_KEY"),
        (["summary", "-"], 5, "empty"),
        (["export", DATA, "-o", "/dev/null", "--to", "json", "--force"], 6, "not a regular file"),
    ],
)
def test_faults_give_one_line_and_their_exit_code(words, code, message):
    assert message in fault(code, *words)


def test_without_a_key_the_shell_is_told_of_the_variable_alone():
    assert fault(2, "fetch", "-o", "x") == "trainview: error: no API key: set BASETEN_API_KEY"


def test_bad_data_names_the_file_the_path_and_the_value(tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_bytes(payload(training_jobs=[job(), job(id=5)]))
    line = fault(5, "gpu", bad)
    assert line == (
        f"trainview: error: {bad}: training_jobs[1].id: expected text, got 5; "
        "--skip-bad leaves such records out"
    )


def test_debug_adds_the_traceback(tmp_path):
    done = trainview("summary", tmp_path / "none.json", "--debug")
    assert done.returncode == 2
    assert b"Traceback" in done.stderr


def test_verbose_tells_about_unknown_fields():
    done = trainview("status", "-", "-v", stdin=payload(training_jobs=[job(colour="red")]))
    assert b"unknown field training_jobs.colour, 1 times" in done.stderr
    assert (
        b"colour"
        not in trainview("status", "-", stdin=payload(training_jobs=[job(colour="red")])).stderr
    )


def test_what_is_odd_is_told_by_the_summary_and_by_verbose():
    content = payload(training_jobs=[job(current_status="ODD\x1b")])
    note = r"job statuses that trainview does not know, kept as they are: ODD\x1b"
    done = trainview("status", "-", "--format", "json", stdin=content)
    assert done.stderr == b""
    json.loads(done.stdout)
    verbose = trainview("status", "-", "-v", stdin=content).stderr.decode()
    assert f"trainview: {note}\n" in verbose
    text = out("summary", "-", stdin=content, env={"COLUMNS": "140"})
    assert f"Data quality\n- {note}" in text


def test_warnings_are_lines_on_stderr():
    bad = payload(training_jobs=[job(), job("j2", created_at="soon")])
    done = trainview("status", "-", "--skip-bad", "--format", "json", stdin=bad)
    [line] = done.stderr.decode().splitlines()
    assert line.startswith("trainview: warning: 1 record left out, all totals are without")
    json.loads(done.stdout)


DATE = {"date": "Sun, 01 Mar 2026 12:00:00 GMT"}
PROJECTS = payload(
    training_projects=[
        project(latest_job=job(current_status="TRAINING_JOB_RUNNING", new_field=[1]))
    ]
)
JOBS = payload(
    training_jobs=[
        job(
            current_status="TRAINING_JOB_RUNNING",
            updated_at="2026-03-01T11:00:00.5Z",
            new_field=[1],
        ),
        job("old", updated_at="2026-03-01T10:30:00Z"),
    ],
    added=True,
)
PROJECTS = PROJECTS.replace(b"2026-03-01T13:00:00Z", b"2026-03-01T11:00:00Z")


def test_fetch_saves_what_the_api_said_and_gpu_reads_it(tmp_path):
    saved = tmp_path / "snapshot.json"
    with Server(reply(PROJECTS, **DATE), reply(JOBS, **DATE)) as server:
        done = trainview("fetch", "-o", saved, "--base-url", server.url, key=KEY)
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout == b""
        assert b"1 project, 2 jobs (1 open)" in done.stderr
        sent = [
            (request.method, request.target, request.headers["authorization"])
            for request in server.requests
        ]
    assert sent == [
        ("GET", "/v1/training_projects", f"Api-Key {KEY}"),
        ("POST", "/v1/training_jobs/search", f"Api-Key {KEY}"),
    ]
    content = saved.read_bytes()
    for said in (PROJECTS, JOBS):
        assert said[1:-1] in content
    assert KEY.encode() not in content
    snap = tv.load(saved)
    assert snap.as_of == pd.Timestamp("2026-03-01T12:00Z")
    assert snap.jobs["elapsed_hours"].tolist() == [2.0, 0.5]
    text = out("gpu", saved, "--by", "project_name", "--format", "csv")
    assert text.splitlines() == [
        '"project_name","jobs","gpus","elapsed_hours","gpu_hours","share"',
        '"proj1-name",2,4,2.5,5,1',
    ]


def test_fetch_in_python_gives_the_same_snapshot_as_the_saved_file(tmp_path, monkeypatch):
    monkeypatch.setenv("BASETEN_API_KEY", KEY)
    with Server(reply(PROJECTS, **DATE), reply(JOBS, **DATE)) as server:
        fetched = tv.fetch(base_url=server.url)
    with Server(reply(PROJECTS, **DATE), reply(JOBS, **DATE)) as server:
        out("fetch", "-o", tmp_path / "s.json.gz", "--base-url", server.url, key=KEY)
    assert gzip.decompress((tmp_path / "s.json.gz").read_bytes()).startswith(b'{"trainview"')
    assert_same(tv.load(tmp_path / "s.json.gz"), fetched)
    assert KEY not in repr(fetched)


def test_fetch_latest_makes_the_one_call_of_the_seed_page():
    with Server(reply(PROJECTS, **DATE)) as server:
        text = out("fetch", "-o", "-", "--jobs", "latest", "--base-url", server.url, key=KEY)
        assert [request.target for request in server.requests] == ["/v1/training_projects"]
    snap = tv.load(text.encode())
    assert snap.latest_only
    assert snap.jobs["job_id"].tolist() == ["job1"]


def test_without_a_source_a_command_asks_the_api():
    with Server(reply(PROJECTS, **DATE), reply(JOBS, **DATE)) as server:
        rows = json.loads(out("status", "--format", "json", "--base-url", server.url, key=KEY))
    assert {row["status"]: row["jobs"] for row in rows} == {"running": 1, "completed": 1}


def test_a_job_newer_than_the_dates_second_moves_as_of_by_that_fraction():
    newest = JOBS.replace(b"2026-03-01T11:00:00.5Z", b"2026-03-01T12:00:00.5Z")
    with Server(reply(PROJECTS, **DATE), reply(newest, **DATE)) as server:
        snap = tv.fetch(base_url=server.url, api_key=KEY)
    assert snap.as_of == pd.Timestamp("2026-03-01T12:00:00.5Z")
    assert snap.jobs["elapsed_hours"].notna().all()


@pytest.mark.parametrize(
    ("answers", "code", "message"),
    [
        ([reply(b'{"error": "bad key"}', "401 Unauthorized")], 3, "refused the key (401)"),
        ([reply(b"{}", "404 Not Found")], 4, "404"),
        ([reply(b"<html>", "200 OK", content_type="text/html")], 4, "the network, and --base-url"),
        (
            [reply(b'{"training_projects": [3]}')],
            5,
            "training_projects[0]: expected an object, got 3",
        ),
    ],
)
def test_faults_of_the_api_leave_the_old_file_and_never_show_the_key(
    answers, code, message, tmp_path
):
    saved = tmp_path / "snapshot.json"
    saved.write_text("old")
    with Server(*answers) as server:
        for more in ([], ["--debug"]):
            done = trainview(
                "fetch", "-o", saved, "--force", "--base-url", server.url, *more, key=KEY
            )
            assert done.returncode == code
            assert message in done.stderr.decode().splitlines()[-1]
            assert KEY.encode() not in done.stdout + done.stderr
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"snapshot.json": "old"}


@pytest.mark.usefixtures("no_waiting")
def test_a_dead_server_is_a_network_error(tmp_path):
    with Server(reply(b"{}")) as server:
        url = server.url
    line = fault(4, "fetch", "-o", tmp_path / "x", "--base-url", url, key=KEY)
    assert "127.0.0.1" in line
    assert line.endswith(": check the connection and --base-url")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_stops_fetch_before_the_api_is_asked(tmp_path):
    (tmp_path / "s.json").write_text("old")
    with Server(reply(PROJECTS)) as server:
        line = fault(6, "fetch", "-o", tmp_path / "s.json", "--base-url", server.url, key=KEY)
        assert server.requests == []
    assert "exists: replace it with --force" in line


def test_ctrl_c_while_fetching_ends_with_130_and_the_old_file(tmp_path):
    (tmp_path / "s.json").write_text("old")
    with Server(hang) as server:
        words = ("fetch", "-o", tmp_path / "s.json", "--force", "--base-url", server.url)
        process = start(*words, key=KEY, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 30
        while not server.requests and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stderr.decode().strip() == "trainview: interrupted"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"s.json": "old"}


def test_export_writes_every_format_and_needs_force_to_replace(small_fleet, tmp_path):
    snap = load_quietly(small_fleet)
    assert all(len(getattr(snap, name)) for name in TABLES if name != "caches")
    for form in ("csv", "parquet", "json"):
        target = tmp_path / f"out-{form}"
        words = ("export", small_fleet, "-o", target, "--to", form)
        assert out(*words) == ""
        kept = CORE_TABLES if form == "json" else TABLES
        loaded = load_quietly(target)
        for name in kept:
            assert_frame_equal(getattr(loaded, name), getattr(snap, name), obj=name)
        assert "exists" in fault(6, *words)
        out(*words, "--force")


def test_report_writes_a_page_and_needs_force_to_replace_it(tmp_path):
    source, page = tmp_path / "jobs.json", tmp_path / "report.html"
    source.write_bytes(payload(training_jobs=[job()]))
    done = trainview("report", source, "-o", page)
    assert done.returncode == 0
    assert f"wrote {page}: open it in a browser" in done.stderr.decode()
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    before = page.read_bytes()
    assert "exists" in fault(6, "report", source, "-o", page)
    assert page.read_bytes() == before
    out("report", source, "-o", page, "--force")


def test_a_full_disk_is_one_line():
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("wb") as full:
        words = ("timeline", DATA, "--format", "csv")
        process = start(*words, stdout=full, stderr=subprocess.PIPE)
        _, stderr = process.communicate()
    assert process.returncode == 6
    assert stderr.decode().splitlines()[-1] == (
        "trainview: error: cannot write standard output: No space left on device"
    )


def test_a_closed_pipe_ends_quietly(small_fleet):
    commands = [["timeline", "--format", "csv"], ["gpu"], ["summary"], ["failures"], ["columns"]]
    for words in commands[:-1]:
        words.insert(1, str(small_fleet))
    reader, writer = os.pipe()
    os.close(reader)
    process = start_each(commands, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    _, stderr = process.communicate()
    said = stderr.decode().splitlines()
    assert [line for line in said if not line.startswith("trainview: warning:")] == [
        f"{words} ended with 0" for words in commands
    ]


def on_a_terminal(stream: str, *words: object, **env: str) -> str:
    """What a terminal is sent on one stream."""
    ours, theirs = pty.openpty()
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | {stream: theirs}
    process = start(*words, env={"TERM": "xterm-256color", "COLUMNS": "80"} | env, **streams)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 65536):
            shown += chunk
    except OSError:  # the end, as Linux tells it
        pass
    os.close(ours)
    assert process.wait(30) == 0
    return shown.decode()


def test_a_terminal_gets_colour():
    assert "\x1b[" in on_a_terminal("stdout", "status", DATA)


@pytest.mark.parametrize(("seconds", "shown"), [(1.5, True), (0, False)])
def test_a_terminal_sees_that_something_slow_goes_on(seconds, shown):
    def slowly(wire):
        wire.pause(seconds)
        wire.send(reply(PROJECTS, **DATE))

    with Server(slowly) as server:
        words = ("status", "--jobs", "latest", "--base-url", server.url)
        text = on_a_terminal("stderr", *words, BASETEN_API_KEY=KEY)
    assert ("asking the API" in text) == shown


def test_sample_makes_the_same_files_again(tmp_path):
    out("sample", tmp_path, "--projects", "3", "--jobs-per-project", "4", "--seed", "7")
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {"training_jobs.json", "training_capacity.json", "metrics.parquet"} < set(first)
    assert "exists" in fault(6, "sample", tmp_path)
    out("sample", tmp_path, "--projects", "3", "--jobs-per-project", "4", "--seed", "7", "--force")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first
    out("sample", tmp_path / "lists", "--projects", "3", "--only-lists")
    assert sorted(path.name for path in (tmp_path / "lists").iterdir()) == [
        "training_jobs.json",
        "training_projects.json",
    ]


def test_columns_prints_the_data_dictionary():
    rows = json.loads(out("columns", "jobs", "--format", "json"))
    assert rows == tv.columns("jobs").to_dict("records")


@pytest.mark.parametrize(
    "command", [*TABLE_COMMANDS, "export", "report", "fetch", "sample", "columns"]
)
def test_every_help_text_has_an_example_that_names_the_command(command):
    text = out(command, "--help")
    assert f"Example: trainview {command} " in text
    assert max(len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize(
    ("words", "stdin", "code"),
    [
        (
            ["status", "-", "-v"],
            payload(training_jobs=[job(colour="red", current_status="ODD")]),
            0,
        ),
        (["timeline", "-", "--format", "csv"], payload(training_jobs=[job(name="ü\x1b🚀")]), 0),
        (["summary", "-"], b"[]", 5),
        (["gpu", "--rows", "x"], b"", 2),
    ],
)
def test_a_process_of_its_own_says_the_same(words, stdin, code):
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    process = start(*words, **pipes)
    said = process.communicate(stdin)
    assert (process.returncode, *said) == trainview(*words, stdin=stdin)
    assert process.returncode == code


def test_the_version_is_told():
    assert out("--version") == f"trainview, version {tv.__version__}\n"
