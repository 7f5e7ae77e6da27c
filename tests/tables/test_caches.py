"""Summaries of caches, as tables."""

import json

import pytest
from baseten.client.managementapi import _models as vendor

import trainview as tv
from tests.api_server import Api
from tests.builders import job, project
from trainview.errors import PayloadError
from trainview.tables.caches import read_cache
from trainview.tables.dtypes import to_pandas


def summary(*files, project_id="p1", timestamp="2026-03-31T18:00:00Z"):
    answer = {"timestamp": timestamp, "project_id": project_id, "file_summaries": list(files)}
    return json.dumps(answer).encode()


def file(path="hub/model", **changes):
    same = {"modified": "2026-03-30T18:00:00Z", "file_type": "file", "permissions": "-rw-r--r--"}
    return {"path": path, "size_bytes": 9, **same, **changes}


def test_the_server_of_the_tests_follows_the_vendors_model():
    api = Api([job("a")], projects=[project()])
    api.cached = {"p1": [("hub/model", 9, "file")]}
    _, answer = api.caches({}, "p1")
    vendor.GetCacheSummaryResponse.model_validate(answer)
    found = tv.load(vendor.GetCacheSummaryResponse.model_validate(answer).model_dump(mode="json"))
    assert found.caches["path"].to_list() == ["hub/model"]


def test_an_empty_cache_is_one_row_without_a_path():
    frame = to_pandas(read_cache(summary()))
    assert frame["project_id"].to_list() == ["p1"]
    assert frame["path"].isna().all()
    assert frame["size_bytes"].to_list() == [0]


@pytest.mark.parametrize(
    "text", ["2026-03-30 18:00", "yesterday", "", "2026-02-30T00:00:00Z", None]
)
def test_what_is_no_time_with_a_zone_is_null(text):
    frame = to_pandas(read_cache(summary(file(modified=text), file("x"), timestamp=text)))
    assert frame["modified_at"].isna().to_list() == [True, False]
    assert frame["captured_at"].isna().all()


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (summary(file(size_bytes=-1)), "file_summaries[0].size_bytes: expected an integer from 0"),
        (summary(file(path=None)), "file_summaries[0].path: expected text, got null"),
        (b'{"project_id": "p1"}', "file_summaries: expected a list, but it is missing"),
        (b'{"file_summaries": []}', "project_id: expected text, but it is missing"),
    ],
)
def test_faults_are_named_with_their_path(answer, fault):
    with pytest.raises(PayloadError) as caught:
        read_cache(answer)
    assert fault in str(caught.value)


def test_a_newer_summary_takes_the_place_of_an_older_one():
    old = summary(file("a"), file("b"))
    new = summary(file("b"), file("c"), timestamp="2026-04-01T00:00:00Z")
    other = summary(file("a"), project_id="p2", timestamp="2026-01-01T00:00:00Z")
    for sources in ([old, new, other], [other, new, old]):
        caches = tv.load(sources).caches
        assert set(zip(caches["project_id"], caches["path"], strict=True)) == {
            ("p1", "b"), ("p1", "c"), ("p2", "a"),
        }  # fmt: skip


def test_files_that_are_dated_at_will_do_not_date_the_data():
    snap = tv.load(summary(file(modified="2099-01-01T00:00:00Z")))
    assert str(snap.as_of) == "2026-03-31 18:00:00+00:00"
