"""The series of a job: GPU, CPU, memory and storage, as one long table.

Answers can hold hundreds of thousands of samples, so they are taken apart list by list. Where that
fails, the walk along the schema says what is wrong and where.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trainview.errors import PayloadError
from trainview.reading.rejection import Rejection
from trainview.reading.times import parse_times
from trainview.schema import (
    FLEET_TABLES,
    LEADER_METRICS_ANSWER,
    METRIC_UNITS,
    METRICS_ANSWER,
    TIME,
)
from trainview.tables.answers import read_answer
from trainview.text.safe import safe_text

Integers: TypeAlias = npt.NDArray[np.int64]

_BY_GPU = ("gpu_utilization", "gpu_memory_usage_bytes")
_OF_NODE = ("cpu_usage", "cpu_memory_usage_bytes")
_STORAGE = ("usage_bytes", "utilization")
# What the quick way ends in where something is wrong; the careful way says what.
_DOUBTS = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
    pa.ArrowException,
)
_RANK = re.compile(r"[0-9]{1,6}")
_MICROSECONDS = 1_000_000
_ORDER = ("timestamp", "node_id", "gpu", "metric")


class _Series(NamedTuple):
    """The samples of one metric of one GPU or node."""

    node_id: str | None
    gpu: int | None
    metric: str
    samples: list[Any]


def read_metrics(
    payload: bytes, job_id: str, name: str = "payload", *, rejected: list[Rejection] | None = None
) -> pa.Table:
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
    rejected : list of Rejection, optional
        If given, records that do not fit are left out, and noted here.

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
    except _DOUBTS:
        bad: list[Rejection] | None = None if rejected is None else []
        answer = read_answer(payload, METRICS_ANSWER, name, bad)
        if not answer["per_node_metrics"]:
            bad = None if rejected is None else []
            answer = read_answer(payload, LEADER_METRICS_ANSWER, name, bad)
    if rejected is not None and bad is not None:
        bad += _leave_out_bad_ranks(answer, name)
        rejected += [one._replace(job_id=one.job_id or job_id) for one in bad]
    try:
        series = list(_series(answer))
    except ValueError as error:
        message = f"{name}: {safe_text(error, 200)}"
    else:
        exact = [None if value is None else float(value) for value in _values(series)]
        return _to_table(series, pa.array(exact, pa.float64()), job_id)
    raise PayloadError(message)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key comes twice in one object")
    return found


def _leave_out_bad_ranks(answer: Any, name: str) -> Iterator[Rejection]:
    for node in answer["per_node_metrics"] or [{"metrics": answer}]:
        metrics = _object(node.get("metrics"))
        for metric in _BY_GPU:
            by_rank = _object(metrics.get(metric))
            for rank in [rank for rank in by_rank if not _RANK.fullmatch(rank)]:
                del by_rank[rank]
                node_id = safe_text(node.get("node_id") or "the leader", 60)
                reason = f"expected the rank of a GPU, got {safe_text(rank, 60)!r} of {node_id}"
                yield Rejection(name, metric, None, None, reason)


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
    # Arrow takes true for 1 among numbers
    if bool in set(map(type, values)) or found.type not in {pa.int64(), pa.float64(), pa.null()}:
        raise TypeError("a value is no number")
    numbers = pc.cast(found, pa.float64(), safe=False)
    if not pc.all(pc.is_finite(numbers), min_count=0).as_py():
        raise ValueError("a value is not finite")
    return numbers


def _to_table(series: list[_Series], values: pa.Array, job_id: str) -> pa.Table:
    texts = pa.array([sample["timestamp"] for one in series for sample in one.samples], pa.string())
    if texts.null_count:
        raise ValueError("a sample without a time")
    time = pc.cast(parse_times(texts), pa.int64()).to_numpy()
    rank = np.empty(len(series), "int64")
    rank[sorted(range(len(series)), key=lambda place: _order(series[place]))] = range(len(series))
    which = np.repeat(np.arange(len(series)), [len(one.samples) for one in series])
    there = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
    rows = there[np.lexsort((rank[which[there]], time[there]))]
    time, which = time[rows], which[rows]
    # of samples that come twice, the last counts
    last = np.append((time[1:] != time[:-1]) | (which[1:] != which[:-1]), True)[: len(rows)]
    rows, time, which = rows[last], time[last], which[last]
    step = pa.scalar(_most_frequent_gap(time, which), pa.float64())
    gpu = np.array([-1 if one.gpu is None else one.gpu for one in series], "int64")[which]
    columns = {
        "job_id": _category([job_id] * len(series), which),
        "node_id": _category([one.node_id for one in series], which),
        "gpu": pa.array(gpu, mask=gpu < 0),
        "metric": _category([one.metric for one in series], which),
        "unit": _category([METRIC_UNITS[one.metric] for one in series], which),
        "timestamp": pc.cast(pa.array(time), TIME),
        "value": values.take(pa.array(rows)),
        "step_seconds": pa.repeat(step, len(rows)),
    }
    schema = FLEET_TABLES["metrics"]
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _order(one: _Series) -> tuple[bool, str, bool, int, str]:
    return one.node_id is None, one.node_id or "", one.gpu is None, one.gpu or 0, one.metric


def _category(names: list[str | None], which: Integers) -> pa.DictionaryArray:
    """Make a column of the names of series, with those categories that occur."""
    found = sorted({names[place] for place in np.unique(which)} - {None})
    code = {name: number for number, name in enumerate(found)}
    codes = np.array([code.get(name, -1) for name in names], "int32")[which]
    return pa.DictionaryArray.from_arrays(
        pa.array(codes, mask=codes < 0), pa.array(found, pa.string())
    )


def _most_frequent_gap(time: Integers, number: Integers) -> float | None:
    order = np.lexsort((time, number))
    gaps = np.diff(time[order])[np.diff(number[order]) == 0]
    # samples are taken a moment early or late
    seconds = np.round(gaps / _MICROSECONDS)
    found, counts = np.unique(seconds[seconds > 0], return_counts=True)
    return float(found[np.argmax(counts)]) if len(found) else None


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
    for key in _ORDER:
        codes = pc.dictionary_encode(table[key].combine_chunks()).indices.fill_null(-1).to_numpy()
        same &= codes[1:] == codes[:-1]
    return table.filter(pa.array(np.append(~same, True)[: table.num_rows])) if same.any() else table
