"""How busy each GPU of a job was, and how much of its memory it used."""

import pandas as pd

from trainview.analysis.idle import idle_gpus
from trainview.analysis.utilization import BYTES_PER_MIB, utilization
from trainview.gpus import memory_mib_of_one
from trainview.snapshot.story.plain import Row, Rows, plain_rows

_GPU = ("node_id", "gpu")


def gpus_of(metrics: pd.DataFrame, mine: pd.DataFrame, prices: pd.DataFrame) -> Rows:
    """List the GPUs of a job that were measured.

    Parameters
    ----------
    metrics : pandas.DataFrame
        The samples of the job.
    mine : pandas.DataFrame
        Its row of the jobs table.
    prices : pandas.DataFrame
        The prices table; it may have no rows.

    Returns
    -------
    list of dict
        By node and GPU: the columns of `utilization` and `idle_gpus`; ``memory_bytes``, the memory
        of one GPU, and ``max_memory_share``, the most used as a fraction of it, None where that is
        not known.
    """
    used = plain_rows(utilization(metrics, mine)) if len(metrics) else []
    if not used:
        return []
    listed = prices if len(prices) else None
    idle = {_key(row): row for row in plain_rows(idle_gpus(metrics, mine, listed))}
    job = plain_rows(mine[["gpu_type", "gpu_count", "gpu_memory_limit_mib"]])[0]
    mib = memory_mib_of_one(**job)
    size = None if mib is None else mib * BYTES_PER_MIB
    rows = [
        row
        | {name: value for name, value in idle.get(_key(row), {}).items() if name not in row}
        | {"memory_bytes": size, "max_memory_share": _share(row["max_memory_bytes"], size)}
        for row in used
    ]
    return sorted(rows, key=lambda row: (row["node_id"] or "", row["gpu"]))


def usage_of(metrics: pd.DataFrame, mine: pd.DataFrame) -> Row | None:
    """Sum up how busy the GPUs of a job were: its row of `utilization`, None without samples."""
    found = plain_rows(utilization(metrics, mine, by="job_id")) if len(metrics) else []
    return found[0] if found else None


def _key(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in _GPU)


def _share(used: float | None, size: float | None) -> float | None:
    return None if used is None or not size else used / size
