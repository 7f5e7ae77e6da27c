"""The helpers on PySpark: each once on every kind of input, in one session.

`make test-spark` tries all cases and properties that the other kinds of tables are tried on.
"""

import runpy
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import polars as pl
import pytest

import trainview as tv
from tests.analysis import fleet, spark, test_attention, test_contract, test_fleet_contract
from tests.analysis.tables import assert_same, at, convert, is_kind, job, projects, table
from tests.plot.pictures import PLOTS, everything, many, new_axes
from trainview import analysis
from trainview.errors import ArgumentError
from trainview.fetching.jobs import _ran

# tests/workers.py keeps them on one worker, so that the suite starts one session.
pytestmark = [
    *(pytest.mark.spark, pytest.mark.usefixtures("needs_java")),
    pytest.mark.filterwarnings("ignore:.*left out what contradicts"),
]

TEXTS = list(test_contract.SOME.select_dtypes("category"))
JOBS = test_contract.SOME.astype(dict.fromkeys(TEXTS, "str"))
# clip_jobs gives all columns back, and Spark has neither categories nor a type of its own for these.
PLAIN = JOBS.drop(columns=list(JOBS.select_dtypes("Int64")))
HELD = analysis.refine_jobs(PLAIN, test_contract.KNOWN)
HELPERS = {
    **{name: (call, JOBS) for name, call in test_contract.HELPER.items()},
    **{name: (one.call, one.first) for name, one in test_fleet_contract.HELPERS.items()},
    "clip_jobs": (
        partial(analysis.clip_jobs, since="2025-01-01T02:30Z", until="2025-03-09T12:00Z"),
        PLAIN,
    ),
    "refine_jobs": (partial(analysis.refine_jobs, phases=test_contract.KNOWN), PLAIN),
    "gpu_hours_over_time held": (analysis.gpu_hours_over_time, HELD),
    "cost_over_time held": (test_contract.HELPER["cost_over_time"], HELD),
    "clip_jobs held": (partial(analysis.clip_jobs, since="2025-01-01T02:30Z"), HELD),
}
CALLS = {
    **{name: (call, JOBS) for name, call in test_contract.CALLS.items()},
    **{name: (one.call, one.first) for name, one in test_fleet_contract.CALLS.items()},
}
EVERY = HELPERS | CALLS
# Most helpers take the same one, which is brought to Spark once.
TABLES = {id(frame): frame for _, frame in EVERY.values()}
NULLABLE = {
    *("elapsed_hours", "error_message", "gpu_hours", "gpu_type", "job_name", "node_id"),
    *("step_seconds", "user_email", "waited_hours"),
}


def in_march(frame: pd.DataFrame) -> pd.DataFrame:
    """Move all times to where the clocks of New York are about to change."""
    times = frame.select_dtypes("datetimetz")
    return frame.assign(**(times + pd.Timedelta(days=67, hours=4)).astype(times.dtypes))


def without_zone(frame: pd.DataFrame) -> pd.DataFrame:
    times = frame.select_dtypes("datetimetz")
    return frame.assign(**times.apply(lambda column: column.dt.tz_localize(None)))


def without_values(frame: pd.DataFrame) -> pd.DataFrame:
    empty = {
        name: pd.Series(None, frame.index, dtype=frame[name].dtype)
        for name in NULLABLE.intersection(frame)
    }
    return frame.assign(**empty)


class Input(NamedTuple):
    change: Any
    given: Any = lambda frame: frame
    session: dict[str, str] = {}  # noqa: RUF012


INPUTS = {
    "as it is": Input(lambda frame: frame),
    "times without a zone": Input(in_march, without_zone),
    "another session": Input(
        in_march, session={"session_timeZone": "Australia/Lord_Howe", "ansi_enabled": "false"}
    ),
    "no values": Input(without_values, session={"session_timeZone": "UTC"}),
    "no rows": Input(lambda frame: frame.head(0), session={"ansi_enabled": "false"}),
}


def pairs() -> list[tuple[str, str]]:
    """Pair each helper with every kind of input, and each of its calls with one at least."""
    found = []
    for helper in HELPERS:
        calls = [helper, *(name for name in reversed(CALLS) if name.startswith(f"{helper} by "))]
        for number, kind_of_input in enumerate(INPUTS):
            found.append((calls[number % len(calls)], kind_of_input))
    assert CALLS.keys() <= {call for call, _ in found}
    return found


def on_spark(frame: pd.DataFrame, **settings: str) -> Any:
    session = spark.session_with(**settings) if settings else spark.session()
    return spark.from_arrow(pl.from_pandas(frame).to_arrow(), session)


@cache
def changed(kind_of_input: str, number: int) -> tuple[pd.DataFrame, Any]:
    """Change a table to a kind of input, for pandas and for Spark."""
    one = INPUTS[kind_of_input]
    frame = one.change(TABLES[number])
    return frame, on_spark(one.given(frame), **one.session)


@pytest.mark.parametrize(("name", "kind_of_input"), pairs())
def test_spark_gives_what_pandas_gives_on_every_kind_of_input(name, kind_of_input):
    call, table = EVERY[name]
    frame, given = changed(kind_of_input, id(table))
    result = call(given)
    assert is_kind(result, spark.KIND)
    assert_same(result, call(frame))


def test_the_sessions_differ_in_zone_and_ansi_mode():
    sessions = [
        spark.session(),
        *(spark.session_with(**one.session) for one in INPUTS.values() if one.session),
    ]
    names = "spark.sql.session.timeZone", "spark.sql.ansi.enabled"
    assert [tuple(session.conf.get(name) for name in names) for session in sessions] == [
        ("America/New_York", "true"),
        ("Australia/Lord_Howe", "false"),
        ("UTC", "true"),
        ("America/New_York", "false"),
    ]
    assert len({session.sparkContext for session in sessions}) == 1


@pytest.mark.parametrize("name", HELPERS)
def test_a_missing_column_is_named_with_those_there_are(name):
    call, frame = HELPERS[name]
    few = frame[frame.columns.intersection(["gpu_type", "job_id"])]
    with pytest.raises(ArgumentError, match=f"no column '.* it has {', '.join(few)}"):
        call(convert(few, spark.KIND))


def test_a_job_that_was_silent_while_clocks_changed_is_found():
    # For 24.5 hours, in which the clocks of New York show a day less half an hour.
    clock = pd.Timestamp("2025-11-01T12:00", tz="UTC")
    times = {"updated_at": clock, "end_at": clock + pd.Timedelta(hours=24.5)}
    jobs = convert(table(job(0, status="deploying", **times)), spark.KIND)
    found = analysis.needs_attention(jobs, silent_hours=24, deploying_hours=99)
    assert [row.reason for row in found.collect()] == ["no update"]


OTHERS = test_contract.OTHERS["reconcile_cost"]
SECOND = {
    "needs_attention": (
        analysis.needs_attention,
        JOBS,
        [projects({"project_id": "p1", "team_name": "blue"})],
    ),
    "reconcile_cost": (analysis.reconcile_cost, JOBS, [OTHERS["prices"], OTHERS["billing"]]),
    "cost_over_time": (analysis.cost_over_time, JOBS, [OTHERS["prices"], OTHERS["billing"]]),
    "idle_gpus": (analysis.idle_gpus, test_fleet_contract.METRICS, [fleet.JOBS, fleet.PRICES]),
    "quota": (analysis.quota, test_fleet_contract.HELD, [test_fleet_contract.CAPACITY]),
}


@pytest.mark.parametrize("name", SECOND)
def test_other_tables_may_be_on_spark_too(name):
    call, first, others = SECOND[name]
    result = call(first, *(convert(other, spark.KIND) for other in others))
    assert_same(result, call(first, *others))


def test_attention_takes_metrics_prices_and_queue_on_spark():
    jobs = table(
        test_attention.open_job(10, "running"),
        test_attention.open_job(9, "deploying"),
        test_attention.open_job(9, "pending"),
    )
    others = {
        "metrics": test_attention.samples("j0", 0.9, *[0.0] * 7),
        "prices": test_attention.prices(),
        "queue": pd.DataFrame({"job_id": ["j1"], "released_at": [at(7)]}),
    }
    result = analysis.needs_attention(
        convert(jobs, spark.KIND),
        **{name: convert(other, spark.KIND) for name, other in others.items()},
    )
    wanted = analysis.needs_attention(jobs, **others)
    assert wanted["wasted_gpu_hours"].to_list() == [8.0, 7.0, 0.0]
    assert_same(result, wanted)


@pytest.mark.parametrize("name", PLOTS)
def test_plots_draw_what_is_on_spark(name):
    one = PLOTS[name]
    result = one.result(many(["llm", "asr"]))
    texts = dict.fromkeys(result.select_dtypes("category"), "str")
    ax = one.draw(convert(result.astype(texts), spark.KIND), ax=new_axes())
    assert everything(ax) == everything(one.draw(result, ax=new_axes()))


def test_jobs_on_spark_can_be_asked_for():
    # They begin no call: only what would be asked for is compared.
    assert _ran(convert(without_zone(JOBS), spark.KIND)) == _ran(JOBS)


def test_the_program_of_the_guide_asks_spark(tmp_path, small_fleet):
    snap = tv.load(small_fleet)
    snap.to_parquet(tmp_path / "tables")
    spark.session()
    program = Path(tv.__file__).parents[1] / "docs" / "guides" / "gpu_hours.py"
    runpy.run_path(str(program))["main"](str(tmp_path / "tables"), str(tmp_path / "hours"))
    hours = pd.read_parquet(tmp_path / "hours")
    assert hours["gpu_hours"].sum() == pytest.approx(snap.jobs["gpu_hours"].sum())
