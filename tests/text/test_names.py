import pandas as pd
import pytest

import trainview as tv
from trainview.text.names import did_you_mean

COLUMNS = list(tv.columns("jobs")["column"])


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("team", "; did you mean 'team_name'?"),
        ("project", "; did you mean 'project_name' or 'project_id'?"),
        ("user", "; did you mean 'user_email'?"),
        ("Team Name", "; did you mean 'team_name'?"),
        ("gpu-type", "; did you mean 'gpu_type'?"),
        ("elapsed_hour", "; did you mean 'elapsed_hours'?"),
        ("statsu", "; did you mean 'status'?"),
        ("colour", ""),
        ("", ""),
    ],
)
def test_what_was_meant_is_told_if_it_is_near(asked, meant):
    assert did_you_mean(asked, COLUMNS) == meant


JOBS = tv.load(tv.sample(projects=2)).jobs


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        (lambda: tv.gpu_usage(JOBS, by="team"), "team_name"),
        (lambda: tv.plot_gpu_usage(pd.DataFrame({"gpu_hour": [1.0], "share": 1.0})), "gpu_hour"),
        (lambda: tv.columns("job"), "jobs"),
        (lambda: tv.load(tv.sample(projects=1)).assign(bill=JOBS), "billing"),
        (lambda: tv.fetch(include=["metric"], api_key="k"), "metrics"),
    ],
)
def test_every_argument_that_names_something_of_ours_suggests_a_name(call, meant):
    with pytest.raises(tv.ArgumentError, match=f"did you mean .*'{meant}'"):
        call()
