"""What jobs that need attention lose, and who holds the GPUs that others wait for."""

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import Frame, plain_text, to_pandas
from trainview.analysis.pandas_dtypes import TEXT
from trainview.gpus import same_type
from trainview.text.safe import safe_text

# In order of gravity, where the loss is the same: what holds GPUs for nothing goes first.
REASONS = (
    "GPUs idle",
    "deploying long",
    "no update",
    "running long",
    "failing repeatedly",
    "waiting long",
    "inconsistent timestamps",
)

# Jobs of which others may have the GPUs.
_STUCK = {
    "GPUs idle": "is idle",
    "deploying long": "does not come to run",
    "no update": "gives no sign of life",
}
# Of a message of the API, in characters.
LONGEST = 160
LOSSES = ("wasted_gpu_hours", "wasted_usd")


def in_order(found: pd.DataFrame) -> pd.DataFrame:
    """Put first what loses most."""
    loses = found["wasted_gpu_hours"] > 0
    return found.assign(
        __loses=loses,
        __usd=found["wasted_usd"].where(loses),
        __hours=found["wasted_gpu_hours"].where(loses),
        __gravity=found["reason"].map(REASONS.index),
    ).sort_values(
        ["__loses", "__usd", "__hours", "__gravity", "gpu_hours", "job_id"],
        ascending=[False, False, False, True, False, True],
        na_position="last",
    )


def usd_per_gpu_hour(rows: pd.DataFrame, listed: pd.DataFrame | None) -> "pd.Series[float]":
    """Price an hour of one of a job's GPUs; null where that is not known."""
    if listed is None:
        return pd.Series(np.nan, rows.index, dtype="float64")
    price = rows["instance_type_id"].map(listed.set_index("__instance_type_id")["__price"])
    gpus = rows["gpu_count"].astype("float64")
    return price.astype("float64") * 60 / gpus.where(gpus > 0)


def lost(jobs: Frame, types: list[str], listed: pd.DataFrame | None) -> pd.DataFrame:
    """Sum up what failed jobs took, by project: how many they are (``streak``), the last too."""
    hours = nw.col("gpu_hours")
    sums = to_pandas(
        plain_text(jobs, types)
        .group_by("project_id", *types)
        .agg(
            nw.col("job_id").max(),
            wasted_gpu_hours=hours.sum(),
            known=hours.count(),
            streak=nw.len(),
        )
    )
    taken = sums["wasted_gpu_hours"].astype("float64").where(sums["known"] > 0)
    sums = sums.assign(wasted_gpu_hours=taken, wasted_usd=taken * usd_per_gpu_hour(sums, listed))
    found = sums.groupby("project_id")
    jobs_of = found.agg(job_id=("job_id", "max"), streak=("streak", "sum"))
    return jobs_of.join(found[list(LOSSES)].sum(min_count=1))


def remedies(rows: pd.DataFrame, stuck: pd.DataFrame) -> "pd.Series[str]":
    """Say what may end the waiting: a job that has the GPUs and does nothing, if there is one."""
    usual = pd.Series("check the GPU quota, or ask for another GPU type", rows.index, dtype=TEXT)
    return _holders(rows, stuck, usual) + hints(rows)


def hints(rows: pd.DataFrame) -> "pd.Series[str]":
    """Repeat what the API says of jobs that wait, such as that spot capacity starts them sooner."""
    if "error_message" not in rows:
        return pd.Series("", rows.index, dtype=TEXT)
    said = rows["error_message"].map(lambda text: safe_text(text, LONGEST), na_action="ignore")
    return ("; the API says: " + said.astype(TEXT)).fillna("")


def _holders(rows: pd.DataFrame, stuck: pd.DataFrame, usual: "pd.Series[str]") -> "pd.Series[str]":
    if "gpu_type" not in rows or stuck.empty:
        return usual
    spelled = stuck["gpu_type"].map(same_type, na_action="ignore")
    holders = (
        in_order(stuck.assign(__kind=spelled)).drop_duplicates("__kind").dropna(subset="__kind")
    )
    said = {
        holder["__kind"]: (
            f"{_name(holder)} of {holder['project_name']} holds {holder['gpus']:,} "
            f"{holder['gpu_type']} and {_STUCK[holder['reason']]}"
        )
        for _, holder in holders.iterrows()
    }
    kinds = rows["gpu_type"].map(same_type, na_action="ignore")
    return kinds.map(said).astype(TEXT).fillna(usual)


def _name(job: "pd.Series[Any]") -> str:
    return str(job["job_id"] if pd.isna(job["job_name"]) else job["job_name"])
