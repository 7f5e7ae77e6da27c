"""The lists of projects and jobs: as the API documents them, believable, and with all that is odd."""

import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta, timezone
from itertools import accumulate, pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.sampling.fleets import gpus, listed, moment
from trainview import schema
from trainview.errors import ArgumentError, OutputError
from trainview.sampling import Fleet, sample
from trainview.sampling.writing import write_sample
from trainview.statuses import STATUSES, status_of

DATA = Path(__file__).parents[2] / "data"

# The fields that the API's reference page requires; all others may be absent.
REQUIRED = {
    "project": {"id", "name", "created_at", "updated_at", "latest_job"},
    "job": {
        "id",
        "created_at",
        "current_status",
        "instance_type",
        "updated_at",
        "training_project_id",
        "training_project",
    },
    "instance_type": {field.name for field in schema.INSTANCE_TYPE},
    "training_project": {"id", "name"},
    "user": {"email"},
}


@pytest.fixture
def payload(fleet):
    return fleet.payload


@pytest.fixture
def any_seed(any_fleet):
    return any_fleet.payload


def as_of(payload):
    return moment(payload["trainview"]["as_of"])


def label(job):
    return status_of(job["current_status"]).label


def elapsed(job):
    return moment(job["updated_at"]) - moment(job["created_at"])


def jobs_of(payload, project_name):
    jobs = payload["training_jobs"]
    return [job for job in jobs if job["training_project"]["name"] == project_name]


def check_record(kind, record, struct):
    fields = {field.name: field for field in struct}
    assert REQUIRED[kind] <= record.keys() <= fields.keys()
    for name, value in record.items():
        field = fields[name]
        if value is None:
            assert field.nullable, (kind, name)
        elif pa.types.is_struct(field.type):
            check_record("job" if name == "latest_job" else name, value, field.type)
        elif pa.types.is_integer(field.type):
            assert type(value) is int
            assert value >= (name == "node_count")
        else:
            assert isinstance(value, str)
            if pa.types.is_timestamp(field.type):
                assert moment(value).utcoffset() == timedelta(0)


# --- The same every time ------------------------------------------------------------------------


def test_equal_arguments_give_equal_payloads(payload):
    assert sample() == payload
    assert sample(seed=1) != payload


def test_frozen_data_is_what_the_generator_writes(tmp_path, fleet):
    files = write_sample(tmp_path, fleet)
    assert {file.name for file in files} == {file.name for file in DATA.iterdir()} - {"README.md"}
    for file in files:
        stale = f"{file.name} is stale: run trainview sample data/ --force"
        if file.suffix == ".json":
            assert file.read_bytes() == (DATA / file.name).read_bytes(), stale
        else:
            # the bytes of a Parquet file differ with the version of its writer
            assert pq.read_table(file).equals(pq.read_table(DATA / file.name)), stale


def test_frozen_data_is_small_readable_and_recent(payload):
    texts = [(DATA / f"{key}.json").read_text("utf-8") for key in list(payload)[1:]]
    assert sum(map(len, texts)) < 1_000_000
    assert "日本語" in texts[0]
    # A header and a footer, and between them one record a line.
    assert [text.count("\n") for text in texts] == [40 + 2, 600 + 2]
    assert sum(file.stat().st_size for file in DATA.iterdir()) < 1_500_000
    newest = max(moment(job["updated_at"]) for job in payload["training_jobs"])
    assert as_of(payload) - newest < timedelta(minutes=2)


# --- Shape --------------------------------------------------------------------------------------


def test_records_are_what_the_api_documents(any_seed):
    for project in any_seed["training_projects"]:
        check_record("project", project, schema.PROJECT)
    for job in any_seed["training_jobs"]:
        check_record("job", job, schema.JOB)


def test_ids_look_like_the_apis_and_are_unique(any_seed):
    records = [*any_seed["training_projects"], *any_seed["training_jobs"]]
    ids = [record["id"] for record in records]
    assert len(set(ids)) == len(ids) == 640
    assert all(len(i) == 7 and i.isalnum() and i == i.lower() for i in ids)


def test_jobs_are_newest_first_and_belong_to_their_projects(any_seed):
    jobs = any_seed["training_jobs"]
    created = [moment(job["created_at"]) for job in jobs]
    assert created == sorted(created, reverse=True)
    names = {project["id"]: project["name"] for project in any_seed["training_projects"]}
    for job in jobs:
        assert job["training_project"]["id"] == job["training_project_id"]
        assert job["training_project"]["name"] == names[job["training_project_id"]]


def test_latest_job_is_the_newest_of_the_project(any_seed):
    newest = {}
    for job in any_seed["training_jobs"]:
        newest.setdefault(job["training_project_id"], job)
    for project in any_seed["training_projects"]:
        assert project["latest_job"] == newest.get(project["id"])


def test_times_are_coherent(any_seed):
    end = as_of(any_seed)
    born = {p["id"]: moment(p["created_at"]) for p in any_seed["training_projects"]}
    for project in any_seed["training_projects"]:
        assert moment(project["created_at"]) <= moment(project["updated_at"]) <= end
    for job in any_seed["training_jobs"]:
        assert born[job["training_project_id"]] < moment(job["created_at"]) <= end
        assert moment(job["updated_at"]) <= end
        assert moment(job["created_at"]) > end - timedelta(days=91)


def test_instance_types_agree_with_themselves(any_seed):
    types = {}
    for job in any_seed["training_jobs"]:
        instance = job["instance_type"]
        assert types.setdefault(instance["id"], instance) == instance
        is_cpu = instance["gpu_type"] is None
        assert is_cpu == (instance["gpu_count"] == 0)
        assert is_cpu == (instance["gpu_memory_limit_mib"] is None)
        if job.get("node_count", 1) > 1:
            assert instance["gpu_count"] == 8
            assert job["node_count"] <= 8
    assert types["H200:8x208x1872"]["gpu_memory_limit_mib"] == 1155072
    assert types["H100:2x52x468"]["gpu_memory_limit_mib"] == 81920


# --- A believable organisation ------------------------------------------------------------------


def test_every_status_appears_and_most_jobs_complete(any_seed):
    counts = Counter(map(label, any_seed["training_jobs"]))
    assert counts.keys() == {status.label for status in STATUSES} | {"evicted"}
    assert counts["evicted"] == 1
    assert 0.55 < counts["completed"] / 600 < 0.75
    assert 0.12 < counts["failed"] / 600 < 0.25
    assert counts["running"] >= 5


def test_people_work_on_weekdays_by_day(any_seed):
    times = [moment(job["created_at"]) for job in any_seed["training_jobs"]]
    weekend = sum(time.weekday() >= 5 for time in times)
    day = sum(8 <= time.hour < 18 for time in times)
    night = sum(time.hour < 7 or time.hour >= 22 for time in times)
    assert weekend < 0.12 * len(times)
    assert day > 0.75 * len(times)
    assert 0 < night < 0.15 * len(times)


def test_gpus_in_use_stay_plausible(any_seed):
    steps = []
    for job in any_seed["training_jobs"]:
        status = status_of(job["current_status"])
        if status.holds_gpus:
            end = moment(job["updated_at"]) if status.terminal else as_of(any_seed)
            steps += [(moment(job["created_at"]), gpus(job)), (end, -gpus(job))]
    assert 128 <= max(accumulate(change for _, change in sorted(steps))) <= 256


def test_large_runs_take_long_and_small_ones_do_not(any_seed):
    hours = defaultdict(list)
    for job in any_seed["training_jobs"]:
        if label(job) == "completed":
            size = "large" if gpus(job) >= 32 else "small" if gpus(job) <= 1 else "middle"
            hours[size].append(elapsed(job) / timedelta(hours=1))
    typical = {size: sorted(values)[len(values) // 2] for size, values in hours.items()}
    assert 10 < typical["large"] < 60
    assert 0.2 < typical["small"] < 4


def test_few_projects_have_most_jobs(any_seed):
    counts = Counter(job["training_project_id"] for job in any_seed["training_jobs"]).most_common()
    assert sum(count for _, count in counts[:10]) > 0.45 * 600


def test_sweeps_come_in_bursts(payload):
    times = defaultdict(list)
    for job in payload["training_jobs"]:
        if job["name"] and "-seed-" in job["name"]:
            times[job["training_project_id"]].append(moment(job["created_at"]))
    close = [
        later - earlier < timedelta(minutes=2)
        for each in times.values()
        for later, earlier in pairwise(each)
    ]
    assert len(close) > 20
    assert sum(close) > 0.6 * len(close)


def test_users_and_teams_are_roles(payload):
    emails = {job["user"]["email"] for job in payload["training_jobs"] if job.get("user")}
    assert "ml-eng-03@example.com" in emails
    assert all(email.endswith("@example.com") for email in emails)
    teams = {project.get("team_name") for project in payload["training_projects"]}
    assert teams == {None, "research", "post-training", "speech", "vision", "platform"}


# --- Trouble ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "CUDA out of memory. Tried to allocate",
        "Watchdog caught collective operation timeout: WorkNCCL",
        "Back-off pulling image",
        "Process exited with code 137",
        "No space left on device",
        "401 Client Error",
        "ModuleNotFoundError",
        "KeyError",
        "Connection refused",
        "Traceback (most recent call last):\n",
    ],
)
def test_jobs_die_of_what_jobs_die_of(fleets, text):
    jobs = [job for fleet in fleets for job in fleet.payload["training_jobs"]]
    messages = [job["error_message"] or "" for job in jobs]
    assert sum(text in message for message in messages) >= 2


def test_messages_belong_to_their_status(any_seed):
    silent = 0
    for job in any_seed["training_jobs"]:
        if label(job) in {"completed", "running", "stopped", "queued", "created", "deploying"}:
            assert job["error_message"] is None
        elif label(job) == "pending":
            assert job["error_message"].startswith("Waiting for dedicated capacity: ")
            assert "as a spot job it would start sooner" in job["error_message"]
        else:
            assert "{" not in (job["error_message"] or "")
            silent += job["error_message"] is None
    assert silent < 30


def test_some_failures_say_nothing(payload):
    failed = [job for job in payload["training_jobs"] if label(job) == "failed"]
    assert any(job["error_message"] is None for job in failed)


def test_a_project_fails_again_and_again_in_one_way(any_seed):
    jobs = jobs_of(any_seed, "reward-model-v2")
    last = [job for job in jobs if status_of(job["current_status"]).terminal][:7]
    assert [label(job) for job in last] == ["failed"] * 7
    assert all("CUDA out of memory" in job["error_message"] for job in last)
    assert len({job["error_message"] for job in last}) > 1


def test_a_project_cannot_pull_its_image(any_seed):
    last = jobs_of(any_seed, "ocr-invoices")[:8]
    assert all(label(job) == "deploy-failed" for job in last)
    assert all("Back-off pulling image" in job["error_message"] for job in last)


def test_one_afternoon_the_network_fails_across_projects(any_seed):
    projects = defaultdict(set)
    for job in any_seed["training_jobs"]:
        if "WorkNCCL" in (job["error_message"] or ""):
            assert job["node_count"] > 1
            projects[moment(job["updated_at"]).date()].add(job["training_project_id"])
    assert max(map(len, projects.values())) >= 4


def test_some_jobs_are_stuck(any_fleet, any_seed):
    end = as_of(any_seed)
    running = jobs_of(any_seed, "qwen3-32b-dpo")
    ages = [end - moment(job["updated_at"]) for job in running if label(job) == "running"]
    assert max(ages) > timedelta(days=11)
    truth = listed(any_fleet)
    done = truth[(truth["project_name"] == "qwen3-32b-dpo") & (truth["status"] == "completed")]
    typical = (done["ended_at"] - done["started_at"]).median()
    assert timedelta(hours=2) < typical < max(ages) / 20

    def age(project, status):
        jobs = [job for job in jobs_of(any_seed, project) if label(job) == status]
        return max(end - moment(job["created_at"]) for job in jobs)

    assert age("sdxl-product-lora", "deploying") > timedelta(hours=9)
    assert age("b200-bringup", "pending") > timedelta(days=2)


def test_only_spot_jobs_are_preempted(any_seed):
    preempted = [job for job in any_seed["training_jobs"] if label(job) == "preempted"]
    assert preempted
    assert {job["availability_model"] for job in preempted} == {"spot"}


# --- Odd but legal ------------------------------------------------------------------------------


def test_one_job_was_updated_before_it_was_created(any_seed):
    skewed = [job for job in any_seed["training_jobs"] if elapsed(job) < timedelta(0)]
    assert len(skewed) == 1


def test_odd_names_are_there(payload):
    projects = Counter(project["name"] for project in payload["training_projects"])
    jobs = Counter(job["name"] for job in payload["training_jobs"])
    assert {"日本語-asr-微調整", "🚀 launch-rehearsal", "תמלול-עברית"} <= projects.keys()
    assert {"=SUM(A1:A9)-ablation", 'retriever "v2", hard negatives'} <= projects.keys()
    assert projects["gpt-oss-lora"] == 2
    assert max(map(len, projects)) > 120
    assert jobs[None] > 5
    assert any(name and '"' in name and "," in name for name in jobs)
    assert [p["name"] for p in payload["training_projects"] if not p["latest_job"]] == ["scratch"]


def test_times_are_spelled_in_every_legal_way(payload):
    spellings = {
        (len(text.removesuffix("Z").removesuffix("+00:00").partition(".")[2]), text[-1] == "Z")
        for job in payload["training_jobs"]
        for text in (job["created_at"], job["updated_at"])
    }
    assert spellings == {(0, True), (0, False), (3, True), (3, False), (6, False)}


@pytest.mark.parametrize(
    "field", ["checkpoint_sync_status", "priority", "availability_model", "user", "node_count"]
)
def test_optional_fields_come_and_go(payload, field):
    assert {field in job for job in payload["training_jobs"]} == {True, False}


# --- Any size -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("projects", "jobs_per_project"),
    [(0, 15), (1, 0), (1, 1), (3, 0), (3, 4), (40, 1), (60, 30), (300, 2)],
)
def test_sizes_are_honoured(projects, jobs_per_project):
    payload = sample(projects=projects, jobs_per_project=jobs_per_project)
    assert len(payload["training_projects"]) == projects
    assert len(payload["training_jobs"]) == projects * jobs_per_project
    for job in payload["training_jobs"]:
        check_record("job", job, schema.JOB)


@pytest.mark.parametrize("days", [1, 2, 14, 400])
def test_days_are_honoured(days):
    payload = sample(days=days)
    oldest = min(moment(job["created_at"]) for job in payload["training_jobs"])
    # A burst may reach some minutes further back.
    assert as_of(payload) - oldest < timedelta(days=days, hours=3)


def test_as_of_is_honoured():
    zone = timezone(timedelta(hours=9))
    payload = sample(projects=5, as_of=datetime(2024, 3, 1, 3, 30, 0, 250_000, zone))
    assert payload["trainview"] == {"format": 1, "as_of": "2024-02-29T18:30:00.250000Z"}
    assert max(moment(job["updated_at"]) for job in payload["training_jobs"]) <= datetime(
        2024, 2, 29, 18, 30, 0, 250_000, UTC
    )
    assert sample(projects=5, as_of="2024-03-01T03:30:00.25+09:00") == payload


@pytest.mark.parametrize(
    "arguments",
    [
        {"projects": -1},
        {"projects": 2.0},
        {"projects": "3"},
        {"projects": True},
        {"jobs_per_project": -1},
        {"jobs_per_project": None},
        {"seed": -1},
        {"seed": 0.5},
        {"days": 0},
        {"days": 100_000},
        {"as_of": "2026-03-31T18:00:00"},
        {"as_of": datetime(2026, 3, 31)},  # noqa: DTZ001 (a time without a zone is the point)
        {"as_of": "yesterday"},
        {"as_of": "0001-01-01T00:00:00Z"},
        {"as_of": None},
    ],
)
def test_invalid_arguments_are_refused(arguments):
    [(name, value)] = arguments.items()
    with pytest.raises(ArgumentError, match=name) as caught:
        sample(**arguments)
    assert repr(value) in str(caught.value)


# --- Files --------------------------------------------------------------------------------------


def test_write_sample_makes_the_folder_and_keeps_what_is_there(tmp_path):
    fleet = Fleet(projects=3, jobs_per_project=2)
    projects, jobs = write_sample(tmp_path / "new" / "folder", fleet, only_lists=True)
    for file, key in ((projects, "training_projects"), (jobs, "training_jobs")):
        assert json.loads(file.read_bytes()) == {key: fleet.payload[key]}
    with pytest.raises(OutputError, match="exists"):
        write_sample(projects.parent, Fleet(projects=1))
    assert len(json.loads(projects.read_bytes())["training_projects"]) == 3
    assert {path.name for path in projects.parent.iterdir()} == {projects.name, jobs.name}
    write_sample(projects.parent, Fleet(projects=0), force=True)
    assert json.loads(projects.read_bytes()) == {"training_projects": []}
