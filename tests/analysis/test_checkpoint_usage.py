"""What checkpoints hold, with exact answers on tiny tables."""

import pandas as pd

from tests.analysis.evidence import checkpoints
from tests.analysis.tables import at, job, table
from trainview import analysis

JOBS = table(
    job(0, 4, number=1),
    job(0, 4, number=2, status="running", project_name="asr"),
    job(0, 4, number=3, status="failed"),
)


def saved(*rows):
    """Checkpoints: job, hour, size, state of the upload."""
    frame = checkpoints(*((name, hour) for name, hour, _, _ in rows))
    return frame.assign(
        size_bytes=[size for _, _, size, _ in rows],
        sync_status=pd.Series([state for *_, state in rows], dtype="str").astype("category"),
    )


def test_sizes_are_summed_by_project_and_what_still_syncs_of_ended_jobs_is_told():
    frame = saved(
        ("j1", 1, 10, "COMPLETE"), ("j1", 2, 30, "SYNCING"), ("j2", 3, 500, "SYNCING"),
        ("j3", 3, 7, None),
    )  # fmt: skip
    found = analysis.checkpoint_usage(frame, JOBS).set_index("project_name")
    assert found.index.tolist() == ["asr", "llm"]
    llm, asr = found.loc["llm"], found.loc["asr"]
    assert (llm["jobs"], llm["checkpoints"], llm["size_bytes"]) == (2, 3, 47)
    assert (llm["largest_bytes"], llm["latest_at"]) == (30, at(3))
    assert (llm["syncing"], llm["syncing_ended_jobs"], llm["syncing_ended_bytes"]) == (1, 1, 30)
    # its job runs still
    assert (asr["syncing"], asr["syncing_ended_jobs"], asr["syncing_ended_bytes"]) == (1, 0, 0)


def test_what_is_listed_twice_counts_once_and_as_synced():
    frame = saved(("j1", 1, 10, "SYNCING"), ("j1", 1, 12, "COMPLETE")).assign(checkpoint_id="same")
    for order in (frame, frame.iloc[::-1]):
        [row] = analysis.checkpoint_usage(order, JOBS).to_dict("records")
        assert (row["checkpoints"], row["size_bytes"], row["syncing"]) == (1, 12, 0)


def test_of_jobs_that_are_not_listed_nobody_knows_whether_they_ended():
    frame = saved(("gone", 1, 10, "SYNCING"), ("j1", 1, 10, "COMPLETE"))
    found = analysis.checkpoint_usage(frame, JOBS)
    assert found["project_name"].isna().tolist() == [False, True]
    assert found["syncing_ended_jobs"].tolist() == [0, 0]
    whole = analysis.checkpoint_usage(frame, JOBS, by=None).iloc[0]
    assert (whole["jobs"], whole["size_bytes"]) == (2, 20)


def test_without_checkpoints_there_are_no_groups():
    assert analysis.checkpoint_usage(checkpoints(), JOBS).empty
    [row] = analysis.checkpoint_usage(checkpoints(), JOBS, by=None).to_dict("records")
    assert (row["checkpoints"], row["size_bytes"]) == (0, 0)
    assert pd.isna(row["largest_bytes"])
    twice = pd.concat([JOBS, JOBS], ignore_index=True)
    one = analysis.checkpoint_usage(saved(("j1", 1, 10, None)), twice)
    assert one["checkpoints"].tolist() == [1]
