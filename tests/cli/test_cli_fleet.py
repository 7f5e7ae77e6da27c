"""The commands about the whole fleet."""

import io
import json
import os
import re
import signal
import subprocess
import time

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import trainview as tv
from tests.api_server import Api, ApiServer
from tests.builders import job, payload, project
from tests.cli.shell import DATA, KEY, fault, out, start, trainview
from tests.test_snapshot import load_quietly

COMMANDS = {
    "cost": [
        [],
        ["--show", "bill"],
        ["--freq", "M"],
        ["--show", "failures"],
        ["--show", "pace"],
    ],
    "utilization": [[], ["--idle"]],
    "queue": [[], ["--show", "jobs"], ["--show", "spot"]],
    "checkpoints": [[]],
    "caches": [[], ["--by", "folder", "--depth", "2"]],
    "quota": [[], ["--by-team"]],
}
# texts are cut in their middle, so this would be a number
CUT = r"\d…(?:\s|$)"
EVERY = [[command, *words] for command, several in COMMANDS.items() for words in several]


def run(words):
    return json.loads(out(*words, "--format", "json"))


@pytest.fixture(scope="module")
def data():
    return load_quietly(DATA).refine()


def expected(data, words):
    jobs, teams = data.jobs, data.jobs.merge(data.projects[["project_id", "team_name"]])
    money, caches = (data.prices, data.billing), (data.caches, data.projects)
    return {
        "cost": lambda: tv.estimate_cost(jobs, data.prices),
        "cost --show bill": lambda: tv.reconcile_cost(jobs, *money, by="project_name"),
        "cost --freq M": lambda: tv.cost_over_time(jobs, *money, freq="M"),
        "cost --show failures": lambda: tv.failure_costs(jobs, data.prices),
        "cost --show pace": lambda: tv.spend_pace(
            data.billing, by="project_name", as_of=data.as_of
        ),
        "utilization": lambda: tv.utilization(data.metrics, jobs, by="project_name"),
        "utilization --idle": lambda: tv.idle_gpus(
            data.metrics, jobs, data.prices, by="project_name"
        ),
        "queue": lambda: tv.queue_waits(data.queue),
        "queue --show jobs": lambda: data.queue.sort_values(
            ["is_waiting", "waited_hours"], ascending=False
        ),
        "queue --show spot": lambda: tv.spot_usage(
            jobs, data.job_phases(), data.checkpoints, data.queue
        ),
        "checkpoints": lambda: tv.checkpoint_usage(data.checkpoints, jobs),
        "caches": lambda: tv.cache_usage(*caches, metrics=data.metrics, jobs=jobs),
        "caches --by folder --depth 2": lambda: tv.cache_usage(
            *caches, "folder", metrics=data.metrics, jobs=jobs, depth=2
        ),
        "quota": lambda: tv.quota(jobs, data.capacity, until=data.as_of),
        "quota --by-team": lambda: tv.quota(
            teams, data.capacity, by=["team_name", "gpu_type"], until=data.as_of
        ),
    }[" ".join(words)]()


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_csv_and_json_are_the_helpers_rows(words, data):
    wanted = expected(data, words).reset_index(drop=True)
    rows = run([*words, DATA])
    assert list(rows[0]) == list(wanted.columns)
    assert len(rows) == len(wanted)
    text = out(*words, DATA, "--format", "csv", "--raw-csv")
    got = pd.read_csv(io.StringIO(text), keep_default_na=False, na_values=[""])
    for name in wanted.select_dtypes("number"):
        column = wanted[[name]].astype(got[name].dtype)
        assert_frame_equal(got[[name]], column, check_dtype=False)


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
@pytest.mark.parametrize("width", [60, 80, 140])
def test_tables_for_people_fit_the_terminal_and_cut_off_no_digit(words, width):
    text = out(*words, DATA, env={"COLUMNS": str(width)})
    assert max(len(line) for line in text.splitlines()) <= width
    assert not re.search(CUT, text)
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [140, 151])
def test_the_summary_in_two_columns_cuts_off_no_digit(width):
    text = out("summary", DATA, env={"COLUMNS": str(width)})
    assert not re.search(CUT, text)


@pytest.mark.parametrize("by", ["team_name,gpu_type", "none"])
@pytest.mark.parametrize("words", [["cost"], ["cost", "--show", "bill"], ["cost", "--freq", "Q"], ["utilization"], ["utilization", "--idle"], ["queue"]], ids=" ".join)  # fmt: skip
def test_by_takes_columns_of_jobs_and_projects(words, by):
    rows = run([*words, DATA, "--by", by])
    names = [] if by == "none" else by.split(",")
    assert list(rows[0])[: len(names)] == names
    if names:
        assert {row["team_name"] for row in rows} >= {"research", "platform", None}
    else:
        assert rows[0].get("period", "2026-01-01T00:00:00+00:00") == "2026-01-01T00:00:00+00:00"


def test_sums_do_not_depend_on_the_grouping(data):
    whole = tv.estimate_cost(data.jobs, data.prices, by=None)["estimated_usd"].item()
    for words in (["cost"], ["cost", "--by", "team_name,priority"], ["cost", "--freq", "D", "--by", "user_email"]):  # fmt: skip
        rows = run([*words, DATA])
        assert sum(row["estimated_usd"] or 0 for row in rows) == pytest.approx(whole)
    jobs = sum(row["jobs"] for row in run(["queue", DATA, "--by", "user_email"]))
    assert jobs == len(data.queue)


def test_cost_for_people_has_estimate_bill_and_why_they_differ(data):
    text = out("cost", DATA, "--rows", "1")
    # the reasons are few, and shown whatever the number of rows
    both = tv.reconcile_cost(data.jobs, data.prices, data.billing, by="reason")
    for row in both.itertuples():
        shown = "-" if pd.isna(row.difference_usd) else f"{row.difference_usd:,.2f}"
        assert re.search(rf"^{row.reason} .* {shown}$", text, re.MULTILINE), row
    total = both[["estimated_usd", "billed_usd"]].sum()
    assert f"{total['estimated_usd']:,.2f} estimated, {total['billed_usd']:,.2f} billed" in text
    assert "without a price: 8 jobs on L4:4x48x192" in text
    assert "of unknown duration: 1 job" in text
    split = both[both["overhead_usd"].notna()].iloc[0]
    assert f"{split['overhead_usd']:,.2f} for time that was not billed" in text
    assert f"{split['price_usd']:,.2f} for prices other than the list's" in text
    by_project = out("cost", DATA, "--rows", "0")
    for row in tv.reconcile_cost(
        data.jobs, data.prices, data.billing, by="project_name"
    ).itertuples():
        assert f"{row.billed_usd:,.2f}" in by_project


def test_what_the_bill_assigns_to_no_day_is_told(data):
    done = trainview("cost", DATA, "--freq", "W")
    undated = data.billing[data.billing["date"].isna()]["subtotal_usd"].sum()
    assert undated
    assert f"{undated:,.2f} USD of the bill belong to no day" in done.stderr.decode()
    # each of the three bills is of one month, as its days tell
    assert "belong to no day" not in trainview("cost", DATA, "--freq", "M").stderr.decode()


def test_without_a_bill_the_estimate_is_shown_and_that_is_told(tmp_path, data):
    data.assign(billing=data.billing.head(0)).to_parquet(tmp_path / "f")
    for words in (["cost"], ["cost", "--freq", "M"]):
        done = trainview(*words, tmp_path / "f")
        assert done.returncode == 0
        assert b"billed_usd" not in done.stdout
        assert b"there is no bill, only the estimate" in done.stderr
    assert "--with prices,billing" in fault(2, "cost", tmp_path / "f", "--show", "bill")


def idlest(data):
    return tv.idle_gpus(data.metrics, data.jobs, data.prices, by="project_name").iloc[0]


def test_idle_gpus_have_money_where_there_are_prices(tmp_path, data):
    worst = idlest(data)
    assert f"{worst['idle_usd']:,.2f}" in out("utilization", DATA, "--idle")
    data.assign(prices=data.prices.head(0)).to_parquet(tmp_path / "f")
    text = out("utilization", tmp_path / "f", "--idle")
    assert f"{worst['idle_gpu_hours']:,.1f}" in text
    assert "idle_usd" not in text
    found = [
        run(["utilization", DATA, "--idle", "--by", "none", *words])[0]["idle_gpu_hours"]
        for words in (["--threshold", "0.001"], [], ["--threshold", "0.5"])
    ]
    assert found[0] < found[1] < found[2]
    assert "below 50%" in out("utilization", DATA, "--idle", "--threshold", "0.5")


def test_utilization_goes_down_to_the_single_gpu(data):
    rows = run(["utilization", DATA, "--by", "job_id,node_id,gpu"])
    assert len(rows) == len(tv.utilization(data.metrics, data.jobs))


def test_queue_lists_who_waits_and_who_was_ahead():
    text = " ".join(out("queue", DATA, "--show", "jobs", env={"COLUMNS": "160"}).split())
    assert "run-20 B200 32 51.0 still waits; 8 of 32 GPUs held" in text
    assert (
        "bs-64-lr-2e-4 L4 4 4.6 8 of 8 GPUs held; 12 asked for ahead by bs-64-lr-5e-5, "
        "bs-32-lr-2e-4, bs-64-lr-2e-5" in text
    )
    # a job without a name goes by its id
    assert "vomi7fx H100 16 <0.1 0 of 112 GPUs held" in text
    assert "bs-128-lr-2e-5 H100 8 3.7 112 of 112 GPUs held; team's limit 64" in text


def test_without_a_queue_table_the_jobs_that_wait_now_are_shown(tmp_path, data):
    data.assign(queue=data.queue.head(0)).to_parquet(tmp_path / "f")
    done = trainview("queue", tmp_path / "f", "--by", "team_name", "--format", "json")
    assert b"there is no queue table, only the jobs that wait now" in done.stderr
    rows = json.loads(done.stdout)
    assert sum(row["waiting"] for row in rows) == sum(row["jobs"] for row in rows) == 4
    jobs = run(["queue", tmp_path / "f", "--show", "jobs"])
    assert [row["phase"] for row in jobs] == ["waiting"] * 4
    assert "-: more jobs still wait" in out("queue", tmp_path / "f")


def test_quota_says_what_more_gpus_would_have_changed():
    text = out("quota", DATA, "--extra-gpus", "1000")
    assert re.search(r"^H100 +112 +120 ", text, re.MULTILINE)
    assert "What 1,000 more GPUs would have changed, at most" in text
    assert re.search(r"^H100 +0\.2% +0\.0% +30\.3 +0\.0$", text, re.MULTILINE)
    assert "What 1 more GPU would have" in out("quota", DATA, "--extra-gpus", "1")


def test_caches_for_people_say_how_full_they_are_where_jobs_tell(tmp_path):
    text = out("caches", DATA, env={"COLUMNS": "140"})
    wanted = r"^moe-8x7b-scaling-laws +83 +913\.2 GiB +39\.8% +2026-03-27 07:05 +89\.2%"
    assert re.search(wanted, text, re.MULTILINE)
    assert "utilization" not in out("caches", DATA, "--by", "folder")
    data = load_quietly(DATA)
    data.assign(metrics=data.metrics.head(0)).to_parquet(tmp_path / "less")
    assert "utilization" not in out("caches", tmp_path / "less")


def test_a_limit_that_nobody_reached_is_told(tmp_path):
    with ApiServer(Api([job(created_at="2026-03-31T10:00:00Z")])) as server:
        folder = fetched(tmp_path, server, "capacity")
    assert out("quota", folder).endswith("No limit was reached.\n")


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["cost"], "--with prices,billing"),
        (["cost", "--show", "estimate"], "--with prices "),
        (["utilization"], "--with metrics"),
        (["quota"], "--with capacity"),
        (["checkpoints"], "--with checkpoints"),
        (["caches"], "--with caches"),
        (["check", "--max-cost", "1"], "--with prices"),
        (["check", "--max-projected-cost", "1"], "--with prices"),
        (["cost", "--show", "pace"], "--with prices,billing"),
        (["cost", "--show", "right-size"], "--with prices,metrics"),
        (["check", "--max-idle-gpu-hours", "1"], "--with metrics"),
        (["check", "--min-utilization", "1"], "--with metrics"),
        (["check", "--max-wait-p90", "1h"], "--with queue"),
    ],
)
def test_a_table_that_is_not_there_is_an_error_with_the_remedy(words, remedy):
    line = fault(2, *words, DATA / "training_jobs.json")
    assert f"trainview fetch -o fleet/ {remedy}" in line


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cost", DATA, "--show", "bill", "--freq", "D"], "--freq goes with --show over-time"),
        (["cost", DATA, "--by", "colour"], "no column 'colour'"),
        (["utilization", DATA, "--threshold", "0.1"], "--threshold goes with --idle"),
        (["utilization", DATA, "--idle", "--threshold", "5"], "0<=x<=1"),
        (["fetch", "-o", "-", "--with", "prices"], "name a folder, not -"),
        (["fetch", "-o", "x.json", "--with", "prices"], "name a folder, not x.json"),
        (["fetch", "-o", "fleet", "--with", "colours"], "--with 'colours': choose one of prices"),
        (["fetch", "-o", "fleet", "--with", "prices", "--concurrency", "99"], "1<=x<=32"),
        (["fetch", "-o", "fleet", "--with", "prices", "--cache-limit", "-1"], "x>=0"),
        (["fetch", "-o", "fleet", "--with", "prices"], "BASETEN_API_KEY"),
        (["check", DATA], "no rule to check: give one of --max-failure-rate, --max-pending"),
        (["check", DATA, "--max-pending", "2"], "'2': give a length of time such as 90m, 2h"),
        (["check", DATA, "--max-failure-rate", "2"], "give a fraction from 0 to 1"),
        (["check", DATA, "--max-cost", "1", "--since", "monday"], "or a length of time such as 7d"),
        (["check", DATA, "--max-cost", "1", "--since", "12:00"], "give a moment with a time zone"),
        (["check", DATA, "--max-cost", "1", "--since", "9999w"], "at most a hundred years"),
    ],
)
def test_faults_give_one_line_and_exit_with_2(words, message, tmp_path):
    assert message in fault(2, *words, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


# fetching


def fleet(number=6, **changes):
    times = {"created_at": "2026-03-31T10:00:00Z", "updated_at": "2026-03-31T13:00:00Z"}
    waits = {"current_status": "TRAINING_JOB_PENDING", "updated_at": "2026-03-31T10:00:00Z"}
    jobs = [job(f"job{index}", **times) for index in range(number)]
    api = Api([*jobs, job("w", **times | waits)], projects=[project()], **changes)
    api.cached = {"proj1": [("hub/model", 9, "file")]}
    return api


def at(server, tmp_path):
    """What a command needs to fetch from the server, with a cache of the test's own."""
    return {"key": KEY, "env": {"XDG_CACHE_HOME": str(tmp_path / "cache"), "COLUMNS": "80"}}, [
        "--base-url",
        server.url,
    ]


def fetched(tmp_path, server, what, *words):
    more, address = at(server, tmp_path)
    out("fetch", "-o", tmp_path / "fleet", "--with", what, *words, *address, **more)
    return tmp_path / "fleet"


def test_fetch_writes_a_folder_and_says_what_is_in_it(tmp_path):
    with ApiServer(fleet()) as server:
        more, address = at(server, tmp_path)
        words = ["fetch", "-o", tmp_path / "fleet", "--with", "prices,metrics", "--with", "queue"]
        done = trainview(*words, *address, **more)
        assert done.returncode == 0
        assert done.stdout == b""
        asked = len(server.paths)
        # what has ended is not asked for again, and before anything is asked the folder is looked at
        assert "exists: replace it" in fault(6, *words, *address, **more)
        assert len(server.paths) == asked
        out(*words, "--force", *address, **more)
        assert server.asked("/metrics") == 6
        out(*words, "--force", "--refresh", "--concurrency", "2", *address, **more)
        assert server.asked("/metrics") == 12
        out(*words, "--force", "--no-cache", *address, **more)
        assert server.asked("/metrics") == 18
    assert done.stderr.decode() == (
        f"trainview: wrote {tmp_path / 'fleet'}: projects 1, jobs 7, instance_types 1, prices 1, "
        "queue 7, status_events 7, metrics 8,640\n"
    )
    snap = tv.load(tmp_path / "fleet")
    assert snap.as_of == pd.Timestamp("2026-03-31T18:00Z")
    assert len(snap.metrics) == 8640
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    assert not any(KEY.encode() in file.read_bytes() for file in files)


def test_everything_can_be_fetched_and_every_command_reads_it(tmp_path):
    with ApiServer(fleet()) as server:
        folder = fetched(tmp_path, server, "everything")
    for words in EVERY:
        if "failures" not in words and "bill" not in words:
            assert run([*words, folder])
    assert out("summary", folder)


BREAKS = {"trouble": lambda path, _: 404 if "job3/metrics" in path else None}


def test_a_job_that_fails_does_not_cost_the_others_and_only_strict_says_so_by_its_code(tmp_path):
    with ApiServer(fleet(), **BREAKS) as server:
        more, address = at(server, tmp_path)
        for code, words in ((0, []), (4, ["--strict"])):
            folder = tmp_path / f"fleet{code}"
            done = trainview("fetch", "-o", folder, "--with", "metrics", *words, *address, **more)
            assert done.returncode == code
            lines = done.stderr.decode().splitlines()
            assert lines[0].startswith("trainview: warning: metrics of 1 job could not be fetched:")
            assert lines[1].startswith(f"trainview: wrote {folder}: projects 1, jobs 7")
            assert lines[2] == "trainview: not fetched: metrics of job3"
            note = "metrics of 1 job could not be fetched when this was saved"
            with pytest.warns(tv.DataWarning, match=note):
                snap = tv.load(folder)
            assert snap.metrics["job_id"].nunique() == 5
            assert snap.not_fetched["job_id"].tolist() == ["job3"]
            done = trainview("check", folder, "--max-idle-gpu-hours", "1000")
            assert note in done.stderr.decode()
    assert lines[3] == (
        "trainview: error: metrics of 1 job could not be fetched, and --strict asks for all"
    )


def test_strict_asks_for_what_is_about_the_organisation_too(tmp_path):
    with ApiServer(
        fleet(), trouble=lambda path, _: 403 if path.endswith("/capacity") else None
    ) as server:
        more, address = at(server, tmp_path)
        for code, words in ((0, []), (4, ["--strict"])):
            folder = tmp_path / f"fleet{code}"
            fetch = ["fetch", "-o", folder, "--with", "prices,capacity"]
            done = trainview(*fetch, *words, *address, **more)
            assert done.returncode == code
            lines = done.stderr.decode().splitlines()
            assert lines[0].startswith("trainview: warning: capacity could not be fetched:")
            assert lines[2] == "trainview: not fetched: capacity"
    assert lines[3] == "trainview: error: capacity could not be fetched, and --strict asks for all"


def test_many_failures_are_counted(tmp_path):
    with ApiServer(fleet(9), trouble=lambda path, _: 404 if "/metrics" in path else None) as server:
        more, address = at(server, tmp_path)
        done = trainview("fetch", "-o", tmp_path / "f", "--with", "metrics", *address, **more)
    assert done.returncode == 0
    told = done.stderr.decode().splitlines()
    assert "trainview: not fetched: metrics of job0, job1, job2 and 6 more jobs" in told


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (["cost"], ["instance_type_prices", "usage_summary"]),
        (["cost", "--show", "over-time"], ["instance_type_prices", "usage_summary"]),
        (["cost", "--freq", "M"], ["instance_type_prices", "usage_summary"]),
        (["cost", "--show", "estimate"], ["instance_type_prices"]),
        (["cost", "--show", "pace"], ["instance_type_prices", "usage_summary"]),
        (["cost", "--show", "right-size"], ["instance_type_prices", "metrics"]),
        (["cost", "--show", "failures"], ["instance_type_prices"]),
        (["cost", "--format", "json"], ["instance_type_prices"]),
        (["utilization"], ["metrics"]),
        (["utilization", "--idle"], ["instance_type_prices", "metrics"]),
        (["queue"], ["queue_context"]),
        (["quota"], ["capacity"]),
        (["check", "--max-pending", "9h"], []),
        (["check", "--max-cost", "1000", "--max-wait-p90", "9h"], ["instance_type_prices", "queue_context"]),
        (["check", "--min-utilization", "0.5"], ["metrics"]),
    ],
)  # fmt: skip
def test_without_a_source_a_command_asks_the_api_for_what_it_needs(words, asked, tmp_path):
    with ApiServer(fleet()) as server:
        more, address = at(server, tmp_path)
        assert out(*words, *address, **more)
        paths = {path.rsplit("/", 1)[-1] for path in server.paths}
    assert paths == {"training_projects", "search", *asked}


@pytest.mark.parametrize("words", [["utilization"], ["check", "--min-utilization", "0.1"]])
def test_strict_refuses_gaps_where_a_command_fetches(words, tmp_path):
    with ApiServer(fleet(), **BREAKS) as server:
        more, address = at(server, tmp_path)
        done = trainview(*words, *address, **more)
        assert done.returncode == 0
        assert b"metrics of 1 job could not be fetched" in done.stderr
        assert "--strict asks for all" in fault(4, *words, "--strict", *address, **more)


def test_the_difference_to_a_bill_needs_the_bill(tmp_path):
    with ApiServer(fleet()) as server:
        more, address = at(server, tmp_path)
        assert "no billing table" in fault(2, "cost", "--show", "bill", *address, **more)
        assert server.asked("usage_summary")


def test_the_queue_is_for_administrators_and_that_is_told(tmp_path):
    with ApiServer(fleet(administrator=False)) as server:
        more, address = at(server, tmp_path)
        done = trainview("queue", "--format", "json", *address, **more)
        assert done.returncode == 0
        assert [(row["gpu_type"], row["waiting"]) for row in json.loads(done.stdout)] == [
            ("A10G", 1)
        ]
        assert b"an administrator's key tells the rest" in done.stderr
        folder = tmp_path / "fleet"
        words = ["fetch", "-o", folder, "--with", "queue", "--strict", *address]
        done = trainview(*words, **more)
        assert done.returncode == 0
        assert b"the API tells it to administrators" in done.stderr
        assert "--with queue" in fault(2, "check", "--max-wait-p90", "1h", *address, **more)


@pytest.mark.parametrize("command", ["fetch", "utilization"])
def test_ctrl_c_says_what_is_kept_and_the_next_run_goes_on(command, tmp_path):
    with ApiServer(fleet(40), latency=0.15) as server:
        more, address = at(server, tmp_path)
        words = ["fetch", "-o", str(tmp_path / "f"), "--with", "metrics"]
        words = [*(words if command == "fetch" else [command]), "--concurrency", "4", *address]
        process = start(*words, **more, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 30
        while server.asked("/metrics") < 12 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
        assert process.returncode == 130
        assert stdout == b""
        said = re.fullmatch(
            r"trainview: interrupted: (\d+) of 40 jobs are kept, run it again to go on",
            stderr.decode().strip(),
        )
        assert said, stderr
        assert not (tmp_path / "f").exists()
        server.latency, before = 0, server.asked("/metrics")
        out(*words, **more)
        assert server.asked("/metrics") - before == 40 - int(said[1])


# check


def test_check_has_one_line_a_breach_and_exits_with_10():
    done = trainview(
        "check", DATA, "--max-failure-rate", "0.3", "--max-pending", "2h", "--max-idle-gpu-hours", "4000", "--max-cost", "1000",
    )  # fmt: skip
    assert done.returncode == 10
    lines = done.stdout.decode().splitlines()
    assert [line.split(":")[0] for line in lines] == ["max-pending", "max-cost"]
    assert lines[0].startswith("max-pending: 51.0 h, limit 2.0 h: 1 of 4 jobs for longer")
    assert lines[1].startswith("max-cost: 279,630.41 USD, limit 1,000.00 USD: estimate at")
    last = done.stderr.decode().splitlines()[-1]
    assert last == "trainview: 2 of 4 rules broken, as of 2026-03-31 18:00 UTC"


def test_check_says_in_one_line_that_all_rules_hold():
    text = out("check", DATA, "--max-failure-rate", "0.3", "--max-pending", "3d")
    assert text == "2 rules checked, none broken, as of 2026-03-31 18:00 UTC\n"
    done = trainview("check", DATA, "--max-failure-rate", "0.3", "-v")
    assert b"holds: max-failure-rate: 22.8%, limit 30.0%: 133 of 584 jobs" in done.stderr
    text = out("check", "-", "--max-failure-rate", "0", stdin=payload(training_jobs=[]))
    assert text == "1 rule checked, none broken\n"


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_what_nobody_measured_is_told_where_rules_hold(form, tmp_path, data):
    gpus = data.metrics[data.metrics["gpu"].notna()]
    few = gpus[gpus["job_id"] == gpus["job_id"].mode()[0]]
    data.assign(metrics=few).to_parquet(tmp_path / "f")
    words = ["--max-idle-gpu-hours", "1e9", "--min-utilization", "0"]
    done = trainview("check", tmp_path / "f", *words, "--format", form)
    assert done.returncode == 0
    said = done.stderr.decode()
    for rule in ("max-idle-gpu-hours", "min-utilization"):
        line = rf"^trainview: warning: {rule} is unproven: .*; \d+ of \d+ jobs not measured$"
        assert re.search(line, said, re.MULTILINE), said


def test_a_value_is_told_to_as_many_digits_as_it_takes_to_see_that_it_is_beyond_the_limit():
    done = trainview("check", DATA, "--max-failure-rate", "0.2277")
    assert done.stdout.decode().startswith("max-failure-rate: 22.774%, limit 22.770%: ")


@pytest.mark.parametrize("form", ["csv", "json"])
def test_check_gives_every_rule_to_programs(form, data):
    words = ["--max-failure-rate", "0.3", "--max-pending", "90m", "--since", "7d"]
    done = trainview("check", DATA, *words, "--format", form)
    assert done.returncode == 10
    wanted = tv.check(data, max_failure_rate=0.3, max_pending_hours=1.5, since=pd.Timedelta(days=7))
    if form == "json":
        assert json.loads(done.stdout) == wanted.to_dict("records")
    else:
        got = pd.read_csv(io.BytesIO(done.stdout))
        assert_frame_equal(got, wanted, check_dtype=False)


def test_since_takes_a_moment_too(data):
    words = ["check", DATA, "--max-failure-rate", "0.5", "--format", "json", "--since"]
    [days] = run([*words, "7d"])
    [moment] = run([*words, (data.as_of - pd.Timedelta(days=7)).isoformat()])
    [all_] = run(words[:-1])
    assert days == moment
    assert days["value"] != all_["value"]


def rules(tmp_path, text):
    file = tmp_path / "rules.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_rules_are_read_from_a_file_and_the_command_line_comes_first(tmp_path):
    file = rules(
        tmp_path,
        '[rules]\nmax-pending = "2h"\nmax-failure-rate = 0.2\nmax-cost = 1_000_000\nsince = "7d"\n',
    )
    done = trainview("check", DATA, "--config", file, "--format", "json")
    assert done.returncode == 10
    found = {row["rule"]: row for row in json.loads(done.stdout)}
    assert {name: row["limit"] for name, row in found.items()} == {
        "max-pending": 2.0,
        "max-failure-rate": 0.2,
        "max-cost": 1e6,
    }
    [days] = run(["check", DATA, "--max-failure-rate", "1", "--since", "7d"])
    assert found["max-failure-rate"]["value"] == days["value"]
    done = trainview(
        "check", DATA, "--config", file, "--max-pending", "3d", "--since", "365d", "--max-failure-rate", "0.2282", "--format", "json",
    )  # fmt: skip
    assert done.returncode == 0
    found = {row["rule"]: row for row in json.loads(done.stdout)}
    assert found["max-pending"]["limit"] == 72.0
    assert found["max-failure-rate"]["value"] == pytest.approx(133 / 584)


KNOWN = "max-failure-rate, max-pending, max-silent, max-cost, max-idle-gpu-hours, min-utilization, max-wait-p90, max-projected-cost, since"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[rules]\nmax-pendig = '2h'", f"no rule 'max-pendig': choose one of {KNOWN}"),
        ("max-pending = '2h'", f"'max-pending' is no part of it: rules stand in one table [rules], of {KNOWN}"),
        ("[rules]\nmax-cost = 1\n[other]", "'other' is no part of it"),
        ("", "there is none: rules stand in one table [rules]"),
        ("rules = 3", "there is none: rules stand in one table [rules]"),
        ("[rules]\nmax-pending = 2", "rules.max-pending = '2': give a length of time such as 90m"),
        ("[rules]\nmax-cost = '1000'", "rules.max-cost = '1000': give a number"),
        ("[rules]\nmax-cost = true", "rules.max-cost = True: give a number"),
        ("[rules]\nmax-cost = [1]", "rules.max-cost = [1]: give a number"),
        ("[rules]\nmax-failure-rate = nan", "--max-failure-rate nan: give a fraction from 0 to 1"),
        ("[rules]\nsince = 'monday'", "rules.since = 'monday': give a moment with a time zone such as"),
        ("[rules]\nmax-cost = 1\nsince = 2026-03-24T18:00:00", "rules.since = '2026-03-24T18:00:00': give a moment with a time zone"),
        ("[rules]\nmax-cost = 1\nsince = 18:00:00", "rules.since = '18:00:00': give a moment with a time zone"),
        ("[rules]\nmax-pending = 02:00:00", "rules.max-pending = '02:00:00': give a length of time such as 90m"),
        ("[rules]\nsince = 7", "rules.since = '7': give a moment with a time zone"),
        ("[rules]\n", "no rule to check: give one of --max-failure-rate"),
        ("[rules]\nsince = '7d'", "no rule to check: give one of --max-failure-rate"),
        ("[rules", "is no TOML"),
        ("[budgets]\nuser = 3", "budgets.user: budgets stand in the tables [budgets.team]"),
        ("[budgets]\nteam = 3", "budgets.team: budgets stand in the tables [budgets.team]"),
        ("budgets = 3", "budgets stand in the tables [budgets.team] and [budgets.project]"),
        ("[budgets.team]\nred = '1'", "budgets.team.red = '1': give a number"),
        ("[budgets.team]\nred = -1", "budgets.team.red = -1: give a number from 0"),
        ("[budgets.team]\nred = inf", "budgets.team.red = inf: give a number from 0"),
        ("[budgets.team]", "no rule to check: give one of --max-failure-rate"),
        ("[rules]\n'max\x1b[31m' = 1", "is no TOML"),
        (f"[rules]\nmax-failure-rate = {'9' * 5000}", ".toml: an integer has too many digits"),
        ('[rules]\n"max\\u001b[31m" = 1', r"no rule 'max\x1b[31m'"),
    ],
)  # fmt: skip
def test_a_file_of_rules_that_is_wrong_is_an_error_that_names_the_key(text, message, tmp_path):
    line = fault(2, "check", DATA, "--config", rules(tmp_path, text))
    assert message in line
    assert "\x1b" not in line


def test_a_file_of_rules_that_is_not_there_or_no_text(tmp_path):
    assert "No such file" in fault(2, "check", DATA, "--config", tmp_path / "none.toml")
    assert "Is a directory" in fault(2, "check", DATA, "--config", tmp_path)
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    assert "is no TOML" in fault(2, "check", DATA, "--config", tmp_path / "b.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[rules]\nx = " + "[" * 1000 + "]" * 1000, "nested too deeply"),
        ("[rules]\nmax-failure-rate = " + "9" * 400, "max-failure-rate = too large: give a number"),
        ("[rules]\nmax-failure-rate = " + "9" * 5000, "an integer has too many digits"),
        ("[rules]\nmax-pending = " + "9" * 400, "give a length of time"),
        ("# " + "x" * 2**20, "larger than 1 MiB"),
    ],
)
def test_no_rules_file_is_a_bug_of_ours(text, message, tmp_path):
    line = fault(2, "check", DATA, "--config", rules(tmp_path, text))
    assert message in line
    assert len(line) < 400


@pytest.mark.skipif(os.name != "posix", reason="devices and pipes are POSIX's")
def test_neither_devices_nor_pipes_are_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in ("/dev/zero", tmp_path / "fifo"):
        assert "is not a regular file" in fault(2, "check", DATA, "--config", path)
    assert "is a device: name a file" in fault(2, "summary", "/dev/zero")


def test_so_many_periods_that_nobody_wants_them_are_refused_by_option():
    end = ("--as-of", "9999-12-31T00:00:00Z")
    for words in (("gpu", "--freq", "D"), ("cost", "--show", "over-time", "--freq", "D")):
        assert "--freq 'D': about 2,9" in fault(2, *words, DATA, *end)


def test_the_options_are_the_rules_of_the_library():
    from trainview.checking.registry import RULES

    text = " ".join(out("check", "--help").split())
    for rule in RULES.values():
        kind = "DURATION" if rule.unit == "h" else "NUMBER"
        assert f"--{rule.name} {kind} {rule.help}" in text


@pytest.mark.parametrize("moment", ["2026-03-24T17:59:26.289Z", "2026-03-24 19:59:26.289+02:00"])
def test_since_can_be_a_moment_of_toml(moment, tmp_path):
    found = [
        run(["check", DATA, "--config", rules(tmp_path, f"[rules]\nmax-failure-rate = 1\n{since}")])
        for since in (f"since = {moment}", f"since = '{moment.replace(' ', 'T')}'", "")
    ]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("content", [payload(training_projects=[]), payload(training_jobs=[job()])])
def test_small_snapshots_are_checked(content):
    assert out("check", "-", "--max-pending", "1h", "--max-silent", "1h", "--max-failure-rate", "0", stdin=content)  # fmt: skip


def test_hostile_names_are_inert(tmp_path):
    evil = "evil\x1b[31m\u202e[bold]x[/]"
    times = {"created_at": "2026-03-31T10:00:00Z", "updated_at": "2026-03-31T10:00:00Z"}
    jobs = [job("a", name=evil, current_status="TRAINING_JOB_PENDING", training_project={"id": "proj1", "name": evil}, **times)]  # fmt: skip
    with ApiServer(Api(jobs)) as server:
        folder = fetched(tmp_path, server, "everything")
    for words in (["check", "--max-pending", "1h"], ["queue", "--show", "jobs"], ["cost"], ["quota"]):  # fmt: skip
        done = trainview(*words, folder)
        assert done.returncode in {0, 10}
        assert b"\x1b" not in done.stdout + done.stderr
        assert "\u202e" not in (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("command", ["cost", "utilization", "queue", "quota", "check"])
def test_every_help_text_has_an_example_that_names_the_command(command):
    text = out(command, "--help")
    assert f"Example: trainview {command} " in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_the_summary_shows_the_fleet_where_it_is_known(data):
    text = out("summary", DATA, env={"COLUMNS": "100"})
    for words in ("USD estimated", "Estimated cost by project in USD", "Idle GPUs by project", "The 7 whole days before 2026-03-31 against the 7 before: ", f"{idlest(data)['idle_gpu_hours']:,.1f}", "GPUs held, and the limit"):  # fmt: skip
        assert words in text
    figures = data.summary().set_index("figure")["value"]
    assert figures["USD billed"] == float(data.billing["subtotal_usd"].sum())
    lists = out("summary", DATA / "training_jobs.json", env={"COLUMNS": "160"})
    assert "USD" not in lists
    assert "The last 7 days against the 7 before: GPU-hours" in lists
    assert "idle" not in lists


def test_budgets_are_read_from_a_file_and_judged_like_the_helper(data, tmp_path):
    file = rules(tmp_path, "[budgets.team]\nresearch = 1000\n[budgets.project]\nllm-x = 5\n")
    done = trainview("check", DATA, "--config", file, "--format", "json")
    assert done.returncode == 10
    research, unknown = json.loads(done.stdout)
    pace = tv.spend_pace(data.billing, by="team_name", as_of=data.as_of).set_index("team_name")
    assert research["value"] == pytest.approx(pace["projected_usd"]["research"], rel=1e-9)
    assert (research["rule"], research["verdict"]) == ("budget of team research", "broken")
    assert (unknown["rule"], unknown["verdict"]) == ("budget of project llm-x", "unproven")


def test_cost_tells_where_the_month_is_heading_and_what_that_rests_on():
    text = out("cost", DATA, "--show", "pace", "--by", "team_name")
    assert text.startswith("Bill of March 2026 in USD, extrapolated to its end")
    assert "known from 2026-01-02; pace of the 7 days to 2026-03-30" in text
    done = trainview(
        "cost", DATA, "--show", "pace", "--by", "none", "--as-of", "2026-01-05T00:00:00Z"
    )
    assert "fewer than 7 whole days are known" in done.stdout.decode()


def test_cost_names_jobs_that_would_do_with_fewer_gpus(data, tmp_path):
    assert "nothing to show" in out("cost", DATA, "--show", "right-size")
    mine = data.metrics["metric"].isin(["gpu_utilization", "gpu_memory_usage_bytes"])
    few = data.metrics["job_id"].isin(data.metrics["job_id"].unique()[:60])
    little = data.metrics[mine & few].assign(
        value=lambda table: (table["metric"] == "gpu_utilization").map({True: 0.1, False: 2.0**30})
    )
    folder = tmp_path / "little"
    data.assign(metrics=little).to_parquet(folder)
    rows = run(["cost", "--show", "right-size", folder])
    wanted = tv.right_size(data.jobs, little, data.prices)
    assert [row["job_id"] for row in rows] == wanted["job_id"].tolist() != []
    for width in ("60", "80", "140"):
        text = out("cost", "--show", "right-size", folder, env={"COLUMNS": width})
        assert max(len(line) for line in text.splitlines()) <= int(width)
        assert not re.search(CUT, text)


def test_the_queue_repeats_what_the_api_says_of_jobs_that_wait():
    text = " ".join(out("queue", DATA, "--show", "jobs", "--rows", "3").split())
    assert "the API says:" in text
