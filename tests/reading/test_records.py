import codecs
import copy
import gzip
import json
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import A10G, CPU, job, payload, project
from tests.properties import examples
from trainview.errors import PayloadError
from trainview.reading.records import decompress, read_records
from trainview.reading.validation import find_fault, unknown_fields

FULL = payload(
    training_projects=[project(team_name="research", latest_job=job())],
    training_jobs=[
        job("job2", user={"email": "a@example.com"}, node_count=4, priority=-1),
        job("job3", instance_type=CPU, availability_model="spot"),
    ],
)


def refuse(content: bytes) -> str:
    with pytest.raises(PayloadError) as caught:
        read_records(content, "x.json")
    message = str(caught.value)
    assert message.startswith("x.json: ")
    assert "\n" not in message
    assert len(message) < 500
    return message.removeprefix("x.json: ")


def test_records_have_the_declared_types():
    records = read_records(FULL)
    [first] = records.projects.to_pylist()
    assert first["latest_job"]["instance_type"] == A10G
    assert first["created_at"] == datetime(2026, 2, 1, 8, tzinfo=UTC)
    assert records.jobs.field("node_count").to_pylist() == [4, None]
    assert records.as_of is None
    assert not records.latest_only


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "empty"),
        (b" \n\t ", "empty"),
        (codecs.BOM_UTF8, "empty"),
        (b"null", "begins with null"),
        (b"3", "begins with 3"),
        (b"[]", "begins with []"),
        (b'"text"', 'begins with "text"'),
        (b"<html>", "begins with <html>"),
        (b"\x1b[2J", r"begins with \x1b[2J"),
        (b"{}", "keys: none"),
        (b'{"models": [], "next": 1}', "keys: models, next"),
        (b'{"training_projects": null}', "neither training_projects nor training_jobs"),
        (b'{"training_projects": {}}', "training_projects: expected a list, got an object"),
        (b'{"training_projects": [null]}', "training_projects[0]: expected an object, got null"),
        (b'{"training_projects": []} x', "Extra data"),
        (b'{"training_projects": []}{"training_projects": []}', "Extra data"),
        (b'{"training_projects": [}', "line 1, column 24"),
        (b'{"training_projects": [', "was it cut off?"),
        (b'{"training_jobs": [], "training_jobs": []}', "training_jobs: the key comes twice"),
        (b'{"training_jobs": [], "x": "\\ud800"}', "x: a lone surrogate"),
        (b'{"training_jobs": [], "x": [["\\udc00"]]}', "x: a lone surrogate"),
        (b'{"training_jobs": [], "x": 1e999}', "the number 1e999 is too large"),
        (b'{"training_jobs": [], "x": "\xff"}', "not UTF-8 text at byte 28"),
        ('{"training_jobs": []}'.encode("utf-16"), "UTF-16"),
        ('{"training_jobs": []}'.encode("utf-16-le"), "UTF-16"),
        ('{"training_jobs": []}'.encode("utf-16-be"), "UTF-16"),
        (b'{"training_jobs": []}\x00', "Extra data"),
        (gzip.compress(b'{"training_jobs": []}', mtime=0)[:-9], "damaged gzip"),
        (gzip.compress(gzip.compress(b'{"training_jobs": []}', mtime=0), mtime=0), "not UTF-8"),
        (b'{"training_jobs": [], "trainview": {"format": 3}}', "trainview.format: expected an integer from 1 to 2, got 3"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused_with_the_reason(content, fault):
    assert fault in refuse(content)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"id": 7}, "training_jobs[1].id: expected text, got 7"),
        ({"id": None}, "training_jobs[1].id: expected text, got null"),
        ({"instance_type": A10G | {"gpu_count": "3"}}, 'training_jobs[1].instance_type.gpu_count: expected integer, got "3"'),
        ({"instance_type": A10G | {"gpu_count": 1.0}}, "instance_type.gpu_count: expected integer, got 1.0"),
        ({"instance_type": A10G | {"gpu_count": True}}, "instance_type.gpu_count: expected integer, got true"),
        ({"instance_type": A10G | {"gpu_count": -1}}, "instance_type.gpu_count: expected an integer from 0 to 2147483647, got -1"),
        ({"instance_type": A10G | {"memory_limit_mib": 2**63}}, "memory_limit_mib: expected an integer from 0"),
        ({"instance_type": A10G | {"memory_limit_mib": float("nan")}}, "memory_limit_mib: expected integer, got NaN"),
        ({"instance_type": A10G | {"memory_limit_mib": float("inf")}}, "memory_limit_mib: expected integer, got Infinity"),
        ({"instance_type": []}, "training_jobs[1].instance_type: expected an object, got a list"),
        ({"instance_type": None}, "training_jobs[1].instance_type: expected an object, got null"),
        ({"node_count": 0}, "training_jobs[1].node_count: expected an integer from 1 to 2147483647, got 0"),
        ({"node_count": 10**400}, "is too large"),
        ({"user": "me"}, 'training_jobs[1].user: expected an object, got "me"'),
        ({"error_message": ["a"]}, "training_jobs[1].error_message: expected text, got a list"),
        ({"name": {"a": 1}}, "training_jobs[1].name: expected text, got an object"),
        ({"created_at": 1700000000}, "training_jobs[1].created_at: expected a time, got 1700000000"),
        ({"current_status": "\x1b" * 99, "name": 5}, "training_jobs[1].name: expected text, got 5"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_path(change, fault):
    assert fault in refuse(payload(training_jobs=[job(), job("job2", **change)]))


@pytest.mark.parametrize("field", ["id", "created_at", "current_status", "instance_type", "updated_at", "training_project_id", "training_project"])  # fmt: skip
def test_a_missing_required_field_is_named(field):
    record = job()
    del record[field]
    where = f"training_projects[0].latest_job.{field}"
    assert f"{where}: expected" in refuse(payload(training_projects=[project(latest_job=record)]))
    assert "but it is missing" in refuse(payload(training_projects=[project(latest_job=record)]))


def test_duplicate_keys_of_known_objects_are_refused_and_of_unknown_ones_are_not():
    text = payload(training_jobs=[job()])
    assert "training_jobs[0].id: the key comes twice" in refuse(
        text.replace(b'"id": "job1"', b'"id": "job1", "id": "job2"')
    )
    twice = text.replace(b'"id": "job1"', b'"id": "job1", "extra": {"a": 1, "a": 2}')
    assert read_records(twice).jobs.field("id").to_pylist() == ["job1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-03-24T18:04:30.480Z", "2025-03-24T18:04:30.480000"),
        ("2023-11-07T05:31:56Z", "2023-11-07T05:31:56"),
        ("2023-11-07T05:31:56+00:00", "2023-11-07T05:31:56"),
        ("2023-11-07T05:31:56.123456+02:00", "2023-11-07T03:31:56.123456"),
        ("2023-11-07T05:31:56.1234567Z", "2023-11-07T05:31:56.123456"),
        ("2023-11-07T05:31:56.999999999-05:30", "2023-11-07T11:01:56.999999"),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00"),
    ],
)
def test_times_become_utc_and_microseconds(text, expected):
    records = read_records(payload(training_jobs=[job(created_at=text), job()]))
    assert records.jobs.field("created_at")[0].as_py() == datetime.fromisoformat(expected + "Z")


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "2023-11-07", "2023-11-07T05:31:56", "2023-11-07T05:31:60Z", "0000-01-01T00:00:00Z",
        "2023-02-29T00:00:00Z", "2023-11-07T24:00:00Z", "2023-11-07T05:31:56+25:00",
        "2023-11-07T05:31:56.1234567890Z", "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00",
        " 2023-11-07T05:31:56Z", "2023-13-01T00:00:00Z",
    ],
)  # fmt: skip
def test_a_time_that_is_none_is_refused_with_path_and_value(text):
    message = refuse(payload(training_jobs=[job(), job(), job(updated_at=text)]))
    assert message.startswith("training_jobs[2].updated_at: expected an ISO 8601 time with a zone")
    assert message.endswith(f'got "{text}"')


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + FULL,
        b" \n" + FULL + b"\n\n ",
        gzip.compress(FULL, mtime=0),
        FULL.replace(b'"training_projects"', rb'"training\u005fprojects"'),
        FULL[:-1] + b', "next_page": {"a": [NaN, Infinity, 1e300]}}',
    ],
)
def test_legal_spellings_of_the_same_answer_read_the_same(content):
    assert read_records(content) == read_records(FULL)


def test_an_answer_cut_off_anywhere_is_refused():
    text = payload(training_projects=[project(latest_job=job(name="ü"))])
    for end in range(len(text)):
        refuse(text[:end])
    read_records(text)


CRASHERS = {
    "null": b"null",
    "deep unknown": b'{"training_jobs": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep known": b'{"training_jobs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep, cut off": b'{"training_jobs": [], "x": ' + b'{"a":' * 100_000,
    "deep name": b'{"training_jobs": [{"name": ' + b"[" * 100_000,
}
READ_STDIN = """
import sys
from trainview.errors import PayloadError
from trainview.reading.records import decompress, read_records
try:
    read_records(sys.stdin.buffer.read())
except PayloadError as error:
    print(error)
else:
    print("accepted")
"""


@pytest.mark.parametrize("name", CRASHERS)
def test_no_payload_takes_the_process_down(name):
    done = subprocess.run(
        [sys.executable, "-c", READ_STDIN],
        input=CRASHERS[name], capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()[-500:]
    assert (done.stdout.decode().strip() == "accepted") == (name == "deep unknown")


def test_more_than_2_gib_are_refused_before_parsing(monkeypatch):
    monkeypatch.setattr("trainview.reading.records.MAX_BYTES", len(FULL) - 1)
    assert "larger than 2 GiB" in refuse(FULL)
    assert "larger than 2 GiB" in refuse(gzip.compress(FULL))


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**65), 2**65), st.floats(), st.text(st.characters(), max_size=8),
    st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.123456789+01:00"]),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value, path=()):
    """Every place inside a JSON value, as a path."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()  # fmt: skip
    for key, item in items:
        yield from places(item, (*path, key))


BASE = json.loads(FULL)
PLACES = [path for path in places(BASE) if path]


@settings(max_examples=examples(400), deadline=None)
@given(
    where=st.sampled_from(PLACES),
    action=st.sampled_from(["replace", "delete", "add", "text"]),
    value=values,
    cut=st.integers(0, 3000),
    junk=st.text(alphabet='{}[]",:\\0e-NaIu \n', max_size=3),
)
def test_fast_and_slow_path_accept_the_same(where, action, value, cut, junk):
    answer = copy.deepcopy(BASE)
    parent = answer
    for key in where[:-1]:
        parent = parent[key]
    if action == "replace":
        parent[where[-1]] = value
    elif action == "delete":
        del parent[where[-1]]
    elif action == "add" and isinstance(parent, dict):
        parent["added"] = value
    text = json.dumps(answer)
    if action == "text":
        text = text[:cut] + junk + text[cut + 1 :]
    content = text.encode()
    if not content.startswith(b"{"):
        return
    try:
        read_records(content)
    except PayloadError:
        accepted = False
    else:
        accepted = True
    assert accepted == (find_fault(content) is None)


def test_unknown_fields_are_accepted_and_counted():
    text = payload(
        training_projects=[project(color="red", latest_job=job(gpu=1)), project("p2", color=None)],
        page={"next": 1},
    )
    assert len(read_records(text).projects) == 2
    assert unknown_fields(text) == {
        "training_projects.color": 2,
        "page": 1,
        "training_projects.latest_job.gpu": 1,
    }


def test_what_unpacks_beyond_the_cap_takes_little_memory_and_the_cap_is_exact(monkeypatch):
    monkeypatch.setattr("trainview.reading.records.MAX_BYTES", 32 * 2**20)
    monkeypatch.setattr("trainview.reading.records._UNPACKED_AT_ONCE", 2**20)
    whole = bytes(32 * 2**20)
    assert decompress(gzip.compress(whole, 1)) == whole
    bombs = [gzip.compress(whole + b"0", 1), gzip.compress(whole, 1) * 20]
    tracemalloc.start()
    try:
        for bomb in bombs:
            with pytest.raises(PayloadError, match="larger than 2 GiB"):
                decompress(bomb)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()
    for size in (0, 1, 2**20 - 1, 2**20, 2**20 + 1):
        assert decompress(gzip.compress(whole[:size], 1)) == whole[:size]
