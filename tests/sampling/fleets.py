"""What the tests of the sample organisation share."""

from datetime import datetime

import pandas as pd

STEP = 600


def moment(text):
    return datetime.fromisoformat(text)


def milliseconds(time):
    return round(pd.Timestamp(time).timestamp() * 1000)


def as_of(fleet):
    return moment(fleet.payload["trainview"]["as_of"])


def listed(fleet):
    """The truth about the jobs that the API still lists, by id."""
    truth = fleet.truth
    return truth[~truth["is_deleted"]].set_index("job_id")


def records(fleet):
    return {job["id"]: job for job in fleet.payload["training_jobs"]}


def gpus(record):
    return record["instance_type"]["gpu_count"] * record.get("node_count", 1)
