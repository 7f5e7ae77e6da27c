"""The series of a job: GPU, CPU, memory and storage, as one long table.

Answers can hold hundreds of thousands of samples, so they are taken apart list by list. Where that
fails, the walk along the schema says what is wrong and where.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trainview.conform import conform
from trainview.errors import PayloadError
from trainview.fleet.reading import read_answer
from trainview.schema import FLEET_TABLES, LEADER_METRICS_ANSWER, METRIC_UNITS, METRICS_ANSWER
from trainview.text import safe_text
from trainview.times import parse_times

_BY_GPU = ("gpu_utilization", "gpu_memory_usage_bytes")
_OF_NODE = ("cpu_usage", "cpu_memory_usage_bytes")
_STORAGE = ("usage_bytes", "utilization")
_RANK = re.compile(r"[0-9]{1,6}")
_MICROSECONDS = 1_000_000
_ORDER = ("timestamp", "node_id", "gpu", "metric")


class _Series(NamedTuple):
    """The samples of one metric of one GPU or node."""

    node_id: str | None
    gpu: int | None
    metric: str
    samples: list[Any]


def read_metrics(payload: bytes, job_id: str, name: str = "payload") -> pa.Table:
    """Read the series of a job.

    The series of every node are read. Those beside them, which are of the leader alone, count
    only where the answer names no nodes.

    Parameters
    ----------
    payload : bytes
        What ``GET .../jobs/{job_id}/metrics`` answers.
    job_id : str
        The job that was asked for.
    name : str, optional
        What the payload is called in error messages.

    Returns
    -------
    pyarrow.Table
        The table ``metrics``, sorted by time; a sample that comes twice counts once, and one
        without a value not at all.

    Raises
    ------
    PayloadError
        If the payload is not what the API documents; with the path to the first fault.
    """
    try:
        answer = json.loads(payload.decode("utf-8-sig"), object_pairs_hook=_without_duplicates)
        series = list(_series(answer))
        return _to_table(series, _numbers(_values(series)), job_id)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, pa.ArrowException):
        answer = read_answer(payload, METRICS_ANSWER, name)
        if not answer["per_node_metrics"]:
            answer = read_answer(payload, LEADER_METRICS_ANSWER, name)
    try:
        series = list(_series(answer))
    except ValueError as error:
        message = f"{name}: {safe_text(error, 200)}"
    else:
        exact = [None if value is None else float(value) for value in _values(series)]
        return _to_table(series, pa.array(exact, pa.float64()), job_id)
    raise PayloadError(message)


def returned_step(table: pa.Table) -> float | None:
    """Tell the time between two samples that the API really returned.

    Parameters
    ----------
    table : pyarrow.Table
        With ``node_id, gpu, metric, timestamp``, of one answer.

    Returns
    -------
    float or None
        Seconds: the most frequent distance of neighbours in a series, the shortest of several as
        frequent; None if no series has two samples.
    """
    number = _series_numbers(table)
    time = pc.cast(table["timestamp"], pa.int64()).to_numpy()
    order = np.lexsort((time, number))
    gaps = np.diff(time[order])[np.diff(number[order]) == 0]
    # samples are taken a moment early or late
    seconds: npt.NDArray[np.float64] = np.round(gaps / _MICROSECONDS)
    values, counts = np.unique(seconds[seconds > 0], return_counts=True)
    return float(values[np.argmax(counts)]) if len(values) else None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice in one object")
    return found


def _series(answer: Any) -> Iterator[_Series]:
    nodes = answer["per_node_metrics"]
    if not isinstance(nodes, list):
        raise TypeError("expected a list")
    for node in nodes:
        if not isinstance(node["node_id"], str):
            raise TypeError("expected text")
        yield from _of_node(node["node_id"], _object(node.get("metrics")))
    if not nodes:
        yield from _of_node(None, answer)
    yield from _of_storage(None, "cache", _object(answer.get("cache")))


def _of_node(node_id: str | None, metrics: dict[str, Any]) -> Iterator[_Series]:
    for metric in _BY_GPU:
        for rank, samples in _object(metrics.get(metric)).items():
            if not _RANK.fullmatch(rank):
                raise ValueError(f"{metric}: expected the rank of a GPU, got {rank!r}")
            yield _Series(node_id, int(rank), metric, _list(samples))
    for metric in _OF_NODE:
        yield _Series(node_id, None, metric, _list(metrics.get(metric)))
    storage = _object(metrics.get("ephemeral_storage"))
    yield from _of_storage(node_id, "ephemeral_storage", storage)


def _of_storage(node_id: str | None, what: str, storage: dict[str, Any]) -> Iterator[_Series]:
    for kind in _STORAGE:
        yield _Series(node_id, None, f"{what}_{kind}", _list(storage.get(kind)))


def _object(value: Any) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise TypeError("expected an object")
    return value or {}


def _list(value: Any) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise TypeError("expected a list")
    return value or []


def _values(series: list[_Series]) -> list[Any]:
    return [sample.get("value") for one in series for sample in one.samples]


def _numbers(values: list[Any]) -> pa.Array:
    found = pa.array(values)
    if found.type not in {pa.int64(), pa.float64(), pa.null()}:
        raise TypeError("a value is no number")
    numbers = pc.cast(found, pa.float64(), safe=False)
    if not pc.all(pc.is_finite(numbers), min_count=0).as_py():
        raise ValueError("a value is not finite")
    return numbers


def _to_table(series: list[_Series], values: pa.Array, job_id: str) -> pa.Table:
    texts = pa.array([sample["timestamp"] for one in series for sample in one.samples], pa.string())
    if texts.null_count:
        raise ValueError("a sample without a time")
    row = pa.array(np.repeat(np.arange(len(series)), [len(one.samples) for one in series]))
    table = pa.table(
        {
            "node_id": pa.array([one.node_id for one in series], pa.string()).take(row),
            "gpu": pa.array([one.gpu for one in series], pa.int64()).take(row),
            "metric": pa.array([one.metric for one in series], pa.string()).take(row),
            "timestamp": parse_times(texts),
            "value": values,
        }
    )
    table = once(table.filter(pc.is_valid(table["value"])))
    metric = pc.index_in(table["metric"], pa.array(METRIC_UNITS))
    columns = {name: table[name] for name in table.column_names} | {
        "job_id": pa.repeat(job_id, table.num_rows),
        "unit": pc.take(pa.array(METRIC_UNITS.values()), metric),
        "step_seconds": pa.repeat(pa.scalar(returned_step(table), pa.float64()), table.num_rows),
    }
    return conform(columns, FLEET_TABLES["metrics"])


def once(table: pa.Table) -> pa.Table:
    """Sort samples of one job by time; of those that come twice, keep the last.

    Parameters
    ----------
    table : pyarrow.Table
        With ``node_id, gpu, metric, timestamp``.

    Returns
    -------
    pyarrow.Table
        With the same columns.
    """
    table = table.take(pc.sort_indices(table, [(key, "ascending") for key in _ORDER]))
    same = np.ones(max(table.num_rows - 1, 0), "bool")
    for column in (_series_numbers(table), pc.cast(table["timestamp"], pa.int64()).to_numpy()):
        same &= column[1:] == column[:-1]
    return table.filter(pa.array(np.append(~same, True)[: table.num_rows])) if same.any() else table


def _series_numbers(table: pa.Table) -> Any:
    """Give each series a number."""
    number = np.zeros(table.num_rows, "int64")
    for key in ("node_id", "gpu", "metric"):
        values = table[key].combine_chunks()
        if not pa.types.is_dictionary(values.type):
            values = pc.dictionary_encode(values)
        codes = values.indices.fill_null(-1).to_numpy().astype("int64")
        number = number * (len(values.dictionary) + 1) + codes + 1
    return number
