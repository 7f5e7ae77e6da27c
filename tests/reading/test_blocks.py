"""Reading in blocks: the same as reading the whole, whatever stands where a cut might be."""

import json

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import job, payload, project
from tests.properties import examples
from tests.tables.test_core import job_records
from trainview.reading import arrow_reader
from trainview.reading.arrow_reader import read_answer
from trainview.reading.blocks import cut

PROJECTS = [project(f"p{number}", latest_job=job(f"j{number}")) for number in range(9)]
JOBS = [job(f"j{number}", project=f"p{number}") for number in range(9)]
SPLIT = 700


def outcome(text: bytes, block_bytes: int):
    try:
        return read_answer(text, block_bytes)
    except pa.ArrowException:
        return None


@pytest.fixture
def whole_reads(monkeypatch):
    """Count how often a document is read as a whole."""
    counts = {"whole": 0}
    parse = arrow_reader._parse

    def counting(text: bytes, *, use_threads: bool = True):
        counts["whole"] += use_threads
        return parse(text, use_threads=use_threads)

    monkeypatch.setattr(arrow_reader, "_parse", counting)
    return counts


@pytest.mark.parametrize(
    "text",
    [
        payload(training_projects=PROJECTS),
        payload(training_jobs=JOBS),
        payload(training_projects=PROJECTS, training_jobs=JOBS),
        payload(trainview={"format": 1, "as_of": None}, training_jobs=JOBS, training_projects=PROJECTS, more=[1]),
        payload(training_project=project(), training_jobs=JOBS),
        json.dumps({"training_projects": PROJECTS}, indent=2).encode(),
        payload(training_jobs=[job(name="ü語🚀" * 9) for _ in range(9)]),
    ],
)  # fmt: skip
def test_blocks_give_what_the_whole_gives(text, whole_reads):
    assert len(cut(text, SPLIT)) > 3
    in_blocks = read_answer(text, SPLIT)
    assert whole_reads["whole"] == 0
    assert in_blocks == read_answer(text, len(text))
    assert whole_reads["whole"] == 1


TRAPS = [
    # what looks like a place to cut, and is none
    payload(training_jobs=[job(name="},{" * 400), *JOBS]),
    payload(training_jobs=[job(error_message='"}, {"id": "x"}, {"' * 99), *JOBS]),
    payload(training_jobs=[job(extra=[{"id": str(n)} for n in range(200)]), *JOBS]),
    payload(training_jobs=[job(extra={"training_projects": PROJECTS}), *JOBS]),
    # the same shape under another name
    payload(training_projects=PROJECTS, archived=PROJECTS),
    payload(archived=PROJECTS, training_projects=PROJECTS),
    payload(archived=PROJECTS),
    payload(archived=PROJECTS, training_projects=None, training_jobs=JOBS),
    # a list twice, one after the other, or with the other in between
    payload(training_jobs=JOBS)[:-1] + b"," + payload(training_jobs=JOBS)[1:],
    payload(training_jobs=JOBS, training_projects=PROJECTS)[:-1] + b"," + payload(training_jobs=JOBS)[1:],
    payload(training_jobs=JOBS) * 2,
    payload(training_jobs=JOBS)[:-1],
    payload(training_jobs=JOBS)[:-2] + b"}",
    payload(training_jobs=[*JOBS, job(id=7), *JOBS]),
    payload(training_jobs=[*JOBS, None, *JOBS]),
    payload(training_jobs=[*JOBS, job(updated_at="soon"), *JOBS]),
    payload(training_projects=[*PROJECTS, *JOBS, *PROJECTS]),
]  # fmt: skip


@pytest.mark.parametrize("block_bytes", [60, 300, SPLIT, 2000, 5000])
@pytest.mark.parametrize("text", TRAPS, ids=range(len(TRAPS)))
def test_a_cut_in_the_wrong_place_changes_nothing(text, block_bytes):
    assert outcome(text, block_bytes) == outcome(text, len(text))


@settings(deadline=None, max_examples=examples(150))
@given(
    st.lists(job_records, max_size=12),
    st.lists(st.builds(project, latest_job=st.none() | job_records), max_size=8),
    st.text(alphabet='},{"id:[] \\', max_size=30),
    st.integers(30, 3000),
)
def test_any_answer_reads_the_same_in_blocks_of_any_size(jobs, projects, junk, block_bytes):
    for text in (
        payload(
            training_jobs=jobs, extra=[junk, {"a": junk}, {junk: 1}], training_projects=projects
        ),
        payload(training_projects=projects, training_jobs=[job(name=junk), *jobs]),
    ):
        assert outcome(text, block_bytes) == outcome(text, len(text))
