"""GPU-hours of jobs by the list of jobs alone."""

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from trainview.schema import JOBS
from trainview.statuses import status_of
from trainview.tables.dtypes import from_pandas

# What `refine_jobs` adds to a jobs table.
REFINED = ("held_at", "hours_basis")


def listed_gpu_hours(current_status: pa.Array, gpus: pa.Array, elapsed_hours: pa.Array) -> pa.Array:
    """Count GPU-hours by what the list of jobs alone tells.

    Parameters
    ----------
    current_status : pyarrow.DictionaryArray
        The API's statuses.
    gpus, elapsed_hours : pyarrow.Array
        Of the same jobs.

    Returns
    -------
    pyarrow.Array
        GPUs times hours, 0 for statuses that hold no GPU.
    """
    known = [status_of(value).holds_gpus for value in current_status.dictionary.to_pylist()]
    holds_gpus = pc.take(pa.array(known, pa.bool_()), current_status.indices)
    return pc.if_else(
        holds_gpus, pc.multiply(elapsed_hours, pc.cast(gpus, pa.float64(), safe=False)), 0.0
    )


def as_listed(jobs: pd.DataFrame) -> pd.DataFrame:
    """Take back what `refine_jobs` found out, so that nobody takes it for what the API said.

    Parameters
    ----------
    jobs : pandas.DataFrame
        A jobs table.

    Returns
    -------
    pandas.DataFrame
        Without the columns of `REFINED`, and with GPU-hours from submission; as it is where it has
        no such columns.
    """
    if not set(REFINED) & set(jobs.columns):
        return jobs
    listed = from_pandas(jobs, JOBS).select(["current_status", "gpus", "elapsed_hours"])
    hours = listed_gpu_hours(*listed.combine_chunks().to_batches()[0].columns) if len(jobs) else []
    listed = jobs.drop(columns=[name for name in REFINED if name in jobs])
    return listed.assign(gpu_hours=pd.Series(hours, jobs.index, dtype="float64"))
