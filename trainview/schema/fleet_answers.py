"""The answers about prices, metrics, checkpoints, caches, capacity, billing, the queue and logs.

Facts about the fields come from the API's published OpenAPI document
(https://api.baseten.co/v1/spec). Fields that are not named here are tolerated.
"""

from typing import Any

import pyarrow as pa

from trainview.schema.fields import (
    BOOLEAN,
    COUNT_MAX,
    DATE,
    EXACT_MAX,
    INTEGER,
    NUMBER,
    TEXT,
    TIME,
    make_field,
)
from trainview.schema.money import MONEY
from trainview.schema.records import INSTANCE_TYPE


def _list(name: str, item: pa.StructType, *, nullable: bool = False) -> pa.Field:
    return make_field(name, pa.list_(make_field("item", item)), nullable=nullable)


def _maybe(name: str, kind: pa.DataType, **bounds: Any) -> pa.Field:
    return make_field(name, kind, nullable=True, **bounds)


_GPUS: dict[str, Any] = {"minimum": 0, "maximum": COUNT_MAX}
_AMOUNT: dict[str, Any] = {"minimum": 0, "maximum": EXACT_MAX}

PRICES_ANSWER = pa.schema(
    [
        _list(
            "instance_types",
            pa.struct([make_field("instance_type", INSTANCE_TYPE), make_field("price", NUMBER)]),
        )
    ]
)

_CAPACITY = [
    make_field("gpu_type", TEXT),
    make_field("baseline", INTEGER, **_GPUS),
    make_field("limit", INTEGER, **_GPUS),
    make_field("usage_count", INTEGER, **_GPUS),
    _maybe("dedicated_usage_count", INTEGER, **_GPUS),
    _maybe("spot_usage_count", INTEGER, **_GPUS),
]
CAPACITY_ANSWER = pa.schema(
    [
        _list("gpu_capacities", pa.struct(_CAPACITY)),
        _list(
            "team_gpu_capacities",
            pa.struct([make_field("team_id", TEXT), make_field("team_name", TEXT), *_CAPACITY]),
            nullable=True,
        ),
    ]
)

_BILLED_DAY = pa.struct(
    [
        make_field("date", DATE),
        make_field("subtotal", MONEY),
        make_field("minutes", INTEGER, **_AMOUNT),
    ]
)
_BILLED_RESOURCE = pa.struct(
    [
        make_field("id", TEXT),
        _maybe("kind", TEXT),
        make_field("is_deleted", BOOLEAN),
        _maybe("name", TEXT),
        _maybe("model_name", TEXT),
        _maybe("instance_type", TEXT),
        _maybe("team_id", TEXT),
        _maybe("team_name", TEXT),
        _maybe("model_id", TEXT),
        _maybe("base_model", TEXT),
    ]
)
_BILLED_JOB = pa.struct(
    [
        make_field("billable_resource", _BILLED_RESOURCE),
        make_field("subtotal", MONEY),
        make_field("minutes", INTEGER, **_AMOUNT),
        _list("daily", _BILLED_DAY, nullable=True),
    ]
)
USAGE_ANSWER = pa.schema(
    [
        _maybe(
            "training_usage",
            pa.struct(
                [
                    make_field("subtotal", MONEY),
                    make_field("credits_used", MONEY),
                    make_field("total", MONEY),
                    make_field("minutes", INTEGER, **_AMOUNT),
                    _list("breakdown", _BILLED_JOB, nullable=True),
                ]
            ),
        )
    ]
)

_SAMPLES = pa.list_(
    make_field("item", pa.struct([make_field("timestamp", TIME), _maybe("value", NUMBER)]))
)
_BY_RANK = pa.map_(TEXT, make_field("value", _SAMPLES, nullable=True))
_STORAGE_SERIES = pa.struct([_maybe("usage_bytes", _SAMPLES), _maybe("utilization", _SAMPLES)])
# A job that has not started has no series, so each of them may be missing.
_NODE_SERIES = [
    _maybe("gpu_utilization", _BY_RANK),
    _maybe("gpu_memory_usage_bytes", _BY_RANK),
    _maybe("cpu_usage", _SAMPLES),
    _maybe("cpu_memory_usage_bytes", _SAMPLES),
    _maybe("ephemeral_storage", _STORAGE_SERIES),
]
METRICS_ANSWER = pa.schema(
    [
        _list(
            "per_node_metrics",
            pa.struct([make_field("node_id", TEXT), _maybe("metrics", pa.struct(_NODE_SERIES))]),
        ),
        _maybe("cache", _STORAGE_SERIES),
    ]
)
# Beside the nodes stand the series of the leader: read only where there are no nodes.
LEADER_METRICS_ANSWER = pa.schema([*METRICS_ANSWER, *_NODE_SERIES])

CHECKPOINTS_ANSWER = pa.schema(
    [
        _list(
            "checkpoints",
            pa.struct(
                [
                    make_field("checkpoint_id", TEXT),
                    make_field("created_at", TIME),
                    make_field("checkpoint_type", TEXT),
                    _maybe("base_model", TEXT),
                    make_field("size_bytes", INTEGER, **_AMOUNT),
                    _maybe("sync_status", TEXT),
                    make_field("training_job_id", TEXT),
                ]
            ),
        )
    ]
)

# The API promises no form of its times.
CACHE_ANSWER = pa.schema(
    [
        make_field("project_id", TEXT),
        _maybe("timestamp", TEXT),
        _list(
            "file_summaries",
            pa.struct(
                [
                    make_field("path", TEXT),
                    make_field("size_bytes", INTEGER, **_AMOUNT),
                    _maybe("modified", TEXT),
                    _maybe("file_type", TEXT),
                    _maybe("permissions", TEXT),
                ]
            ),
        ),
    ]
)

_CAPACITY_AT_SUBMIT = pa.struct(
    [
        make_field("max_gpus", INTEGER, **_GPUS),
        _maybe("min_gpus", INTEGER, **_GPUS),
        make_field("last_modified", TIME),
    ]
)
QUEUE_ANSWER = pa.schema(
    [
        make_field("target_job_id", TEXT),
        _maybe("target_job_name", TEXT),
        make_field("gpu_type", TEXT),
        make_field("requested_gpus", INTEGER, **_GPUS),
        make_field("submitted_at", TIME),
        _maybe("released_at", TIME),
        _maybe("pending_seconds", INTEGER, **_AMOUNT),
        _maybe("org_capacity", _CAPACITY_AT_SUBMIT),
        _maybe("team_capacity", _CAPACITY_AT_SUBMIT),
        _list(
            "active_at_submit",
            pa.struct(
                [make_field("training_job_id", TEXT), make_field("total_gpus", INTEGER, **_GPUS)]
            ),
        ),
        _list(
            "pending_ahead_at_submit",
            pa.struct(
                [
                    make_field("training_job_id", TEXT),
                    make_field("requested_gpus", INTEGER, **_GPUS),
                ]
            ),
        ),
        _list(
            "events",
            pa.struct(
                [
                    make_field("training_job_id", TEXT),
                    _maybe("training_job_name", TEXT),
                    make_field("status", TEXT),
                    make_field("created", TIME),
                    _maybe("event_message", TEXT),
                    _maybe("exit_code", INTEGER),
                ]
            ),
        ),
        make_field("events_window_end", TIME),
    ]
)

LOGS_ANSWER = pa.schema(
    [
        _list(
            "logs",
            pa.struct(
                [
                    # nanoseconds since 1970, as digits: beyond what a JSON number holds exactly
                    make_field("timestamp", TEXT),
                    make_field("message", TEXT),
                    _maybe("replica", TEXT),
                    _maybe("level", TEXT),
                ]
            ),
        )
    ]
)
