"""The tables of projects, jobs and instance types."""

import pyarrow as pa

from trainview.schema.fields import (
    BOOLEAN,
    CATEGORY,
    COUNT_MAX,
    INTEGER,
    NUMBER,
    TEXT,
    TIME,
    make_field,
    newer,
)

PROJECTS = pa.schema(
    [
        make_field("project_id", TEXT, "Identifier of the training project.", source="project.id"),
        make_field(
            "project_name",
            TEXT,
            "Name of the training project. Not unique: group by project_id where that matters.",
            source="project.name",
        ),
        make_field(
            "team_name",
            CATEGORY,
            "Name of the team the project belongs to.",
            nullable=True,
            source="project.team_name",
        ),
        make_field(
            "created_at",
            TIME,
            "When the project was created; null where only its jobs are known.",
            nullable=True,
            source="project.created_at",
        ),
        make_field(
            "updated_at",
            TIME,
            "When the project's record last changed; null where only its jobs are known.",
            nullable=True,
            source="project.updated_at",
        ),
        make_field(
            "latest_job_id",
            TEXT,
            "The project's most recently created job; null where it has none.",
            nullable=True,
            source="project.latest_job.id, or the newest job.created_at",
        ),
        make_field(
            "latest_job_status",
            CATEGORY,
            "Status label of that job.",
            nullable=True,
            source="derived from job.current_status",
        ),
    ]
)

INSTANCE_COLUMNS = {
    "instance_type_id": make_field(
        "instance_type_id",
        CATEGORY,
        "Identifier of the instance type; one instance is one node.",
        source="job.instance_type.id",
    ),
    "instance_type": make_field(
        "instance_type",
        CATEGORY,
        "Display name of the instance type.",
        source="job.instance_type.name",
    ),
    "gpu_type": make_field(
        "gpu_type",
        CATEGORY,
        "Type of the GPUs, in one spelling, such as A100_40GB; null on a CPU instance.",
        nullable=True,
        source="job.instance_type.gpu_type",
    ),
    "gpu_count": make_field(
        "gpu_count",
        INTEGER,
        "GPUs of one node.",
        unit="GPUs",
        minimum=0,
        maximum=COUNT_MAX,
        source="job.instance_type.gpu_count",
    ),
    "gpu_memory_limit_mib": make_field(
        "gpu_memory_limit_mib",
        INTEGER,
        "GPU memory limit as the API gives it: of one GPU for some instance types, of the whole "
        "node for others. Do not multiply it.",
        nullable=True,
        unit="MiB",
        minimum=0,
        source="job.instance_type.gpu_memory_limit_mib",
    ),
    "memory_limit_mib": make_field(
        "memory_limit_mib",
        INTEGER,
        "Memory limit of one node.",
        unit="MiB",
        minimum=0,
        source="job.instance_type.memory_limit_mib",
    ),
    "millicpu_limit": make_field(
        "millicpu_limit",
        INTEGER,
        "CPU limit of one node in thousandths of a CPU.",
        unit="1/1000 CPU",
        minimum=0,
        source="job.instance_type.millicpu_limit",
    ),
}

JOBS = pa.schema(
    [
        make_field(
            "job_id",
            TEXT,
            "Identifier of the training job. An earlier attempt of a job that was requeued under "
            "the same id is a row of its own, with the moment of its submission behind the id: "
            "abc@2026-03-24T18:04:30Z.",
            source="job.id",
        ),
        make_field(
            "job_name", TEXT, "Name of the job, if it has one.", nullable=True, source="job.name"
        ),
        make_field(
            "project_id",
            TEXT,
            "Identifier of the project the job belongs to.",
            source="job.training_project_id",
        ),
        make_field(
            "project_name",
            TEXT,
            "Name of that project.",
            source="job.training_project.name",
        ),
        newer(
            make_field(
                "team_name",
                CATEGORY,
                "Name of the team that project belongs to; null where the API names none.",
                nullable=True,
                source="project.team_name",
            )
        ),
        make_field(
            "current_status",
            CATEGORY,
            "Status as the API writes it, for example TRAINING_JOB_RUNNING.",
            source="job.current_status",
        ),
        make_field(
            "status",
            CATEGORY,
            "Status label: pending, queued, created, deploying, running, completed, failed, "
            "deploy-failed, stopped, preempted; a new one of the API in lower case.",
            source="derived from job.current_status",
        ),
        make_field(
            "phase",
            CATEGORY,
            "Coarse state: waiting, starting, running, succeeded, failed, stopped, unknown.",
            source="derived from job.current_status",
        ),
        make_field(
            "error_message",
            TEXT,
            "The API's message: a cause for failed jobs, a capacity hint for pending ones.",
            nullable=True,
            source="job.error_message",
        ),
        make_field("created_at", TIME, "When the job was submitted.", source="job.created_at"),
        make_field(
            "updated_at",
            TIME,
            "When the job's record last changed.",
            source="job.updated_at",
        ),
        make_field(
            "end_at",
            TIME,
            "Estimated end: updated_at of a job that has ended or whose status is unknown, as it "
            "was when the end was first seen; the snapshot's as_of for an open one.",
            source="derived",
        ),
        make_field(
            "is_open",
            BOOLEAN,
            "Whether the job has not ended at as_of (it is waiting, starting or running); false "
            "for one that vanished from the API before it ended.",
            source="derived from job.current_status",
        ),
        make_field(
            "elapsed_hours",
            NUMBER,
            "end_at - created_at, queueing and deployment included: an upper bound of run time. "
            "Null where the times contradict each other.",
            nullable=True,
            unit="h",
            source="derived",
        ),
        INSTANCE_COLUMNS["instance_type_id"],
        INSTANCE_COLUMNS["instance_type"],
        INSTANCE_COLUMNS["gpu_type"],
        INSTANCE_COLUMNS["gpu_count"],
        make_field(
            "node_count",
            INTEGER,
            "Nodes of the job; 1 where the API does not say.",
            unit="nodes",
            minimum=1,
            maximum=COUNT_MAX,
            source="job.node_count",
        ),
        make_field(
            "gpus",
            INTEGER,
            "GPUs of the whole job: gpu_count * node_count.",
            unit="GPUs",
            minimum=0,
            source="derived",
        ),
        make_field(
            "gpu_hours",
            NUMBER,
            "gpus * elapsed_hours, an upper bound of the GPU time used; 0 for statuses that hold "
            "no GPU (pending, queued, created, deploy-failed).",
            nullable=True,
            unit="GPU h",
            source="derived",
        ),
        INSTANCE_COLUMNS["gpu_memory_limit_mib"],
        INSTANCE_COLUMNS["memory_limit_mib"],
        INSTANCE_COLUMNS["millicpu_limit"],
        make_field(
            "priority",
            INTEGER,
            "Queue priority; higher is dequeued first. Absent means 0.",
            nullable=True,
            source="job.priority",
        ),
        make_field(
            "availability_model",
            CATEGORY,
            "Capacity guarantee: dedicated (not preempted) or spot (interruptible). Absent means "
            "dedicated.",
            nullable=True,
            source="job.availability_model",
        ),
        make_field(
            "user_email",
            TEXT,
            "Email of the user who created the job.",
            nullable=True,
            source="job.user.email",
        ),
        make_field(
            "checkpoint_sync_status",
            CATEGORY,
            "State of the checkpoint uploader: SYNCING or COMPLETED.",
            nullable=True,
            source="job.checkpoint_sync_status",
        ),
    ]
)

INSTANCE_TYPES = pa.schema(list(INSTANCE_COLUMNS.values()))
