"""What the API sends and what the tables hold, each field with type, unit and meaning.

This is the one home of field names, types, units and descriptions: the checker, the table
builder, the data dictionary and the tests derive from it. Facts about the API's fields come from
its published OpenAPI document (https://api.baseten.co/v1/spec) and the reference page
https://docs.baseten.co/reference/training-api/get-training-projects.
"""

from typing import Any

import pandas as pd
import pyarrow as pa

from trainview.errors import ArgumentError

TIME = pa.timestamp("us", "UTC")
TEXT = pa.string()
CATEGORY = pa.dictionary(pa.int32(), pa.string())
INTEGER = pa.int64()
HOURS = pa.float64()
BOOLEAN = pa.bool_()

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
# Two counts below this bound can be multiplied without overflow.
COUNT_MAX = 2**31 - 1


def _field(
    name: str,
    kind: pa.DataType,
    description: str = "",
    *,
    nullable: bool = False,
    unit: str = "",
    source: str = "",
    minimum: int = INT64_MIN,
    maximum: int = INT64_MAX,
) -> pa.Field:
    metadata = {"description": description, "unit": unit, "source": source}
    if kind == INTEGER:
        metadata |= {"minimum": str(minimum), "maximum": str(maximum)}
    return pa.field(name, kind, nullable=nullable, metadata=metadata)


def bounds(field: pa.Field) -> tuple[int, int]:
    """Tell the smallest and the largest legal value of an integer field."""
    return int(field.metadata[b"minimum"]), int(field.metadata[b"maximum"])


# --- API records: the answers as JSON objects; fields not named here are tolerated -------------

INSTANCE_TYPE = pa.struct(
    [
        _field("id", TEXT),
        _field("name", TEXT),
        _field("memory_limit_mib", INTEGER, minimum=0),
        _field("millicpu_limit", INTEGER, minimum=0),
        _field("gpu_count", INTEGER, minimum=0, maximum=COUNT_MAX),
        _field("gpu_type", TEXT, nullable=True),
        _field("gpu_memory_limit_mib", INTEGER, nullable=True, minimum=0),
    ]
)

PROJECT_SUMMARY = pa.struct([_field("id", TEXT), _field("name", TEXT)])

JOB = pa.struct(
    [
        _field("id", TEXT),
        _field("created_at", TIME),
        _field("current_status", TEXT),
        _field("error_message", TEXT, nullable=True),
        _field("instance_type", INSTANCE_TYPE),
        _field("updated_at", TIME),
        _field("training_project_id", TEXT),
        _field("training_project", PROJECT_SUMMARY),
        _field("name", TEXT, nullable=True),
        _field("checkpoint_sync_status", TEXT, nullable=True),
        _field("priority", INTEGER, nullable=True),
        _field("availability_model", TEXT, nullable=True),
        _field("user", pa.struct([_field("email", TEXT, nullable=True)]), nullable=True),
        _field("node_count", INTEGER, nullable=True, minimum=1, maximum=COUNT_MAX),
        # ours, in saved files only: when a job that later vanished was last seen open
        _field("trainview_seen_at", TIME, nullable=True),
    ]
)

PROJECT = pa.struct(
    [
        _field("id", TEXT),
        _field("name", TEXT),
        _field("created_at", TIME),
        _field("updated_at", TIME),
        _field("team_name", TEXT, nullable=True),
        _field("latest_job", JOB, nullable=True),
    ]
)

# Our own key in a saved file; everything beside it is what the server said.
SAVED = pa.struct(
    [
        _field("format", INTEGER, minimum=1, maximum=1),
        _field("as_of", TIME, nullable=True),
        _field("latest_only", BOOLEAN, nullable=True),
    ]
)

ANSWER = pa.schema(
    [
        _field("trainview", SAVED, nullable=True),
        _field("training_projects", pa.list_(_field("item", PROJECT)), nullable=True),
        _field("training_project", PROJECT, nullable=True),
        _field("training_jobs", pa.list_(_field("item", JOB)), nullable=True),
    ]
)

# --- Tables: what `Snapshot` holds -------------------------------------------------------------

PROJECTS = pa.schema(
    [
        _field("project_id", TEXT, "Identifier of the training project.", source="project.id"),
        _field(
            "project_name",
            TEXT,
            "Name of the training project. Not unique: group by project_id where that matters.",
            source="project.name",
        ),
        _field(
            "team_name",
            CATEGORY,
            "Name of the team the project belongs to.",
            nullable=True,
            source="project.team_name",
        ),
        _field(
            "created_at",
            TIME,
            "When the project was created; null where only its jobs are known.",
            nullable=True,
            source="project.created_at",
        ),
        _field(
            "updated_at",
            TIME,
            "When the project's record last changed; null where only its jobs are known.",
            nullable=True,
            source="project.updated_at",
        ),
        _field(
            "latest_job_id",
            TEXT,
            "The project's most recently created job; null where it has none.",
            nullable=True,
            source="project.latest_job.id, or the newest job.created_at",
        ),
        _field(
            "latest_job_status",
            CATEGORY,
            "Status label of that job.",
            nullable=True,
            source="derived from job.current_status",
        ),
    ]
)

_INSTANCE_COLUMNS = {
    "instance_type_id": _field(
        "instance_type_id",
        CATEGORY,
        "Identifier of the instance type; one instance is one node.",
        source="job.instance_type.id",
    ),
    "instance_type": _field(
        "instance_type",
        CATEGORY,
        "Display name of the instance type.",
        source="job.instance_type.name",
    ),
    "gpu_type": _field(
        "gpu_type",
        CATEGORY,
        "Type of the GPUs; null on a CPU instance.",
        nullable=True,
        source="job.instance_type.gpu_type",
    ),
    "gpu_count": _field(
        "gpu_count",
        INTEGER,
        "GPUs of one node.",
        unit="GPUs",
        source="job.instance_type.gpu_count",
    ),
    "gpu_memory_limit_mib": _field(
        "gpu_memory_limit_mib",
        INTEGER,
        "GPU memory limit as the API gives it: of one GPU for some instance types, of the whole "
        "node for others. Do not multiply it.",
        nullable=True,
        unit="MiB",
        source="job.instance_type.gpu_memory_limit_mib",
    ),
    "memory_limit_mib": _field(
        "memory_limit_mib",
        INTEGER,
        "Memory limit of one node.",
        unit="MiB",
        source="job.instance_type.memory_limit_mib",
    ),
    "millicpu_limit": _field(
        "millicpu_limit",
        INTEGER,
        "CPU limit of one node in thousandths of a CPU.",
        unit="1/1000 CPU",
        source="job.instance_type.millicpu_limit",
    ),
}

JOBS = pa.schema(
    [
        _field("job_id", TEXT, "Identifier of the training job.", source="job.id"),
        _field(
            "job_name", TEXT, "Name of the job, if it has one.", nullable=True, source="job.name"
        ),
        _field(
            "project_id",
            TEXT,
            "Identifier of the project the job belongs to.",
            source="job.training_project_id",
        ),
        _field(
            "project_name",
            TEXT,
            "Name of that project.",
            source="job.training_project.name",
        ),
        _field(
            "current_status",
            CATEGORY,
            "Status as the API writes it, for example TRAINING_JOB_RUNNING.",
            source="job.current_status",
        ),
        _field(
            "status",
            CATEGORY,
            "Status label: pending, queued, created, deploying, running, completed, failed, "
            "deploy-failed, stopped, preempted; a new one of the API in lower case.",
            source="derived from job.current_status",
        ),
        _field(
            "phase",
            CATEGORY,
            "Coarse state: waiting, starting, running, succeeded, failed, stopped, unknown.",
            source="derived from job.current_status",
        ),
        _field(
            "error_message",
            TEXT,
            "The API's message: a cause for failed jobs, a capacity hint for pending ones.",
            nullable=True,
            source="job.error_message",
        ),
        _field("created_at", TIME, "When the job was submitted.", source="job.created_at"),
        _field(
            "updated_at",
            TIME,
            "When the job's record last changed.",
            source="job.updated_at",
        ),
        _field(
            "end_at",
            TIME,
            "Estimated end: updated_at of a job that has ended or whose status is unknown, "
            "the snapshot's as_of for an open one.",
            source="derived",
        ),
        _field(
            "is_open",
            BOOLEAN,
            "Whether the job has not ended at as_of (it is waiting, starting or running); false "
            "for one that vanished from the API before it ended.",
            source="derived from job.current_status",
        ),
        _field(
            "elapsed_hours",
            HOURS,
            "end_at - created_at, queueing and deployment included: an upper bound of run time. "
            "Null where the times contradict each other.",
            nullable=True,
            unit="h",
            source="derived",
        ),
        _INSTANCE_COLUMNS["instance_type_id"],
        _INSTANCE_COLUMNS["instance_type"],
        _INSTANCE_COLUMNS["gpu_type"],
        _INSTANCE_COLUMNS["gpu_count"],
        _field(
            "node_count",
            INTEGER,
            "Nodes of the job; 1 where the API does not say.",
            unit="nodes",
            source="job.node_count",
        ),
        _field(
            "gpus",
            INTEGER,
            "GPUs of the whole job: gpu_count * node_count.",
            unit="GPUs",
            source="derived",
        ),
        _field(
            "gpu_hours",
            HOURS,
            "gpus * elapsed_hours, an upper bound of the GPU time used; 0 for statuses that hold "
            "no GPU (pending, queued, created, deploy-failed).",
            nullable=True,
            unit="GPU h",
            source="derived",
        ),
        _INSTANCE_COLUMNS["gpu_memory_limit_mib"],
        _INSTANCE_COLUMNS["memory_limit_mib"],
        _INSTANCE_COLUMNS["millicpu_limit"],
        _field(
            "priority",
            INTEGER,
            "Queue priority; higher is dequeued first.",
            nullable=True,
            source="job.priority",
        ),
        _field(
            "availability_model",
            CATEGORY,
            "Capacity guarantee: dedicated (not preempted) or spot (interruptible).",
            nullable=True,
            source="job.availability_model",
        ),
        _field(
            "user_email",
            TEXT,
            "Email of the user who created the job.",
            nullable=True,
            source="job.user.email",
        ),
        _field(
            "checkpoint_sync_status",
            CATEGORY,
            "State of the checkpoint uploader: SYNCING or COMPLETED.",
            nullable=True,
            source="job.checkpoint_sync_status",
        ),
    ]
)

INSTANCE_TYPES = pa.schema(list(_INSTANCE_COLUMNS.values()))

TABLES: dict[str, pa.Schema] = {
    "projects": PROJECTS,
    "jobs": JOBS,
    "instance_types": INSTANCE_TYPES,
}


def pandas_dtype(field: pa.Field) -> Any:
    """Name the pandas dtype that a table column of this field has."""
    if pa.types.is_timestamp(field.type):
        return pd.DatetimeTZDtype("us", "UTC")
    if pa.types.is_dictionary(field.type):
        return "category"
    if pa.types.is_integer(field.type):
        return "Int64" if field.nullable else "int64"
    if pa.types.is_boolean(field.type):
        return "bool"
    if pa.types.is_floating(field.type):
        return "float64"
    return "str"


def columns(table: str | None = None) -> pd.DataFrame:
    """Describe every column of the tables: the data dictionary.

    Parameters
    ----------
    table : {"projects", "jobs", "instance_types"}, optional
        The table to describe; all of them when left out.

    Returns
    -------
    pandas.DataFrame
        One row a column, all text but ``nullable`` (bool): ``table``, ``column``, ``dtype``,
        ``unit`` (empty where there is none), ``nullable``, ``description``, ``source`` (the API
        field it comes from).

    Raises
    ------
    ArgumentError
        If there is no such table.

    Examples
    --------
    >>> import trainview as tv
    >>> tv.columns("jobs").set_index("column").loc["gpu_hours", "unit"]
    'GPU h'
    """
    if table is not None and table not in TABLES:
        raise ArgumentError(f"no table {table!r}: choose one of {', '.join(TABLES)}")
    rows = [
        {
            "table": name,
            "column": field.name,
            "dtype": str(pandas_dtype(field)),
            "unit": field.metadata[b"unit"].decode(),
            "nullable": field.nullable,
            "description": field.metadata[b"description"].decode(),
            "source": field.metadata[b"source"].decode(),
        }
        for name, schema in TABLES.items()
        if table in (None, name)
        for field in schema
    ]
    return pd.DataFrame(rows)
