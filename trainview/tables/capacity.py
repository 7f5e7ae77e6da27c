"""How many GPUs may be held, by the organisation and by its teams."""

import pyarrow as pa

from trainview.reading.rejection import Rejection
from trainview.schema import CAPACITY_ANSWER
from trainview.tables.answers import read_answer, to_table


def read_capacity(
    payload: bytes, name: str = "payload", *, rejected: list[Rejection] | None = None
) -> pa.Table:
    """Read the limits of the organisation and of its teams.

    Parameters
    ----------
    payload : bytes
        What ``GET /v1/training/capacity`` answers.
    name : str, optional
        What the payload is called in error messages.
    rejected : list of Rejection, optional
        If given, records that do not fit are left out, and noted here.

    Returns
    -------
    pyarrow.Table
        The table ``capacity``: the organisation's rows first.

    Raises
    ------
    PayloadError
        If the payload is not what the API documents; with the path to the first fault.
    """
    answer = read_answer(payload, CAPACITY_ANSWER, name, rejected)
    teams = answer.get("team_gpu_capacities") or []
    return to_table("capacity", [*answer["gpu_capacities"], *teams])
