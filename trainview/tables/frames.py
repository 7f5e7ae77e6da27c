"""The pandas tables of a snapshot as Arrow tables, to be written or merged."""

from typing import Any

import pyarrow as pa

from trainview.schema import FLEET_TABLES, GAPS, INSTANCE_TYPES, JOBS, PROJECTS
from trainview.tables.core import Tables
from trainview.tables.dtypes import from_pandas
from trainview.tables.listed import as_listed


def to_fleet(snapshot: Any) -> dict[str, pa.Table]:
    """Turn what a snapshot has beside projects and jobs into Arrow tables.

    Parameters
    ----------
    snapshot : Snapshot
        Of any kind.

    Returns
    -------
    dict of str to pyarrow.Table
        By their names in `trainview.schema.FLEET_TABLES`; only those that have rows.
    """
    found = {name: getattr(snapshot, name) for name in FLEET_TABLES}
    return {
        name: from_pandas(frame, FLEET_TABLES[name]) for name, frame in found.items() if len(frame)
    }


def to_gaps(snapshot: Any) -> dict[str, pa.Table]:
    """Turn what a snapshot does not hold into Arrow tables.

    Parameters
    ----------
    snapshot : Snapshot
        Of any kind.

    Returns
    -------
    dict of str to pyarrow.Table
        As `trainview.schema.GAPS`.
    """
    return {name: from_pandas(getattr(snapshot, name), schema) for name, schema in GAPS.items()}


def to_tables(snapshot: Any) -> Tables:
    """Turn the projects and jobs of a snapshot into Arrow tables.

    Parameters
    ----------
    snapshot : Snapshot
        Of any kind.

    Returns
    -------
    Tables
        From which `trainview.tables.core.to_records` makes records. Jobs that were refined are as
        the API listed them.

    Raises
    ------
    ArgumentError
        If a table has lost a column.
    """
    return Tables(
        projects=from_pandas(snapshot.projects, PROJECTS),
        jobs=from_pandas(as_listed(snapshot.jobs), JOBS),
        instance_types=from_pandas(snapshot.instance_types, INSTANCE_TYPES),
        as_of=snapshot.as_of,
        latest_only=snapshot.latest_only,
    )
