"""Which rules there are: what the command line and the checks know of them without pandas."""

from typing import NamedTuple


class Rule(NamedTuple):
    """A rule.

    Attributes
    ----------
    name : str
        Its name on the command line and in a file of rules.
    unit : str
        Of value and limit.
    help : str
        What it limits.
    table : str or None
        The table that it needs, beside projects and jobs.
    better : str or None
        The table that it rather takes, where that is there.
    """

    name: str
    unit: str
    help: str
    table: str | None = None
    better: str | None = None


# What may have a budget.
BUDGET_KINDS = ("team", "project")
# By the arguments of `trainview.check`.
RULES = {
    "max_failure_rate": Rule(
        "max-failure-rate", "share", "Failed jobs as a fraction of those that ended."
    ),
    "max_pending_hours": Rule(
        "max-pending", "h", "How long any job may have waited that waits now."
    ),
    "max_silent_hours": Rule("max-silent", "h", "How long ago any open job's record has changed."),
    "max_cost_usd": Rule("max-cost", "USD", "Estimated cost in USD, at list prices.", "prices"),
    "max_idle_gpu_hours": Rule(
        "max-idle-gpu-hours", "GPU h", "GPU-hours held and idle.", "metrics"
    ),
    "min_utilization": Rule(
        "min-utilization", "share", "Mean utilisation of all GPUs, 0 to 1.", "metrics"
    ),
    "max_wait_p90_hours": Rule("max-wait-p90", "h", "Wait below which 9 of 10 jobs stay.", "queue"),
    "max_projected_cost_usd": Rule(
        "max-projected-cost",
        "USD",
        "Cost of the whole month in USD, extrapolated from the last 7 days: of the bill, else "
        "estimated.",
        "prices",
        "billing",
    ),
}
