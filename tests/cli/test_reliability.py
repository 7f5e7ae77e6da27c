"""The commands about goodput, and about what failures take."""

import io
import json
import re

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import trainview as tv
from tests.cli.shell import DATA, fault, out, trainview
from tests.test_snapshot import load_quietly
from trainview.analysis.clipping import clip_phases

EVERY = [
    ["goodput"],
    ["failures", "--show", "mttf"],
    ["failures", "--show", "lost"],
    ["failures", "--show", "chains"],
]
CUT = r"\d…(?:\s|$)"


@pytest.fixture(scope="module")
def data():
    return load_quietly(DATA)


@pytest.fixture(scope="module")
def phases(data):
    return data.job_phases()


@pytest.fixture(scope="module")
def less(tmp_path_factory, data):
    """Folders without checkpoints and samples, and without all that tells when jobs ran."""
    folder = tmp_path_factory.mktemp("less")
    some = data.assign(checkpoints=data.checkpoints.head(0), metrics=data.metrics.head(0))
    some.to_parquet(folder / "some")
    tables = ("billing", "queue", "status_events")
    some.assign(**{name: getattr(data, name).head(0) for name in tables}).to_parquet(folder / "no")
    return folder


def expected(data, phases, words):
    jobs, saved = data.jobs, data.checkpoints
    return {
        "goodput": lambda: tv.goodput(jobs, phases, saved, metrics=data.metrics),
        "failures --show mttf": lambda: tv.time_to_failure(jobs, phases),
        "failures --show lost": lambda: tv.lost_work(jobs, phases, saved),
        "failures --show chains": lambda: tv.run_chains(jobs, phases=phases, checkpoints=saved),
    }[" ".join(words)]()


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_csv_and_json_are_the_helpers_rows(words, data, phases):
    wanted = expected(data, phases, words)
    rows = json.loads(out(*words, DATA, "--format", "json"))
    assert list(rows[0]) == list(wanted.columns)
    assert len(rows) == len(wanted)
    text = out(*words, DATA, "--format", "csv", "--raw-csv")
    got = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])
    for name in wanted.select_dtypes("number"):
        column = wanted[[name]].astype(got[name].dtype)
        assert_frame_equal(got[[name]], column, check_dtype=False)


@pytest.mark.parametrize("words", [*EVERY, ["timeline"]], ids=" ".join)
@pytest.mark.parametrize("width", [60, 80, 140])
def test_tables_for_people_fit_the_terminal_and_cut_off_no_digit(words, width):
    text = out(*words, DATA, env={"COLUMNS": str(width)})
    assert max(len(line) for line in text.splitlines()) <= width
    assert not re.search(CUT, text)


def test_goodput_is_told_of_all_jobs_together_and_as_an_upper_bound(data, phases):
    text = out("goodput", DATA)
    whole = tv.goodput(data.jobs, phases, data.checkpoints, by=None, metrics=data.metrics)
    assert "an upper bound" in text.splitlines()[0]
    assert f"{len(data.jobs)} jobs: goodput {whole['goodput'][0]:.1%} at most" in text


def test_what_was_not_fetched_is_told_with_the_way_to_get_it(less):
    done = trainview("goodput", less / "some")
    assert done.returncode == 0
    assert b"lost_" not in done.stdout
    assert b"no checkpoints were fetched" in done.stderr
    assert b"--with checkpoints" in done.stderr
    assert b"no metrics were fetched, so idle GPUs are not subtracted" in done.stderr
    assert b"GPU-hours count as good" in done.stdout
    assert "--with checkpoints" in fault(2, "failures", less / "some", "--show", "lost")
    for words in (["goodput"], ["failures", "--show", "mttf"], ["failures", "--show", "lost"]):
        told = fault(2, *words, less / "no")
        assert "nothing that tells when jobs ran" in told
        assert "--with billing,queue,metrics" in told
    done = trainview("failures", less / "no", "--show", "chains")
    assert done.returncode == 0
    assert b"running hours are not known" in done.stderr


def test_chains_are_listed_once_and_jobs_without_another_attempt_counted(data, phases):
    found = tv.run_chains(data.jobs, phases=phases)
    text = out("failures", DATA, "--show", "chains", "--rows", "0")
    assert "a heuristic" in text
    assert f"{(found['attempts'] == 1).sum()} jobs without another attempt" in text
    rows = json.loads(out("failures", DATA, "--show", "chains", "--within-hours", "2", "--format", "json"))  # fmt: skip
    soon = tv.run_chains(data.jobs, phases=phases, within_hours=2)
    assert [row["attempts"] for row in rows] == soon["attempts"].to_list()
    assert soon["attempts"].max() <= found["attempts"].max()


def test_mttf_is_by_size_unless_something_else_is_asked_for(data, phases):
    words = ["failures", DATA, "--show", "mttf", "--format", "json"]
    by_team = json.loads(out(*words, "--by", "team_name,gpus", "--origin", "infrastructure"))
    assert list(by_team[0])[:2] == ["team_name", "gpus"]
    whole = json.loads(out(*words, "--by", "none", "--origin", "infrastructure"))[0]
    wanted = tv.time_to_failure(data.jobs, phases, by=None, origin="infrastructure")
    assert whole["failures"] == wanted["failures"][0] == sum(row["failures"] for row in by_team)
    assert "only the lower bound is known" in out("failures", DATA, "--show", "mttf")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--origin", "code"], "--origin goes with --show mttf"),
        (["--show", "lost", "--origin", "code"], "--origin goes with --show mttf"),
        (["--within-hours", "3"], "--within-hours goes with --show chains"),
        (["--show", "lost", "--by", "gpu_type"], "--by goes with --show rates and --show mttf"),
    ],
)
def test_options_that_do_nothing_are_refused(words, told):
    assert told in fault(2, "failures", DATA, *words)


def test_a_window_counts_what_ran_in_it_by_all_that_tells_of_the_time_before(phases):
    days = [("2026-03-10", "2026-03-12"), ("2026-03-12", "2026-03-15")]
    both = ("2026-03-10", "2026-03-15")
    found = {
        window: json.loads(
            out("goodput", DATA, "--since", window[0], "--until", window[1],
                "--by", "none", "--format", "json")
        )[0]
        for window in (*days, both)
    }  # fmt: skip
    for name in ("running_gpu_hours", "deploying_gpu_hours"):
        assert sum(found[day][name] for day in days) == pytest.approx(found[both][name])
    since, until = (pd.Timestamp(day, tz="UTC") for day in both)
    begin = phases["started_at"].clip(lower=since)
    hours = (phases["ended_at"].clip(upper=until) - begin).dt.total_seconds() / 3600
    # Jobs that ran, but nobody knows from when on, are none of these.
    expected = (phases["gpus"] * hours.clip(lower=0)).sum()
    assert found[both]["running_gpu_hours"] == pytest.approx(expected)


def test_phases_of_a_window_are_those_of_its_jobs(data, phases):
    week = data.clip("2026-03-10", "2026-03-12")
    found = clip_phases(phases, week.jobs).set_index("job_id")
    assert set(found.index) == set(week.jobs["job_id"])
    lives = week.jobs.set_index("job_id").loc[found.index]
    known = lives["end_at"].notna() & found["ended_at"].notna()
    for name in ("released_at", "started_at", "ended_at"):
        times = found[name][known]
        assert (times.isna() | (times >= lives["created_at"][known])).all()
        assert (times.isna() | (times <= lives["end_at"][known])).all()
    total = found[["queued_hours", "deploying_hours", "running_hours"]].sum(axis=1)
    life = (found["ended_at"] - found["submitted_at"]).dt.total_seconds() / 3600
    assert (total[known] <= life[known] + 1e-6).all()
