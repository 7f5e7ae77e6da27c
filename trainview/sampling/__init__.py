"""Deterministic synthetic payloads of the training API, of any size.

The organisation in them is made up, but lives like a real one: it submits in working hours, runs
sweeps and multi-node trainings, waits for GPUs, and has jobs that fail in clusters or get stuck.
"""

from datetime import datetime
from typing import Any

from trainview.sampling.clock import AS_OF
from trainview.sampling.fleet import Fleet, sample_fleet

__all__ = ["Fleet", "sample", "sample_fleet"]


def sample(
    projects: int = 40,
    jobs_per_project: int = 15,
    seed: int = 0,
    *,
    as_of: str | datetime = AS_OF,
    days: int = 90,
) -> dict[str, Any]:
    """Make up the answers of the API for an organisation of any size.

    Parameters
    ----------
    projects : int
        How many projects it has.
    jobs_per_project : int
        How many jobs a project has on average. A few projects have most of them, some have none.
    seed : int
        Equal arguments give equal payloads, on every platform and Python version.
    as_of : str or datetime.datetime
        The moment the payload describes, with a zone; nothing in it is later.
    days : int
        How many days before `as_of` the first job was submitted, at most (a burst may reach some
        minutes further back).

    Returns
    -------
    dict
        ``training_projects`` as the API lists them, ``training_jobs`` as it finds them, newest
        first, and ``trainview``, where a saved snapshot keeps its `as_of`.

    Raises
    ------
    ArgumentError
        If a number is no integer or too small, or `as_of` is no time with a zone.

    Examples
    --------
    >>> payload = sample(projects=3, jobs_per_project=4)
    >>> len(payload["training_projects"]), len(payload["training_jobs"])
    (3, 12)
    >>> payload["trainview"]["as_of"]
    '2026-03-31T18:00:00Z'
    """
    return sample_fleet(projects, jobs_per_project, seed, as_of=as_of, days=days).payload
