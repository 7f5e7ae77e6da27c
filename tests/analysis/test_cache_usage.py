"""What caches hold, with exact answers on tiny tables."""

import pandas as pd
import pytest

from tests.analysis.evidence import cached
from tests.analysis.fleet import metrics, sample
from tests.analysis.tables import at, job, projects, table
from trainview import analysis
from trainview.errors import ArgumentError

OWNERS = projects(
    {"project_id": "p1", "project_name": "llm"}, {"project_id": "p2", "project_name": "asr"}
)
FILES = cached(
    ("p1", "hub", 4096, "directory", 1),
    ("p1", "hub/model", 900, "file", 1),
    ("p1", "data/shard-1", 60, "file", 5),
    ("p1", "data/shard-2", 40, None, 7),
    ("p2", None, 0, None, None),
)


def test_files_are_summed_by_project_and_an_empty_cache_is_known_to_be_empty():
    found = analysis.cache_usage(FILES, OWNERS)
    assert found["project_name"].to_list() == ["llm", "asr"]
    llm, asr = found.iloc[0], found.iloc[1]
    assert (llm["projects"], llm["files"], llm["size_bytes"], llm["share"]) == (1, 3, 1000, 1)
    assert (llm["largest_bytes"], llm["oldest_at"], llm["latest_at"]) == (900, at(1), at(7))
    assert (asr["projects"], asr["files"], asr["size_bytes"], asr["share"]) == (1, 0, 0, 0)
    assert asr[["largest_bytes", "oldest_at", "utilization", "measured_at"]].isna().all()
    assert asr["captured_at"] == at(24)


@pytest.mark.parametrize(
    ("path", "folders"),
    [
        ("a/b/c", ["a", "a/b", "a/b/c"]),
        ("/a//b", ["a", "a/b", "a/b"]),
        ("./a", ["a", "a", "a"]),
        (".hidden/../x", [".hidden", ".hidden/..", ".hidden/../x"]),
        ("new\nline/x", ["new\nline", "new\nline/x", "new\nline/x"]),
    ],
)
def test_a_folder_is_the_first_parts_of_a_path(path, folders, kind):
    from tests.analysis.tables import collected, convert

    one = convert(cached(("p1", path, 1, "file", 0)), kind)
    for depth, folder in enumerate(folders, 1):
        found = collected(analysis.cache_usage(one, by="folder", depth=depth))
        assert found["folder"].to_list() == [folder]


def test_what_is_listed_twice_counts_once():
    twice = pd.concat([FILES, FILES.assign(size_bytes=1)], ignore_index=True)
    assert analysis.cache_usage(twice, by=None)["size_bytes"].to_list() == [1000]
    both = pd.concat([OWNERS, OWNERS], ignore_index=True)
    assert analysis.cache_usage(FILES, both)["size_bytes"].to_list() == [1000, 0]


def test_the_newest_sample_of_any_job_tells_how_full_it_is():
    jobs = table(
        job(0, 4, job_id="ja", project_id="p1"),
        job(0, 4, job_id="jb", project_id="p1"),
        job(0, 4, job_id="jc", project_id="p2"),
    )
    full = {"metric": "cache_utilization", "gpu": None}
    told = metrics(
        sample(0, 0.9, job_id="ja", **full),
        sample(5, 0.25, job_id="jb", **full),
        sample(6, None, job_id="jb", **full),
        sample(9, 1.0, job_id="ja"),
        sample(9, 1.0, job_id="gone", **full),
    )
    found = analysis.cache_usage(FILES, OWNERS, metrics=told, jobs=jobs)
    assert found["utilization"].isna().to_list() == [False, True]
    assert found["utilization"][0] == 0.25
    assert found["measured_at"][0] == at(5 / 60)
    with pytest.raises(ArgumentError, match="give jobs= too"):
        analysis.cache_usage(FILES, OWNERS, metrics=told)


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(ArgumentError, match=r"by='project_name'.*projects table too"):
        analysis.cache_usage(FILES)
    for depth in (0, True, 1.5):
        with pytest.raises(ArgumentError, match="depth="):
            analysis.cache_usage(FILES, by="folder", depth=depth)
