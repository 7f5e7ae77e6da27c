"""The answers that list projects and jobs, and the files that we save from them.

Facts about the fields come from the API's published OpenAPI document
(https://api.baseten.co/v1/spec) and the reference page
https://docs.baseten.co/reference/training-api/get-training-projects. Fields that are not named here
are tolerated.
"""

import pyarrow as pa

from trainview.schema.fields import BOOLEAN, COUNT_MAX, EXACT_MAX, INTEGER, TEXT, TIME, make_field
from trainview.schema.fleet_tables import GAPS

INSTANCE_TYPE = pa.struct(
    [
        make_field("id", TEXT),
        make_field("name", TEXT),
        make_field("memory_limit_mib", INTEGER, minimum=0, maximum=EXACT_MAX),
        make_field("millicpu_limit", INTEGER, minimum=0, maximum=EXACT_MAX),
        make_field("gpu_count", INTEGER, minimum=0, maximum=COUNT_MAX),
        make_field("gpu_type", TEXT, nullable=True),
        make_field("gpu_memory_limit_mib", INTEGER, nullable=True, minimum=0, maximum=EXACT_MAX),
    ]
)

PROJECT_SUMMARY = pa.struct([make_field("id", TEXT), make_field("name", TEXT)])

JOB = pa.struct(
    [
        make_field("id", TEXT),
        make_field("created_at", TIME),
        make_field("current_status", TEXT),
        make_field("error_message", TEXT, nullable=True),
        make_field("instance_type", INSTANCE_TYPE),
        make_field("updated_at", TIME),
        make_field("training_project_id", TEXT),
        make_field("training_project", PROJECT_SUMMARY),
        make_field("name", TEXT, nullable=True),
        make_field("checkpoint_sync_status", TEXT, nullable=True),
        make_field("priority", INTEGER, nullable=True),
        make_field("availability_model", TEXT, nullable=True),
        make_field("user", pa.struct([make_field("email", TEXT, nullable=True)]), nullable=True),
        make_field("node_count", INTEGER, nullable=True, minimum=1, maximum=COUNT_MAX),
        # ours, in saved files only: when a job that later vanished was last seen open
        make_field("trainview_seen_at", TIME, nullable=True),
        # when a job whose record changed later was first seen to have ended
        make_field("trainview_ended_at", TIME, nullable=True),
    ]
)

PROJECT = pa.struct(
    [
        make_field("id", TEXT),
        make_field("name", TEXT),
        make_field("created_at", TIME),
        make_field("updated_at", TIME),
        make_field("team_name", TEXT, nullable=True),
        make_field("latest_job", JOB, nullable=True),
    ]
)

# Our own key in a saved file; everything beside it is what the server said.
SAVED = pa.struct(
    [
        make_field("format", INTEGER, minimum=1, maximum=2),
        make_field("as_of", TIME, nullable=True),
        make_field("latest_only", BOOLEAN, nullable=True),
        *(
            make_field(name, pa.list_(pa.struct(list(schema))), nullable=True)
            for name, schema in GAPS.items()
        ),
    ]
)

ANSWER = pa.schema(
    [
        make_field("trainview", SAVED, nullable=True),
        make_field("training_projects", pa.list_(make_field("item", PROJECT)), nullable=True),
        make_field("training_project", PROJECT, nullable=True),
        make_field("training_jobs", pa.list_(make_field("item", JOB)), nullable=True),
        # ours as well: the digest of all that stands before it
        make_field("trainview_sha256", TEXT, nullable=True),
    ]
)
