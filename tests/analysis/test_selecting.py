"""Snapshots of some projects, teams, users and statuses."""

import pandas as pd
import pytest

import trainview as tv
from tests.builders import CPU, job, payload, project
from trainview.errors import ArgumentError
from trainview.schema import FLEET_TABLES
from trainview.tables.dtypes import empty_frame

OF_JOBS = ["queue", "status_events", "checkpoints", "metrics", "logs"]
NAMES = {"j1": "llm", "j2": "llm", "j3": "asr", "old": "asr", "older": "gone"}


def rows(name: str, job_ids: list[str], **columns: object) -> pd.DataFrame:
    """Give a table of the snapshot rows that say nothing but whose they are."""
    table = empty_frame(name).reindex(range(len(job_ids)))
    for field in FLEET_TABLES[name]:
        if not field.nullable and str(field.type) in {"int64", "bool"}:
            table[field.name] = 0
    return table.assign(job_id=job_ids, **columns)


@pytest.fixture(scope="module")
def snap() -> tv.Snapshot:
    jobs = [
        job("j1", project="p1", user={"email": "ada@example.com"}, current_status="TRAINING_JOB_RUNNING"),
        job("j2", project="p1", user={"email": "bob@example.com"}),
        job("j3", project="p2", user={"email": "ada@example.com"}, instance_type=CPU),
        job("j4", project="p9", user=None, current_status="TRAINING_JOB_EVICTED"),
    ]  # fmt: skip
    for one, name in zip(jobs, ["llm", "llm", "asr", "lost"], strict=True):
        one["training_project"]["name"] = name
    projects = [
        project("p1", name="llm", team_name="research"),
        project("p2", name="asr", team_name="speech"),
        project("p3", name="idle", team_name="speech"),
    ]
    loaded = tv.load(payload(training_projects=projects, training_jobs=jobs))
    tables = {name: rows(name, ["j1", "j2", "j3"]) for name in OF_JOBS}
    billed = rows("billing", list(NAMES), subtotal_usd=1.0)
    billed["project_name"] = list(NAMES.values())
    billed["team_name"] = [None, None, None, None, "speech"]
    return tv.Snapshot(
        **{
            **{name: getattr(loaded, name) for name in ("projects", "jobs", "instance_types")},
            **tables,
            "as_of": loaded.as_of,
            "billing": billed,
            "capacity": empty_frame("capacity")
            .reindex(range(3))
            .assign(team_name=[None, "research", "speech"]),
            "caches": empty_frame("caches").reindex(range(2)).assign(project_id=["p1", "p2"]),
            "not_fetched": pd.DataFrame(
                {
                    "table": ["logs", "logs", "prices", "caches"],
                    "job_id": ["j1", "j3", None, None],
                    "project_id": ["p1", "p2", None, "p3"],
                }
            ),
        }
    )


def ids(table: pd.DataFrame) -> list[str]:
    return table["job_id"].tolist()


@pytest.mark.parametrize(
    ("asked", "projects", "jobs"),
    [
        ({"projects": "llm"}, ["p1"], ["j1", "j2"]),
        ({"projects": ["p2", "llm"]}, ["p1", "p2"], ["j1", "j2", "j3"]),
        ({"projects": pd.Series(["p2", "llm"])}, ["p1", "p2"], ["j1", "j2", "j3"]),
        ({"projects": "lost"}, ["p9"], ["j4"]),
        ({"teams": "speech"}, ["p2", "p3"], ["j3"]),
        ({"users": "ada@example.com"}, ["p1", "p2"], ["j1", "j3"]),
        ({"statuses": ["Running", "TRAINING_JOB_EVICTED"]}, ["p1", "p9"], ["j1", "j4"]),
        ({"users": "ada@example.com", "teams": ["speech", "research"], "projects": "asr"}, ["p2"], ["j3"]),
        ({"statuses": "pending"}, [], []),
        ({}, ["p1", "p2", "p3", "p9"], ["j1", "j2", "j3", "j4"]),
    ],
)  # fmt: skip
def test_what_is_selected_is_selected_in_all_tables(snap, asked, projects, jobs):
    found = snap.select(**asked)
    assert sorted(found.projects["project_id"]) == projects
    assert sorted(ids(found.jobs)) == jobs
    for name in OF_JOBS:
        assert ids(getattr(found, name)) == [job_id for job_id in jobs if job_id != "j4"]
        assert list(getattr(found, name)) == list(getattr(snap, name))
    assert set(found.instance_types["instance_type_id"]) == set(found.jobs["instance_type_id"])
    assert found.caches["project_id"].tolist() == [one for one in projects if one in {"p1", "p2"}]
    assert found.not_fetched["job_id"].dropna().isin(jobs).all()
    of_no_job = found.not_fetched[found.not_fetched["job_id"].isna()]
    assert of_no_job["table"].tolist() == ["prices", *(["caches"] if "p3" in projects else [])]
    assert found.as_of == snap.as_of


def test_bills_of_deleted_jobs_go_with_their_projects(snap):
    assert ids(snap.select(projects="asr").billing) == ["j3", "old"]
    assert ids(snap.select(teams="speech").billing) == ["j3", "old", "older"]
    assert ids(snap.select(teams="research").billing) == ["j1", "j2"]
    assert ids(snap.select(teams="speech", projects="asr").billing) == ["j3", "old"]
    assert ids(snap.select(projects="llm").billing) == ["j1", "j2"]
    # nobody knows whose they were
    assert ids(snap.select(users="ada@example.com").billing) == ["j1", "j3"]


@pytest.mark.parametrize("name", ["projects", "teams", "users", "statuses"])
@pytest.mark.parametrize("asked", [3, [3], [None], ["llm", float("nan")], pd.Series([1])])
def test_what_is_no_text_is_refused(snap, name, asked):
    with pytest.raises(tv.ArgumentError, match=f"^{name}=.*expected a text or a list of texts"):
        snap.select(**{name: asked})


def test_limits_of_other_teams_go(snap):
    limits = snap.select(teams="speech").capacity["team_name"]
    assert limits.dropna().tolist() == ["speech"]
    assert len(limits) == 2
    assert len(snap.select(projects="asr").capacity) == 3


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"projects": "llms"}, "projects: no 'llms' in the data: there are .*; did you mean 'llm'"),
        ({"teams": "Speech"}, "did you mean 'speech'"),
        ({"users": "eve"}, "users: no 'eve' in the data: there are ada@example.com"),
        ({"statuses": "runing"}, "did you mean 'running'"),
    ],
)  # fmt: skip
def test_a_name_that_is_not_there_is_an_error(snap, asked, message):
    with pytest.raises(ArgumentError, match=message):
        snap.select(**asked)
