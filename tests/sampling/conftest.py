"""The sample organisations that the tests look at, each made once."""

import pytest

from tests.sampling.fleets import STEP
from trainview.sampling import Fleet


@pytest.fixture(scope="session")
def fleets():
    return [Fleet(seed=seed) for seed in range(3)]


@pytest.fixture(scope="session", params=range(3))
def any_fleet(request, fleets):
    return fleets[request.param]


@pytest.fixture(scope="session")
def fleet(fleets):
    return fleets[0]


@pytest.fixture(scope="session")
def metrics(fleet):
    """What was measured of every job, by its id."""
    ids = (job["id"] for job in fleet.payload["training_jobs"])
    return {job_id: fleet.job_metrics(job_id, step_seconds=STEP) for job_id in ids}
