"""The table of bills."""

import pyarrow as pa

from trainview.schema.fields import BOOLEAN, CATEGORY, INTEGER, TEXT, TIME, make_field, newer
from trainview.schema.money import MONEY

BILLING = pa.schema(
    [
        make_field(
            "job_id",
            TEXT,
            "Identifier of the training job; null for what is billed for no job, such as Loops.",
            nullable=True,
            source="training_usage.breakdown[].billable_resource.id",
        ),
        newer(
            make_field(
                "resource_id",
                TEXT,
                "Identifier of what is billed, job or not; null where the bill names nothing.",
                nullable=True,
                source="training_usage.breakdown[].billable_resource.id",
            )
        ),
        newer(
            make_field(
                "kind",
                CATEGORY,
                "Kind of what is billed: TRAINING_JOB, or LOOPS_TRAINER and the like, no jobs.",
                nullable=True,
                source="training_usage.breakdown[].billable_resource.kind",
            )
        ),
        make_field(
            "job_name",
            TEXT,
            "Name of the job, if it has one.",
            nullable=True,
            source="training_usage.breakdown[].billable_resource.name",
        ),
        make_field(
            "project_name",
            TEXT,
            "Name of the job's project.",
            nullable=True,
            source="training_usage.breakdown[].billable_resource.model_name",
        ),
        newer(
            make_field(
                "team_id",
                TEXT,
                "Identifier of the team, where the bill tells it.",
                nullable=True,
                source="training_usage.breakdown[].billable_resource.team_id",
            )
        ),
        newer(
            make_field(
                "team_name",
                CATEGORY,
                "Name of the team: as the bill tells it, else that of the job, else of the project "
                "where its name is the only one; null where none of them tells.",
                nullable=True,
                source="training_usage.breakdown[].billable_resource.team_name, project.team_name",
            )
        ),
        newer(
            make_field(
                "model_id",
                TEXT,
                "Identifier of the model, where the bill tells it.",
                nullable=True,
                source="training_usage.breakdown[].billable_resource.model_id",
            )
        ),
        newer(
            make_field(
                "base_model",
                CATEGORY,
                "Model that was trained from, where the bill tells it.",
                nullable=True,
                source="training_usage.breakdown[].billable_resource.base_model",
            )
        ),
        make_field(
            "instance_type",
            CATEGORY,
            "Instance type, as the bill writes it.",
            nullable=True,
            source="training_usage.breakdown[].billable_resource.instance_type",
        ),
        make_field(
            "is_deleted",
            BOOLEAN,
            "Whether the job has been deleted: it is in no other table then.",
            source="training_usage.breakdown[].billable_resource.is_deleted",
        ),
        make_field(
            "date",
            TIME,
            "The day (UTC) that is billed; null for what the bill assigns to no day.",
            nullable=True,
            source="training_usage.breakdown[].daily[].date",
        ),
        make_field(
            "month",
            TIME,
            "First day of the month (UTC) that was asked for; of a saved answer, of the month that "
            "all its days are in; null where it has none, or several.",
            nullable=True,
            source="asked for, or training_usage.breakdown[].daily[].date",
        ),
        make_field(
            "minutes",
            INTEGER,
            "Minutes billed: of the job, not of each node.",
            unit="min",
            source="training_usage.breakdown[].daily[].minutes",
        ),
        make_field(
            "subtotal_usd",
            MONEY,
            "What the job cost on this day: decimals in Parquet, CSV and sums, and the nearest "
            "float64 in pandas.",
            unit="USD",
            source="training_usage.breakdown[].daily[].subtotal",
        ),
    ]
)
