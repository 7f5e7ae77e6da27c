import pytest

from trainview.statuses import PHASES, STATUSES, status_of


@pytest.mark.parametrize(
    ("api", "label", "phase", "terminal", "holds_gpus"),
    [
        ("TRAINING_JOB_PENDING", "pending", "waiting", False, False),
        ("TRAINING_JOB_QUEUED", "queued", "waiting", False, False),
        ("TRAINING_JOB_CREATED", "created", "waiting", False, False),
        ("TRAINING_JOB_DEPLOYING", "deploying", "starting", False, True),
        ("TRAINING_JOB_RUNNING", "running", "running", False, True),
        ("TRAINING_JOB_COMPLETED", "completed", "succeeded", True, True),
        ("TRAINING_JOB_FAILED", "failed", "failed", True, True),
        ("TRAINING_JOB_DEPLOY_FAILED", "deploy-failed", "failed", True, False),
        ("TRAINING_JOB_STOPPED", "stopped", "stopped", True, True),
        ("TRAINING_JOB_PREEMPTED", "preempted", "stopped", True, True),
    ],
)
def test_every_documented_status_means_what_the_api_says(api, label, phase, terminal, holds_gpus):
    assert status_of(api) == (label, api, phase, terminal, holds_gpus)


@pytest.mark.parametrize(
    ("api", "label"),
    [("TRAINING_JOB_EVICTED", "evicted"), ("SOMETHING_NEW", "something_new"), ("", "")],
)
def test_an_unknown_status_is_kept_and_counts_as_ended(api, label):
    assert status_of(api) == (label, api, "unknown", True, True)


def test_phases_come_in_lifecycle_order():
    assert PHASES == (
        "waiting", "starting", "running", "succeeded", "failed", "stopped", "unknown",
    )  # fmt: skip
    assert len({status.label for status in STATUSES}) == len(STATUSES) == 10
