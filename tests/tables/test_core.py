from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from tests.builders import A10G, CPU, job, payload, project
from trainview.reading.records import read_records
from trainview.schema import CORE_TABLES, columns, pandas_dtype
from trainview.tables.core import build_tables, to_records
from trainview.tables.dtypes import to_pandas

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def tables(*payloads: bytes, as_of: datetime | None = None):
    return build_tables([read_records(content) for content in payloads], as_of)


def jobs(*records, as_of=NOON) -> pd.DataFrame:
    return to_pandas(tables(payload(training_jobs=list(records)), as_of=as_of).jobs)


def test_a_job_becomes_one_row_with_every_field():
    record = job(
        instance_type=A10G, node_count=3, priority=5, availability_model="spot",
        user={"email": "a@example.com"}, checkpoint_sync_status="SYNCING",
        current_status="TRAINING_JOB_FAILED", error_message="boom",
    )  # fmt: skip
    listed = payload(training_projects=[project(team_name="vision")], training_jobs=[record])
    assert to_pandas(tables(listed, as_of=NOON).jobs).iloc[0].to_dict() == {
        "job_id": "job1",
        "job_name": "job1-name",
        "project_id": "proj1",
        "project_name": "proj1-name",
        "team_name": "vision",
        "current_status": "TRAINING_JOB_FAILED",
        "status": "failed",
        "phase": "failed",
        "error_message": "boom",
        "created_at": pd.Timestamp("2026-03-01T10:00Z"),
        "updated_at": pd.Timestamp("2026-03-01T13:00Z"),
        "end_at": pd.Timestamp("2026-03-01T13:00Z"),
        "is_open": False,
        "elapsed_hours": 3.0,
        "instance_type_id": "A10G:2x24x96",
        "instance_type": "A10G:2x24x96 - 2 Nvidia A10Gs",
        "gpu_type": "A10G",
        "gpu_count": 2,
        "node_count": 3,
        "gpus": 6,
        "gpu_hours": 18.0,
        "gpu_memory_limit_mib": 49152,
        "memory_limit_mib": 98304,
        "millicpu_limit": 24000,
        "priority": 5,
        "availability_model": "spot",
        "user_email": "a@example.com",
        "checkpoint_sync_status": "SYNCING",
    }


@pytest.mark.parametrize("name", CORE_TABLES)
@pytest.mark.parametrize("content", [payload(training_projects=[]), payload(training_projects=[project(team_name="t", latest_job=job(priority=1))])])  # fmt: skip
def test_a_table_has_its_documented_columns_and_dtypes_also_when_empty(name, content):
    frame = to_pandas(getattr(tables(content), name))
    documented = columns(name)
    assert list(frame.columns) == list(documented["column"])
    for field in CORE_TABLES[name]:
        assert frame[field.name].dtype == pandas_dtype(field), field.name
        if pandas_dtype(field) == "category":
            assert frame[field.name].cat.categories.dtype == "str", field.name


@pytest.mark.parametrize(
    ("status", "end", "elapsed_hours", "gpu_hours"),
    [
        ("RUNNING", "2026-03-02T12:00Z", 26.0, 52.0),
        ("DEPLOYING", "2026-03-02T12:00Z", 26.0, 52.0),
        ("PENDING", "2026-03-02T12:00Z", 26.0, 0.0),
        ("QUEUED", "2026-03-02T12:00Z", 26.0, 0.0),
        ("CREATED", "2026-03-02T12:00Z", 26.0, 0.0),
        ("COMPLETED", "2026-03-01T13:00Z", 3.0, 6.0),
        ("PREEMPTED", "2026-03-01T13:00Z", 3.0, 6.0),
        ("DEPLOY_FAILED", "2026-03-01T13:00Z", 3.0, 0.0),
        ("EVICTED", "2026-03-01T13:00Z", 3.0, 6.0),
    ],
)
def test_an_open_job_lasts_until_as_of_and_only_holders_of_gpus_use_them(
    status, end, elapsed_hours, gpu_hours
):
    [row] = jobs(job(current_status=f"TRAINING_JOB_{status}")).to_dict("records")
    assert row["end_at"] == pd.Timestamp(end)
    assert row["elapsed_hours"] == elapsed_hours
    assert row["gpu_hours"] == gpu_hours


@pytest.mark.parametrize("changes", [{}, {"priority": None, "availability_model": None}])
def test_what_the_vendor_gives_a_default_has_it_where_it_is_absent(changes):
    row = jobs(job(**changes)).iloc[0]
    assert row["priority"] == 0
    assert row["availability_model"] == "dedicated"


def test_missing_is_null_and_not_zero():
    row = jobs(job(name=None, instance_type=CPU)).iloc[0]
    for name in ("job_name", "gpu_type", "gpu_memory_limit_mib", "user_email"):
        assert pd.isna(row[name]), name
    assert (row["gpus"], row["node_count"]) == (0, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"updated_at": "2026-03-01T09:59:59Z"},
        {"updated_at": "2026-03-02T12:00:01Z"},
        {"created_at": "2026-03-05T00:00:00Z", "updated_at": "2026-03-05T01:00:00Z"},
        {"updated_at": "2026-03-01T09:00:00Z", "current_status": "TRAINING_JOB_RUNNING"},
    ],
)
def test_contradictory_times_keep_the_row_and_lose_the_duration(change):
    built = tables(payload(training_jobs=[job(**change), job("job2")]), as_of=NOON)
    frame = to_pandas(built.jobs)
    assert frame["elapsed_hours"].isna().tolist() == [True, False]
    assert frame["gpu_hours"].isna().tolist() == [True, False]
    [note] = built.notes
    assert note.startswith("1 job with inconsistent timestamps")


def test_unknown_statuses_are_kept_and_noted_once():
    built = tables(payload(training_jobs=[job("a", current_status="NEW\x1b"), job("b", current_status="NEW\x1b")]))  # fmt: skip
    assert to_pandas(built.jobs)["status"].tolist() == ["new\x1b", "new\x1b"]
    assert to_pandas(built.jobs)["phase"].tolist() == ["unknown", "unknown"]
    assert built.notes == (r"job statuses that trainview does not know, kept as they are: NEW\x1b",)


def test_categories_stand_in_lifecycle_order():
    frame = jobs(
        job("a", current_status="TRAINING_JOB_FAILED"),
        job("b", current_status="TRAINING_JOB_ALIEN"),
        job("c", current_status="TRAINING_JOB_PENDING"),
    )
    assert list(frame["status"].cat.categories) == ["pending", "failed", "alien"]
    assert list(frame["phase"].cat.categories) == ["waiting", "failed", "unknown"]


def test_of_duplicate_ids_the_newest_wins_with_a_warning_that_counts():
    old = job("a", updated_at="2026-03-01T12:00:00Z", name="old")
    new = job("a", updated_at="2026-03-01T13:00:00Z", name="new")
    built = tables(payload(training_jobs=[job("z"), new, old, old], training_projects=[project(), project(name="n")]))  # fmt: skip
    assert to_pandas(built.jobs)["job_name"].tolist() == ["z-name", "new"]
    assert to_pandas(built.projects)["project_name"].tolist() == ["n"]
    assert built.notes == (
        "1 duplicate project id: the newest record of each is kept",
        "2 duplicate job ids: the newest record of each is kept",
        "1 ended job with a record that changed later: the end is the first one that was seen",
    )


def test_a_latest_job_that_is_also_listed_is_no_duplicate():
    built = tables(payload(training_projects=[project(latest_job=job())], training_jobs=[job(), job("job0")]))  # fmt: skip
    assert to_pandas(built.jobs)["job_id"].tolist() == ["job1", "job0"]
    assert built.notes == ()
    assert not built.latest_only


def test_projects_know_their_latest_job():
    built = tables(
        payload(
            training_projects=[
                project("p1", latest_job=job("stale", project="p1")),
                project("p2"),
                project("p3", latest_job=job("tied", project="p3")),
            ],
            training_jobs=[
                job("newer", project="p1", created_at="2026-03-01T11:00:00Z", current_status="TRAINING_JOB_STOPPED"),
                job("other", project="p3"),
                job("orphan", project="p9"),
            ],
        )
    )  # fmt: skip
    frame = to_pandas(built.projects)
    assert frame["project_id"].tolist() == ["p1", "p2", "p3", "p9"]
    assert frame["latest_job_id"].fillna("-").tolist() == ["newer", "-", "tied", "orphan"]
    assert frame["latest_job_status"].astype("str").fillna("-").tolist() == ["stopped", "-", "completed", "completed"]  # fmt: skip
    assert frame["created_at"].isna().tolist() == [False, False, False, True]
    assert frame["project_name"].tolist()[-1] == "p9-name"


def test_jobs_carry_the_projects_present_name():
    renamed = payload(training_projects=[project(name="new name")], training_jobs=[job()])
    assert to_pandas(tables(renamed).jobs)["project_name"].tolist() == ["new name"]


def test_instance_types_take_the_newest_jobs_word():
    bigger = A10G | {"memory_limit_mib": 1}
    built = tables(
        payload(
            training_jobs=[
                job("a", instance_type=bigger, updated_at="2026-03-01T14:00:00Z"),
                job("b"),
                job("c", instance_type=CPU),
            ]
        )
    )
    frame = to_pandas(built.instance_types)
    assert frame["instance_type_id"].tolist() == ["1x4", "A10G:2x24x96"]
    assert frame["memory_limit_mib"].tolist() == [4096, 1]


def test_as_of_is_the_argument_else_the_saved_one_else_the_newest_time():
    saved = {"format": 1, "as_of": "2026-03-02T00:00:00Z"}
    content = payload(training_projects=[project(latest_job=job())], trainview=saved)
    assert tables(content, as_of=NOON).as_of == NOON
    assert tables(content).as_of == datetime(2026, 3, 2, tzinfo=UTC)
    assert tables(payload(training_jobs=[job()])).as_of == datetime(2026, 3, 1, 13, tzinfo=UTC)
    assert tables(payload(training_projects=[])).as_of is None


def test_parts_of_several_days_keep_what_vanished_as_it_was_last_seen():
    monday = {"format": 1, "as_of": "2026-03-02T00:00:00Z"}
    tuesday = {"format": 1, "as_of": "2026-03-03T00:00:00Z"}
    running = "TRAINING_JOB_RUNNING"
    old = payload(
        trainview=monday,
        training_projects=[project("gone"), project("stays", name="old name")],
        training_jobs=[
            job("vanished", project="gone", current_status=running),
            job("going on", project="stays", current_status=running),
        ],
    )
    new = payload(
        trainview=tuesday,
        training_projects=[project("stays", name="new name", updated_at="2026-03-02T01:00:00Z")],
        training_jobs=[job("going on", project="stays", current_status=running)],
    )
    for parts in ((old, new), (new, old)):
        built = tables(*parts)
        assert built.as_of == datetime(2026, 3, 3, tzinfo=UTC)
        frame = to_pandas(built.jobs).set_index("job_id")
        assert frame.loc["vanished", "elapsed_hours"] == 14.0
        assert frame["is_open"].to_dict() == {"vanished": False, "going on": True}
        [note] = built.notes
        assert note.startswith("1 job that had not ended and then vanished from the API")
        assert frame.loc["going on", "elapsed_hours"] == 38.0
        assert frame.loc["going on", "project_name"] == "new name"
        assert set(to_pandas(built.projects)["project_id"]) == {"gone", "stays"}
        assert_same(build_tables([to_records(built)]), built)


def test_only_its_own_project_says_which_of_two_equally_old_jobs_is_the_latest():
    content = payload(
        training_projects=[project("p1", latest_job=job("aa", project="p1"))],
        training_jobs=[
            job("aa", project="p2", updated_at="2026-03-01T14:00:00Z"),
            job("b", project="p2"),
        ],
    )
    built = tables(content)
    latest = to_pandas(built.projects).set_index("project_id")["latest_job_id"]
    assert latest["p2"] == "b"
    assert_same(build_tables([to_records(built)]), built)


def assert_same(left, right):
    assert (left.as_of, left.latest_only) == (right.as_of, right.latest_only)
    for name in CORE_TABLES:
        assert_frame_equal(to_pandas(getattr(left, name)), to_pandas(getattr(right, name)))


texts = st.text(max_size=6)
times = st.integers(0, 10_000).map(lambda minutes: f"2026-03-{1 + minutes // 1440:02d}T{minutes // 60 % 24:02d}:{minutes % 60:02d}:00.5Z")  # fmt: skip
job_records = st.builds(
    job,
    st.text(alphabet="abc", min_size=1, max_size=2),
    project=st.sampled_from(["p1", "p2", "p3"]),
    current_status=st.sampled_from(["TRAINING_JOB_RUNNING", "TRAINING_JOB_FAILED", "ODD"]),
    created_at=times,
    updated_at=times,
    name=st.none() | texts,
    error_message=st.none() | texts,
    instance_type=st.sampled_from([A10G, CPU]),
    node_count=st.none() | st.integers(1, 8),
    priority=st.none() | st.integers(-5, 5),
    user=st.none() | st.fixed_dictionaries({"email": st.none() | texts}),
)
payloads = st.builds(
    payload,
    training_projects=st.lists(
        st.builds(project, st.sampled_from(["p1", "p2"]), latest_job=st.none() | job_records),
        max_size=3,
    ),
    training_jobs=st.lists(job_records, max_size=6) | st.none(),
)


@settings(deadline=None)
@given(st.lists(payloads, min_size=1, max_size=3))
def test_records_made_from_tables_give_the_same_tables(contents):
    built = tables(*contents)
    assert_same(build_tables([to_records(built)]), built)
    frame = to_pandas(built.jobs)
    assert frame["job_id"].is_unique
    assert to_pandas(built.projects)["project_id"].is_unique
    assert set(frame["project_id"]) <= set(to_pandas(built.projects)["project_id"])
