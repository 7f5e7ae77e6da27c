"""The tables of prices, capacity, billing, the queue, checkpoints, caches, metrics and logs."""

import pyarrow as pa

from trainview.schema.bills import BILLING
from trainview.schema.core import INSTANCE_COLUMNS
from trainview.schema.fields import (
    BOOLEAN,
    CATEGORY,
    INTEGER,
    NUMBER,
    TEXT,
    TIME,
    make_field,
    newer,
)

# Each metric of a job with its unit: as the API calls them, storage with what is stored.
METRIC_UNITS = {
    "gpu_utilization": "fraction",
    "gpu_memory_usage_bytes": "bytes",
    "cpu_usage": "cores",
    "cpu_memory_usage_bytes": "bytes",
    "ephemeral_storage_usage_bytes": "bytes",
    "ephemeral_storage_utilization": "fraction",
    "cache_usage_bytes": "bytes",
    "cache_utilization": "fraction",
}

PRICES = pa.schema(
    [
        *INSTANCE_COLUMNS.values(),
        make_field(
            "usd_per_minute",
            NUMBER,
            "List price of one node of this instance type.",
            unit="USD/min",
            source="instance_types[].price",
        ),
    ]
)

CAPACITY = pa.schema(
    [
        make_field(
            "team_id",
            TEXT,
            "Identifier of the team; null for the whole organisation.",
            nullable=True,
            source="team_gpu_capacities[].team_id",
        ),
        make_field(
            "team_name",
            CATEGORY,
            "Name of the team; null for the whole organisation.",
            nullable=True,
            source="team_gpu_capacities[].team_name",
        ),
        make_field(
            "gpu_type",
            CATEGORY,
            "Type of the GPUs, as the API spells it here: A100-40GB may stand for A100_40GB.",
            source="gpu_capacities[].gpu_type",
        ),
        make_field(
            "baseline",
            INTEGER,
            "GPUs below which jobs are expected to run at once; 0 where none is configured.",
            unit="GPUs",
            source="gpu_capacities[].baseline",
        ),
        make_field(
            "limit",
            INTEGER,
            "The most GPUs that may be held at once: the quota.",
            unit="GPUs",
            source="gpu_capacities[].limit",
        ),
        make_field(
            "usage_count",
            INTEGER,
            "GPUs in use when the API was asked.",
            unit="GPUs",
            source="gpu_capacities[].usage_count",
        ),
        make_field(
            "dedicated_usage_count",
            INTEGER,
            "Of these, on dedicated capacity.",
            nullable=True,
            unit="GPUs",
            source="gpu_capacities[].dedicated_usage_count",
        ),
        make_field(
            "spot_usage_count",
            INTEGER,
            "Of these, on spot capacity.",
            nullable=True,
            unit="GPUs",
            source="gpu_capacities[].spot_usage_count",
        ),
    ]
)

QUEUE = pa.schema(
    [
        make_field("job_id", TEXT, "Identifier of the training job.", source="target_job_id"),
        make_field(
            "job_name", TEXT, "Name of the job, if it has one.", nullable=True,
            source="target_job_name",
        ),
        newer(make_field(
            "project_name", TEXT, "Name of its project; null where the job is not known.",
            nullable=True, source="job.training_project.name",
        )),
        newer(make_field(
            "team_name", CATEGORY, "Name of its team; null where the API names none.",
            nullable=True, source="project.team_name",
        )),
        make_field(
            "gpu_type", CATEGORY, "Type of the GPUs it asked for, in one spelling.",
            source="gpu_type",
        ),
        make_field(
            "requested_gpus", INTEGER, "GPUs of all its nodes.", unit="GPUs",
            source="requested_gpus",
        ),
        make_field("submitted_at", TIME, "When it was submitted.", source="submitted_at"),
        make_field(
            "released_at", TIME,
            "When it left the queue for GPUs; null while it waits, or if it was stopped before.",
            nullable=True, source="released_at",
        ),
        make_field(
            "observed_until", TIME,
            "Up to when it was seen to wait: released_at, else the moment of the answer, or the "
            "end of the job if that is known and was earlier.",
            source="released_at, events_window_end, end_at",
        ),
        make_field(
            "is_waiting", BOOLEAN,
            "Whether it waits still: neither released nor known to have ended.", source="derived",
        ),
        make_field(
            "waited_hours", NUMBER,
            "Time in the queue, until observed_until: a lower bound if the job was not released.",
            unit="h", source="pending_seconds, or observed_until - submitted_at",
        ),
        make_field(
            "active_jobs", INTEGER, "Jobs that held GPUs of the pool when it was submitted.",
            unit="jobs", source="active_at_submit",
        ),
        make_field(
            "active_gpus", INTEGER, "GPUs that these jobs held.", unit="GPUs",
            source="active_at_submit[].total_gpus",
        ),
        make_field(
            "ahead_jobs", INTEGER, "Jobs that waited ahead of it when it was submitted.",
            unit="jobs", source="pending_ahead_at_submit",
        ),
        make_field(
            "ahead_gpus", INTEGER, "GPUs that these jobs asked for.", unit="GPUs",
            source="pending_ahead_at_submit[].requested_gpus",
        ),
        make_field(
            "ahead_job_ids", TEXT, "These jobs, first in line first, separated by spaces.",
            nullable=True, source="pending_ahead_at_submit[].training_job_id",
        ),
        make_field(
            "org_limit", INTEGER,
            "The organisation's limit of such GPUs, as it stood when the API was asked.",
            nullable=True, unit="GPUs", source="org_capacity.max_gpus",
        ),
        make_field(
            "team_limit", INTEGER, "The team's limit of such GPUs, as it stood then.",
            nullable=True, unit="GPUs", source="team_capacity.max_gpus",
        ),
        make_field(
            "limits_changed_at", TIME,
            "When one of the limits last changed: after submitted_at, they may not be those that "
            "the job met.",
            nullable=True, source="org_capacity.last_modified, team_capacity.last_modified",
        ),
    ]
)  # fmt: skip

STATUS_EVENTS = pa.schema(
    [
        make_field("job_id", TEXT, "Identifier of the job.", source="events[].training_job_id"),
        make_field(
            "job_name", TEXT, "Name of the job, if it has one.", nullable=True,
            source="events[].training_job_name",
        ),
        make_field(
            "current_status", CATEGORY, "Status that it got, as the API writes it.",
            source="events[].status",
        ),
        make_field("status", CATEGORY, "Label of that status.", source="derived"),
        make_field("created_at", TIME, "When it got it.", source="events[].created"),
        make_field(
            "event_message", TEXT, "What the API says about it.", nullable=True,
            source="events[].event_message",
        ),
        make_field(
            "exit_code", INTEGER, "Exit code, if there is one.", nullable=True,
            source="events[].exit_code",
        ),
    ]
)  # fmt: skip

CHECKPOINTS = pa.schema(
    [
        make_field(
            "checkpoint_id", TEXT, "Identifier of the checkpoint, unique within its job.",
            source="checkpoints[].checkpoint_id",
        ),
        make_field(
            "job_id", TEXT, "Identifier of the training job.",
            source="checkpoints[].training_job_id",
        ),
        make_field("created_at", TIME, "When it was made.", source="checkpoints[].created_at"),
        make_field(
            "checkpoint_type", CATEGORY, "Type of the checkpoint.",
            source="checkpoints[].checkpoint_type",
        ),
        make_field(
            "base_model", CATEGORY, "Model it was trained from.", nullable=True,
            source="checkpoints[].base_model",
        ),
        make_field(
            "size_bytes", INTEGER, "Size of the checkpoint.", unit="bytes",
            source="checkpoints[].size_bytes",
        ),
        make_field(
            "sync_status", CATEGORY, "State of its upload: SYNCING or COMPLETE.", nullable=True,
            source="checkpoints[].sync_status",
        ),
        make_field(
            "lora_adapter_config", TEXT, "Configuration of its LoRA adapter, as JSON.",
            nullable=True, source="checkpoints[].lora_adapter_config",
        ),
    ]
)  # fmt: skip

CACHES = pa.schema(
    [
        make_field(
            "project_id", TEXT, "Identifier of the project whose jobs share the cache.",
            source="project_id",
        ),
        make_field(
            "path", TEXT, "Path within the cache; null in the one row of a cache that is empty.",
            nullable=True, source="file_summaries[].path",
        ),
        make_field(
            "size_bytes", INTEGER,
            "Size of the file; a directory's own, without what lies in it.", unit="bytes",
            source="file_summaries[].size_bytes",
        ),
        make_field(
            "modified_at", TIME,
            "When it last changed; null where the API's text is no time with a zone.",
            nullable=True, source="file_summaries[].modified",
        ),
        make_field(
            "file_type", CATEGORY, "What it is, such as file or directory.", nullable=True,
            source="file_summaries[].file_type",
        ),
        make_field(
            "permissions", CATEGORY, "Its permissions, as the API writes them.", nullable=True,
            source="file_summaries[].permissions",
        ),
        make_field(
            "captured_at", TIME,
            "When the API looked into the cache; null where its text is no time with a zone.",
            nullable=True, source="timestamp",
        ),
    ]
)  # fmt: skip

METRICS = pa.schema(
    [
        make_field("job_id", CATEGORY, "Identifier of the training job.", source="asked for"),
        make_field(
            "node_id", CATEGORY,
            "Name of the node; null for what belongs to no node, and for the leader where the API "
            "names no nodes.",
            nullable=True, source="per_node_metrics[].node_id",
        ),
        make_field(
            "gpu", INTEGER, "Rank of the GPU in its node; null for what is node-wide.",
            nullable=True, source="key of gpu_utilization, gpu_memory_usage_bytes",
        ),
        make_field(
            "metric", CATEGORY, f"What was measured: {', '.join(METRIC_UNITS)}.",
            source="name of the series",
        ),
        make_field(
            "unit", CATEGORY, "Unit of the value: fraction (0 to 1), bytes, cores.",
            source="derived from metric",
        ),
        make_field(
            "timestamp", TIME, "When it was measured; rows of a job are sorted by it.",
            source="series[].timestamp",
        ),
        make_field("value", NUMBER, "What was measured.", source="series[].value"),
        make_field(
            "step_seconds", NUMBER,
            "Time between two samples that the API really returned, which can be more than what "
            "was asked for; null where a job has too few samples to tell.",
            nullable=True, unit="s", source="derived from series[].timestamp",
        ),
    ]
)  # fmt: skip

LOGS = pa.schema(
    [
        make_field(
            "job_id", TEXT,
            "Identifier of the training job; null where saved lines do not name it.",
            nullable=True, source="asked for",
        ),
        make_field(
            "timestamp", TIME, "When the line was written, cut to microseconds.",
            source="logs[].timestamp",
        ),
        make_field(
            "level", CATEGORY, "Severity, where one was detected.", nullable=True,
            source="logs[].level",
        ),
        make_field(
            "replica", CATEGORY, "Replica that wrote it.", nullable=True, source="logs[].replica"
        ),
        make_field("message", TEXT, "The line that was written.", source="logs[].message"),
    ]
)  # fmt: skip

FLEET_TABLES: dict[str, pa.Schema] = {
    "prices": PRICES,
    "capacity": CAPACITY,
    "billing": BILLING,
    "queue": QUEUE,
    "status_events": STATUS_EVENTS,
    "checkpoints": CHECKPOINTS,
    "caches": CACHES,
    "metrics": METRICS,
    "logs": LOGS,
}

# The calls that failed, which is no table of the API's.
NOT_FETCHED = pa.schema(
    [(name, TEXT) for name in ("table", "job_id", "project_id", "error", "detail")]
)

# What was left out because it did not fit, which is no table of the API's either.
REJECTED = pa.schema(
    [(name, TEXT) for name in ("source", "path", "job_id", "project_id", "reason")]
)

# What a snapshot does not hold, and why.
GAPS = {"not_fetched": NOT_FETCHED, "rejected": REJECTED}

# What makes a row of a table one row: where several answers hold it, the latest wins. A bill has
# no such key: two of its rows may be alike and both count (`trainview.tables.combining.combine`).
FLEET_KEYS: dict[str, tuple[str, ...]] = {
    "prices": ("instance_type_id",),
    "capacity": ("team_id", "gpu_type"),
    "queue": ("job_id",),
    "status_events": ("job_id", "current_status", "created_at"),
    "checkpoints": ("job_id", "checkpoint_id"),
    "caches": ("project_id", "path"),
    "metrics": ("job_id", "node_id", "gpu", "metric", "timestamp"),
    "logs": ("job_id", "replica", "timestamp", "message"),
}
