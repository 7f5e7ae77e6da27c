"""How busy each GPU of a job was, and how much of its memory it used."""

import pandas as pd

from trainview.analysis.gpu_series import series_of
from trainview.analysis.idle import PRICED, THRESHOLD, find_idle, with_rates
from trainview.analysis.samples import GPU, MEMORY, UTILIZATION, read_jobs
from trainview.analysis.utilization import LIMIT, summarise, with_memory
from trainview.snapshot.story.plain import Row, Rows, plain_rows

_GPU = ("node_id", "gpu")


def measured(
    metrics: pd.DataFrame, mine: pd.DataFrame, prices: pd.DataFrame
) -> tuple[Rows, Row | None]:
    """Tell how busy the GPUs of a job were, in one pass over its samples.

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
    gpus : list of dict
        By node and GPU: the columns of `utilization` and `idle_gpus`; ``memory_bytes``, the memory
        of one GPU, and ``max_memory_share``, the most used as a fraction of it, None where that is
        not known.
    usage : dict or None
        The job's row of `utilization`; None without samples.
    """
    if metrics.empty:
        return [], None
    facts = with_memory(read_jobs(mine, dict.fromkeys([*LIMIT, *PRICED])))
    facts = with_rates(facts, prices if len(prices) else None)
    series = series_of(metrics, mine, facts, [UTILIZATION, MEMORY])
    used = plain_rows(summarise(series, facts, GPU))
    if not used:
        return [], None
    [usage] = plain_rows(summarise(series, facts, ["job_id"]))
    busy = series_of(metrics, mine, facts, [UTILIZATION])
    idle = {_key(row): row for row in plain_rows(find_idle(busy, facts, GPU, THRESHOLD))}
    size = plain_rows(facts[["__memory"]])[0]["__memory"]
    rows = [
        row
        | {name: value for name, value in idle.get(_key(row), {}).items() if name not in row}
        | {"memory_bytes": size, "max_memory_share": _share(row["max_memory_bytes"], size)}
        for row in used
    ]
    return sorted(rows, key=lambda row: (row["node_id"] or "", row["gpu"])), usage


def _key(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in _GPU)


def _share(used: float | None, size: float | None) -> float | None:
    return None if used is None or not size else used / size
