"""Names of files in the cache, which come from the data."""

import re
import unicodedata
from pathlib import Path

import pytest

from trainview.files.cache import entry_path

IDS = [
    "03yv1l3", "abc", "ABC", "Abc", "con", "nul", "com1", "lpt9", "CON", "a.", "a ", "a", ".", "..", "",
    "a/b", "a\\b", "a:b", 'a"b', "a|b", "a*b", "a?b", "<a>", "é", "e\u0301", "日本", "x" * 300,
]  # fmt: skip


@pytest.mark.parametrize("job_id", IDS)
def test_every_system_takes_the_name(job_id):
    path = entry_path(Path("cache"), "metrics", job_id)
    assert path.parent == entry_path(Path("cache"), "metrics", "abc").parent
    assert re.fullmatch(r"[a-z0-9_.-]{1,110}\.parquet", path.name)
    device = path.name.partition(".")[0]
    assert not re.fullmatch("con|prn|aux|nul|(com|lpt)[0-9]", device)


def test_no_system_takes_two_jobs_for_one():
    names = [entry_path(Path(), "metrics", job_id).name for job_id in IDS]
    assert len({unicodedata.normalize("NFC", name).casefold() for name in names}) == len(IDS)
