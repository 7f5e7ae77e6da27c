"""The status vocabulary: what each status of the API means, in lifecycle order.

Source: the training API's job statuses; the labels are those of the vendor's command line.
"""

from typing import NamedTuple

API_PREFIX = "TRAINING_JOB_"
UNKNOWN_PHASE = "unknown"


class Status(NamedTuple):
    """One job status of the API.

    Attributes
    ----------
    label : str
        Its short name, as the vendor's command line writes it.
    api : str
        The API's own string, ``current_status``.
    phase : str
        The coarse state it belongs to, one of `PHASES`.
    terminal : bool
        Whether a job in it has ended.
    holds_gpus : bool
        Whether a job in it can hold GPUs, or has held some before it ended.
    """

    label: str
    api: str
    phase: str
    terminal: bool
    holds_gpus: bool


STATUSES: tuple[Status, ...] = (
    Status("pending", "TRAINING_JOB_PENDING", "waiting", terminal=False, holds_gpus=False),
    Status("queued", "TRAINING_JOB_QUEUED", "waiting", terminal=False, holds_gpus=False),
    Status("created", "TRAINING_JOB_CREATED", "waiting", terminal=False, holds_gpus=False),
    Status("deploying", "TRAINING_JOB_DEPLOYING", "starting", terminal=False, holds_gpus=True),
    Status("running", "TRAINING_JOB_RUNNING", "running", terminal=False, holds_gpus=True),
    Status("completed", "TRAINING_JOB_COMPLETED", "succeeded", terminal=True, holds_gpus=True),
    Status("failed", "TRAINING_JOB_FAILED", "failed", terminal=True, holds_gpus=True),
    Status(
        "deploy-failed", "TRAINING_JOB_DEPLOY_FAILED", "failed", terminal=True, holds_gpus=False
    ),
    Status("stopped", "TRAINING_JOB_STOPPED", "stopped", terminal=True, holds_gpus=True),
    Status("preempted", "TRAINING_JOB_PREEMPTED", "stopped", terminal=True, holds_gpus=True),
)

PHASES: tuple[str, ...] = (*dict.fromkeys(status.phase for status in STATUSES), UNKNOWN_PHASE)

# Told apart with the common colour-vision deficiencies; phases of one family share a colour.
PHASE_COLOURS: dict[str, str] = {
    "waiting": "#ECE133",
    "starting": "#56B4E9",
    "running": "#56B4E9",
    "succeeded": "#0173B2",
    "failed": "#D55E00",
    "stopped": "#949494",
    UNKNOWN_PHASE: "#000000",
}

# What tells the statuses of one colour apart: a hatch, as Matplotlib writes it.
STATUS_HATCHES: dict[str, str] = {
    "pending": "",
    "queued": "////",
    "created": "xxxx",
    "deploying": "////",
    "running": "",
    "completed": "",
    "failed": "",
    "deploy-failed": "////",
    "stopped": "",
    "preempted": "////",
}

OPEN_PHASES: tuple[str, ...] = tuple(
    dict.fromkeys(status.phase for status in STATUSES if not status.terminal)
)

_BY_API = {status.api: status for status in STATUSES}


def status_of(current_status: str) -> Status:
    """Look a status of the API up; one that is not known yet is described as such.

    Parameters
    ----------
    current_status : str
        The API's string, for example ``TRAINING_JOB_RUNNING``.

    Returns
    -------
    Status
        The known status, or one of phase ``unknown``, labelled with the API's string in lower
        case without its prefix. An unknown status counts as ended at its last update, and as
        holding its GPUs, so that GPU-hours stay an upper bound.

    Examples
    --------
    >>> status_of("TRAINING_JOB_DEPLOY_FAILED").label
    'deploy-failed'
    >>> status_of("TRAINING_JOB_EVICTED").label
    'evicted'
    """
    known = _BY_API.get(current_status)
    if known is not None:
        return known
    label = current_status.removeprefix(API_PREFIX).lower()
    return Status(label, current_status, UNKNOWN_PHASE, terminal=True, holds_gpus=True)
