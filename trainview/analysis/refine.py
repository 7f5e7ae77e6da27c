"""GPU-hours from when GPUs began to be held, where that is known."""

import narwhals.stable.v2 as nw

from trainview.analysis.evidence import WAITING
from trainview.analysis.few_columns import change_columns
from trainview.analysis.frames import Frame, column_names, give_back, is_lazy, read_table, schema_of
from trainview.analysis.joins import beside, one_a_job
from trainview.analysis.small_tables import read_small
from trainview.analysis.times import US_PER_HOUR, with_microseconds
from trainview.schema.table_types import AnyDataFrame, DataFrame

_COLUMNS = ("job_id", "gpus", "created_at", "end_at", "gpu_hours")
TIMES = ("released_at", "started_at")
# 0 where a job did not get so far.
HOURS = ("deploying_hours", "running_hours")


def refine_jobs(jobs: DataFrame, phases: AnyDataFrame) -> DataFrame:
    """Count GPU-hours from when a job began to hold its GPUs, instead of from submission.

    Parameters
    ----------
    jobs : pandas, Polars, DuckDB or PySpark table
        A jobs table with ``job_id``, ``gpus``, ``created_at``, ``end_at`` and ``gpu_hours``.
    phases : table
        What `job_phases` gives, with ``job_id``, ``released_at`` and ``started_at``; with
        ``deploying_hours`` and ``running_hours`` jobs that ended in the queue count nothing.

    Returns
    -------
    table of the same kind as `jobs`
        All rows and columns of `jobs`; tables in memory keep their order. Changed or added
        are:

        - ``gpu_hours`` (float64): GPUs times hours from ``held_at`` to ``end_at``; still 0 or null
          where it was
        - ``held_at`` (datetime, UTC): when it began to hold its GPUs: released, else started, else
          submitted; ``end_at`` of a job that ended in the queue
        - ``hours_basis`` (text): ``released``, ``started``, or ``submitted``: then ``gpu_hours``
          is still an upper bound that holds the time in the queue; with ``started`` the time of
          deployment is missing in it

    Raises
    ------
    ArgumentError
        If a column is missing, or a column of times holds none.

    Examples
    --------
    >>> import pandas as pd
    >>> clock = pd.to_datetime([0, 2, 8], unit="h", utc=True)
    >>> jobs = pd.DataFrame(
    ...     {
    ...         "job_id": ["j1", "j2"],
    ...         "gpus": 8,
    ...         "created_at": clock[0],
    ...         "end_at": clock[2],
    ...         "gpu_hours": 64.0,
    ...     }
    ... )
    >>> never = pd.Series([pd.NaT], dtype="datetime64[us, UTC]")
    >>> phases = pd.DataFrame({"job_id": ["j1"], "released_at": clock[1], "started_at": never})
    >>> refine_jobs(jobs, phases)[["job_id", "gpu_hours", "hours_basis"]]
      job_id  gpu_hours hours_basis
    0     j1       48.0    released
    1     j2       64.0   submitted
    """
    frame = read_table(jobs, _COLUMNS, others=True)
    touched = [*_COLUMNS, "status", "held_at", "hours_basis"]
    return give_back(change_columns(jobs, frame, touched, lambda few: _refine(few, phases)), jobs)


def _refine(frame: Frame, phases: AnyDataFrame) -> Frame:
    names = [name for name in frame.columns if name not in {"held_at", "hours_basis"}]
    told = list(HOURS) if set(HOURS) <= set(column_names(phases, "phases")) else []
    known = read_small(phases, ["job_id", *TIMES, *told], name="phases", times=TIMES)
    known = one_a_job(known).rename({name: f"__{name}" for name in (*TIMES, *told)})
    is_refined = len(names) < len(frame.columns)
    kind = schema_of(frame)["job_id"]
    frame = _in_order(beside(_numbered(frame.select(*names)), known, "job_id"))
    if isinstance(kind, (nw.Categorical, nw.Enum)):
        frame = frame.with_columns(nw.col("job_id").cast(kind))
    created, ended = nw.col("created_at"), nw.col("end_at")
    times: dict[str, nw.Expr] = {
        name: nw.when((nw.col(f"__{name}") >= created) & (nw.col(f"__{name}") <= ended)).then(
            nw.col(f"__{name}")
        )
        for name in TIMES
    }
    if told:
        # Who waits still may hold GPUs later; who ended in the queue never did.
        is_over = nw.lit(value=True)
        if "status" in names:
            is_over = ~nw.col("status").is_in(WAITING).fill_null(value=False)
        never: nw.Expr = (nw.col("__deploying_hours") == 0) & (nw.col("__running_hours") == 0)
        for name in TIMES:
            never &= nw.col(f"__{name}").is_null()
        never = (never & (ended >= created) & is_over).fill_null(value=False)
        times["released_at"] = nw.when(never).then(ended).otherwise(times["released_at"])
    frame = frame.with_columns(__released=times["released_at"], __started=times["started_at"])
    basis = nw.when(~nw.col("__started").is_null()).then(nw.lit("started"))
    frame = frame.with_columns(
        held_at=nw.coalesce(nw.col("__released"), nw.col("__started"), created),
        hours_basis=nw.when(~nw.col("__released").is_null())
        .then(nw.lit("released"))
        .otherwise(basis.otherwise(nw.lit("submitted"))),
    )
    frame = with_microseconds(frame, __from="held_at", __to="end_at")
    hours = (nw.col("__to") - nw.col("__from")) / US_PER_HOUR
    old = nw.col("gpu_hours")
    # What is still counted from submission keeps its number to the last digit.
    is_new = nw.lit(is_refined) | (nw.col("hours_basis") != "submitted")
    holds = (old > 0) & is_new
    frame = frame.with_columns(gpu_hours=nw.when(holds).then(nw.col("gpus") * hours).otherwise(old))
    return frame.select(*names, "held_at", "hours_basis")


def _numbered(frame: Frame) -> Frame:
    """Add numbers to rows of Polars in memory, which does not keep their order in a join."""
    return frame.with_row_index("__row") if _loses_order(frame) else frame  # type: ignore[call-arg]


def _in_order(frame: Frame) -> Frame:
    return frame.sort("__row") if _loses_order(frame) else frame


def _loses_order(frame: Frame) -> bool:
    return not is_lazy(frame) and frame.implementation.is_polars()
