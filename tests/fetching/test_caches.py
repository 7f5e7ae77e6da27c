"""Caches of projects, fetched from a server that plays the API, and recorded."""

import pandas as pd
import pytest

import trainview as tv
from tests.api_server import Api, ApiServer
from tests.builders import job, project

KEY = "s3cret-key"


@pytest.fixture(autouse=True)
def private_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("trainview.files.cache.default_folder", lambda: tmp_path / "user-cache")


def api_with(cached):
    # the job is of a project that the list lacks
    api = Api([job("a")], projects=[project(id=name, name=name) for name in ("p1", "p2", "p3")])
    api.cached = cached
    return api


def test_each_project_is_asked_each_time_and_one_without_a_cache_is_no_failure():
    api = api_with({"p1": [("hub/model", 9, "file")], "p2": []})
    with ApiServer(api) as server:
        where = {"api_key": KEY, "base_url": server.url}
        projects = tv.fetch(**where).projects
        fetched = tv.fetch_caches(projects, **where)
        assert repr(fetched) == "<Fetched caches of 2 projects, 0 from the cache, 2 not available>"
        assert fetched.failures.empty
        assert list(fetched.table) == list(tv.columns("caches")["column"])
        assert fetched.table["path"].isna().to_list() == [False, True]
        api.cached["p1"] = [("hub/other", 1, "file")]
        again = tv.fetch_caches(projects, **where)
    assert again.asked == 4
    assert again.table["path"].dropna().to_list() == ["hub/other"]


@pytest.mark.usefixtures("no_waiting")
def test_a_failure_is_a_gap_of_its_project_and_does_not_cost_the_rest(tmp_path):
    from trainview.fetching.snapshots import fetch_folder

    troubles = {"/p2/": 500, "/p3/": 403}

    def trouble(path, _):
        found = (status for part, status in troubles.items() if part in path and "cache" in path)
        return next(found, None)

    api = api_with({name: [("x", 1, "file")] for name in ("p1", "p2", "p3")})
    with ApiServer(api, trouble=trouble) as server:
        where = {"api_key": KEY, "base_url": server.url}
        with pytest.warns(tv.DataWarning, match="^caches of 1 project could not be fetched: "):
            snap = tv.fetch(include="caches", **where)
        with pytest.warns(tv.DataWarning, match="^caches of 1 project could not be fetched: "):
            fetch_folder(tmp_path / "fleet", include="caches", **where)
    assert snap.caches["project_id"].to_list() == ["p1"]
    [gap] = snap.not_fetched.to_dict("records")
    assert (gap["table"], gap["project_id"], gap["error"]) == ("caches", "p2", "ApiError")
    assert pd.isna(gap["job_id"])
    assert len(snap.select(projects="p1").not_fetched) == 0
    with pytest.warns(tv.DataWarning, match="caches of 1 project could not be fetched when this"):
        loaded = tv.load(tmp_path / "fleet")
    pd.testing.assert_frame_equal(loaded.caches, snap.caches)
    pd.testing.assert_frame_equal(loaded.not_fetched, snap.not_fetched)


def test_a_refused_key_is_no_gap():
    with (
        ApiServer(api_with({}), trouble=lambda path, _: 401 if "cache" in path else None) as server,
        pytest.raises(tv.AuthError, match="refused the key"),
    ):
        tv.fetch(include="caches", api_key=KEY, base_url=server.url)


def test_an_answer_that_says_nothing_is_of_a_project_without_a_cache():
    api = api_with({})
    api.caches = lambda _query, _project: (200, b" {} ")
    with ApiServer(api) as server:
        found = tv.fetch(include="caches", api_key=KEY, base_url=server.url)
    assert found.caches.empty
    assert found.not_fetched.empty


def test_a_history_keeps_what_changed_and_what_is_gone(tmp_path):
    api = api_with({"p1": [("a", 1, "file"), ("b", 2, "file")], "p2": [("c", 3, "file")]})
    with ApiServer(api) as server:
        where = {"api_key": KEY, "base_url": server.url, "include": "caches"}
        tv.record(tmp_path / "h", **where)
        # one file went, one grew, and of the other project nothing can be told
        api.cached = {"p1": [("b", 5, "file")]}
        tv.record(tmp_path / "h", **where)
        written = [*(tmp_path / "h" / "caches").rglob("*.parquet")]
        tv.record(tmp_path / "h", **where)
    # what did not change is not written again
    assert [*(tmp_path / "h" / "caches").rglob("*.parquet")] == written
    now = tv.load(tmp_path / "h").caches
    assert dict(zip(now["path"], now["size_bytes"], strict=True)) == {"b": 5, "c": 3}
    scanned = tv.scan(tmp_path / "h").caches.collect()
    assert sorted(scanned["path"].to_list()) == ["b", "c"]
