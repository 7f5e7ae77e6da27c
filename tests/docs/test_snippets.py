"""The examples of README and guides do what they say."""

import json
import re
import shutil
import sys

import matplotlib.pyplot as plt
import pandas as pd
import pytest

import trainview as tv
from tests.api_server import Api, ApiServer
from tests.docs.snippets import ROOT, blocks, elsewhere, parse, quietly, run
from trainview.api.retrying import BaseClient

KEY = "sentinel-key-6b1f"
DOCS = ROOT / "docs"
# These show what is in data/; the others get the same tables of a smaller organisation.
SHOW_DATA = {"README.md", "docs/guides/one-job.md", "docs/guides/watching.md"}
PAGES = [
    path.relative_to(ROOT).as_posix()
    for path in sorted([ROOT / "README.md", *DOCS.glob("[!cg]*.md"), *DOCS.glob("guides/*.md")])
    if "/data-dictionary" not in path.as_posix()
]


@pytest.fixture(scope="module")
def server():
    made = tv.sample(projects=3, jobs_per_project=3)
    api = Api(made["training_jobs"], projects=made["training_projects"], coarsest=lambda _: 21_600)
    with ApiServer(api) as server:
        yield server


def broken():
    """Give an answer whose 18th project has a text for a number."""
    made = tv.sample(projects=18, jobs_per_project=1)["training_projects"]
    made[17]["latest_job"] = dict(next(one["latest_job"] for one in made if one["latest_job"]))
    kind = made[17]["latest_job"]["instance_type"]
    made[17]["latest_job"]["instance_type"] = {**kind, "gpu_count": "3"}
    return {"training_projects": made}


# what the server makes up of queues does not fit the jobs
@pytest.mark.filterwarnings("ignore::trainview.errors.DataWarning")
@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_a_page_run(page, tmp_path, server, small_fleet, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("BASETEN_API_KEY", KEY)
    monkeypatch.setitem(BaseClient.__init__.__kwdefaults__, "base_url", server.url)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "data").symlink_to(ROOT / "data" if page in SHOW_DATA else small_fleet)
    (tmp_path / "broken.json").write_text(json.dumps(broken()))
    for path in (DOCS / "guides").glob("s*.*"):
        shutil.copy(path, tmp_path)
    try:
        with quietly():
            run(ROOT / page, tmp_path, KEY)
    finally:
        plt.close("all")
        sys.modules.pop("slurm_jobs", None)


def test_what_systemd_cron_and_kubernetes_are_told_are_commands():
    told = elsewhere(DOCS / "guides" / "recording.md")
    assert [words[0] for words in told] == ["record", "record", "compact", "record"]
    for words in told:
        assert parse(words).params["dest"]


def test_targets_of_make_are_there():
    targets = set(
        re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert set(re.findall(r"(?:\$ |`)make ([a-z-]+)", text)) <= targets


def test_links_of_the_pages_lead_somewhere():
    pages = [ROOT / "README.md", *DOCS.glob("*.md"), *(DOCS / "guides").glob("*.md")]
    made = ("gallery/", "reference/", "notebooks/", "data-dictionary.md", "commands.md")
    for page in pages:
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            inside = link.removeprefix("../")
            if "://" not in link and not (page.parent != ROOT and inside.startswith(made)):
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_a_block_that_is_wrong_fails(tmp_path, monkeypatch):
    from tests.docs import snippets

    monkeypatch.setattr(snippets, "ROOT", tmp_path)
    for text in (
        "```python\n1 / 0\n```\n",
        "```python\n>>> 1 + 1\n3\n```\n",
        "```console\n$ trainview --version\ntrainview, version 0\n```\n",
        "<!-- exits 2 -->\n```console\n$ trainview --version\n```\n",
    ):
        page = tmp_path / "page.md"
        page.write_text(text)
        assert len(blocks(page)) == 1
        with pytest.raises((AssertionError, ZeroDivisionError)):
            run(page, tmp_path, KEY)
    page.write_text("<!-- not run: it is wrong -->\n```python\n1 / 0\n```\n")
    run(page, tmp_path, KEY)


# Slurm


HEADER = "JobID|JobName|Account|User|State|ExitCode|Submit|Start|End|NNodes|ReqTRES|AllocTRES|Partition\n"


@pytest.fixture
def read_sacct(monkeypatch):
    monkeypatch.syspath_prepend(DOCS / "guides")
    import slurm_jobs

    yield lambda text, tz="Europe/Berlin": slurm_jobs.read_sacct(text, "2026-03-04T12:00+01:00", tz)
    sys.modules.pop("slurm_jobs")


@pytest.fixture
def slurm(read_sacct):
    return read_sacct((DOCS / "guides" / "sacct.txt").read_text(encoding="utf-8"))


def test_jobs_of_slurm_are_what_sacct_says_without_steps(slurm):
    jobs = slurm.jobs.set_index("job_id")
    assert list(jobs.index) == ["4101", "4102", "4103", "4104_1", "4104_2", "4105", "4106"]
    assert jobs["gpus"].to_list() == [16, 8, 8, 1, 1, 2, 32]
    assert jobs["status"].to_list() == [
        "completed", "failed", "failed", "preempted", "stopped", "running", "queued",
    ]  # fmt: skip
    assert jobs["error_message"].dropna().to_dict() == {
        "4102": "FAILED: exit code 1",
        "4103": "OUT_OF_MEMORY: oom-kill",
    }
    assert jobs.loc["4101", "created_at"] == pd.Timestamp("2026-03-02T07:00Z")
    assert jobs.loc["4101", "gpu_count"] == 8
    assert jobs.loc["4106", "gpu_hours"] == 0


def test_the_columns_that_the_guide_names_are_enough(slurm):
    page = (DOCS / "guides" / "your-own-data.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:`tv\.\w+`(?:, )?)+) \| (.+) \|$", page, flags=re.MULTILINE)
    assert len(rows) == 6
    for names, told in rows:
        columns = [name for name in re.findall(r"`(\w+)`", told) if name in slurm.jobs]
        for name in re.findall(r"tv\.(\w+)", names):
            grouped = {"by": None} if "what you group by" in told else {}
            assert len(getattr(tv, name)(slurm.jobs[columns], **grouped))


def test_phases_and_gpu_hours_of_slurm_are_exact(slurm):
    phases = tv.job_phases(slurm.jobs, status_events=slurm.status_events)
    known = phases.set_index("job_id")
    assert known["queued_hours"].to_dict() == {
        "4101": 2, "4102": 0.5, "4103": 0, "4104_1": 1, "4104_2": 2, "4105": 1, "4106": 3,
    }  # fmt: skip
    assert known["running_gpu_hours"].sum() == 16 * 24 + 8 * 2 + 8 * 4 + 4 + 2 * 5
    jobs = tv.refine_jobs(slurm.jobs, phases)
    usage = tv.gpu_usage(jobs, by="project_name").set_index("project_name")["gpu_hours"]
    assert usage.to_dict() == {"llm": 432, "speech": 14}
    assert tv.gpu_concurrency(jobs)["gpus"].max() == 24
    rates = tv.failure_rates(jobs, by="user_email").set_index("user_email")
    assert rates["failed"].to_dict() == {"ada": 2, "lin": 0}
    assert set(tv.error_groups(jobs)["category"]) == {"host out of memory", "worker failed"}


def test_odd_lines_of_sacct_are_read(read_sacct):
    line = '7|a "quoted|llm|None|{}|0:0|{}|{}|{}|1||{}|p\n'
    at = ["2026-03-01T00:00:00", "2026-03-01T01:00:00", "2026-03-01T02:00:00"]
    [job] = read_sacct(
        HEADER + line.format("CANCELLED by 7", *at, "gres/gpu:h100=4,gres/gpu:a100=1")
    ).jobs.itertuples()
    assert (job.status, job.gpus, job.gpu_type, job.user_email) == ("stopped", 5, "H100", "None")
    [job] = read_sacct(HEADER + line.format("COMPLETED", *at, "cpu=4,mem=1G")).jobs.itertuples()
    assert (job.gpus, job.gpu_hours, pd.isna(job.gpu_type)) == (0, 0, True)
    assert read_sacct(HEADER).jobs.empty
    assert tv.gpu_usage(read_sacct(HEADER).jobs).empty
    with pytest.raises(ValueError, match="'STARTLED' of job 7"):
        read_sacct(HEADER + line.format("STARTLED", *at, ""))
    # Slurm escapes nothing: a name may hold what divides fields, and lines of other systems
    for name in ("a|b||c", "|", "", "a\u2028b\x0cc", "None"):
        told = line.replace('a "quoted', name).format("COMPLETED", *at, "gres/gpu:h100=4")
        [job] = read_sacct(
            "\ufeff" + (HEADER + told + "\n").replace("\n", "\r\n")
        ).jobs.itertuples()
        assert (job.job_name, job.user_email, job.gpus) == (name, "None", 4)
        assert job.elapsed_hours == 2
    for text, message in (
        (HEADER + told + "8|two\n", r"line 3: 2 fields, not 13: '8\|two'"),
        (told, "line 1: no column JobID; ask sacct -P -o JobID,JobName,"),
        ("", "line 1: no column JobID"),
        (HEADER.replace("|Partition", ""), "line 1: no column Partition"),
    ):
        with pytest.raises(ValueError, match=message):
            read_sacct(text)
    # the clock shows 2:30 twice on one night of autumn, and on one of spring not at all
    night = ["2026-10-25T02:30:00", "2026-10-25T03:00:00", "2026-03-29T02:30:00"]
    [job] = read_sacct(HEADER + line.format("COMPLETED", *night, "")).jobs.itertuples()
    assert job.created_at == pd.Timestamp("2026-10-25T01:30Z")
    assert job.end_at == pd.Timestamp("2026-03-29T01:00Z")
