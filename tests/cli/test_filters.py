"""Which jobs a command is about, and the list of jobs."""

import json
import re

import pytest

import trainview as tv
from tests.builders import job, payload, project
from tests.cli.shell import DATA, fault, out
from tests.test_snapshot import load_quietly
from trainview.cli import cli

READ_JOBS = [
    "attention", "check", "compare", "cost", "export", "failures", "goodput", "gpu", "jobs", "queue", "quota", "report",
    "status", "summary", "timeline", "utilization",
]  # fmt: skip


@pytest.fixture(scope="module")
def data() -> tv.Snapshot:
    return load_quietly(DATA).refine()


def listed(*words: object) -> list[dict]:
    return json.loads(out(*words, "--format", "json"))


def test_every_command_that_reads_jobs_takes_the_filters():
    for command in READ_JOBS:
        options = {word for option in cli.commands[command].params for word in option.opts}
        assert {"--since", "--until", "--project", "--team", "--user", "--status"} <= options, (
            command
        )


def test_jobs_are_listed_newest_first(data):
    jobs = listed("jobs", DATA)
    assert len(jobs) == len(data.jobs)
    created = [job["created_at"] for job in jobs]
    assert created == sorted(created, reverse=True)
    lines = out("jobs", DATA, "--rows", "3", env={"COLUMNS": "80"}).splitlines()
    heads = "job_id job_name project_name status created_at hours gpus"
    assert lines[1].split() == heads.split()
    assert lines[3].split()[0] == jobs[0]["job_id"]
    assert f"{data.jobs['created_at'].max():%Y-%m-%d %H:%M}" in lines[3]


def test_filters_narrow_down_together_and_names_of_one_widen_it(data):
    first, second = data.projects["project_name"].iloc[[0, 1]]
    jobs = data.jobs[data.jobs["project_name"].isin([first, second])]
    ids = {row["job_id"] for row in listed("jobs", DATA, "--project", f"{first}, {second}")}
    assert ids == set(jobs["job_id"])
    again = listed("jobs", DATA, "--project", first, "--project", second, "--status", "completed")
    assert {row["job_id"] for row in again} == set(
        jobs.loc[jobs["status"] == "completed", "job_id"]
    )
    user = jobs["user_email"].dropna().iloc[0]
    usage = listed("gpu", DATA, "--user", user, "--by", "user_email")
    assert [row["user_email"] for row in usage] == [user]


def test_a_filter_reaches_every_table(data):
    team = data.projects["team_name"].dropna().iloc[0]
    found = listed("utilization", DATA, "--team", team, "--by", "project_name")
    of_team = data.projects.loc[data.projects["team_name"] == team, "project_name"]
    assert {row["project_name"] for row in found} <= set(of_team)
    bills = listed("cost", DATA, "--team", team, "--show", "bill")
    gone = data.billing.loc[data.billing["team_name"] == team, "project_name"]
    assert {row["project_name"] for row in bills} <= {*of_team, *gone.dropna(), None}
    assert sum(row["billed_usd"] or 0 for row in bills) > 0


def test_a_window_reaches_every_table(data):
    window = data.clip("30d", "20d").jobs
    found = listed("jobs", DATA, "--since", "30d", "--until", "20d")
    assert {row["job_id"] for row in found} == set(window["job_id"])
    assert sum(row["gpu_hours"] for row in found) == pytest.approx(window["gpu_hours"].sum())
    # what ended later was running at its end
    ran = listed("jobs", DATA, "--until", "20d", "--status", "running")
    assert {row["status"] for row in ran} == {"running"}
    ended = set(data.jobs.loc[~data.jobs["is_open"], "job_id"])
    assert {row["job_id"] for row in ran} & ended


def test_a_name_with_a_comma_is_a_name():
    jobs = [job("j1", project="p1"), job("j2", project="p2")]
    jobs[0]["training_project"]["name"] = "a, b"
    content = payload(training_projects=[project("p1", name="a, b")], training_jobs=jobs)
    found = json.loads(out("jobs", "-", "--project", "a, b", "--format", "json", stdin=content))
    assert [row["job_id"] for row in found] == ["j1"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--status", "complete"], "--status: no 'complete' in the data: .* mean 'completed'"),
        (["--project", "nosuchthing"], "--project: no 'nosuchthing' in the data: there are "),
        (["--user", "x,y"], "--user: no '[xy]' in the data"),
        (["--since", "soon"], "Invalid value for '--since': 'soon': give "),
        (
            ["--since", "2026-03-20", "--until", "2026-03-10"],
            "--until '2026-03-10': give a moment after",
        ),
        (["--since", "2126-01-01"], "--since '2126-01-01': give a moment before that of the data"),
    ],
)
def test_a_name_that_is_not_there_is_an_error_that_names_the_option(words, message):
    assert re.search(message, fault(2, "jobs", DATA, *words))


def test_messages_name_the_option_that_was_typed():
    content = payload(training_jobs=[job()])
    wrong = fault(2, "jobs", "-", "--source-tz", "Mars", stdin=content)
    assert "error: --source-tz 'Mars' is no time zone" in wrong
    assert "error: --tz 'Mars': give the name of a time zone" in fault(
        2, "gpu", "-", "--freq", "D", "--tz", "Mars", stdin=content
    )
    unmeasured = fault(2, "check", "-", "--min-utilization", "0.5", stdin=content)
    assert "--min-utilization: there is no data for it (metrics): trainview fetch" in unmeasured
    assert unmeasured.endswith("--with metrics gets it")


def test_a_table_that_is_empty_may_be_so_by_the_filters():
    content = payload(training_jobs=[job()])
    words = ("--since", "7d", "--status", "completed")
    message = fault(2, "checkpoints", "-", *words, stdin=content)
    assert "there is no checkpoints table, or none of it for --status and --since: " in message
    assert "there is no checkpoints table: " in fault(2, "checkpoints", "-", stdin=content)
