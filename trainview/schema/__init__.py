"""What the API sends and what the tables hold, each field with type, unit and meaning.

This is the one home of field names, types, units and descriptions: the checker, the table
builders, the data dictionary and the tests derive from it.
"""

import pandas as pd
import pyarrow as pa

from trainview.errors import ArgumentError
from trainview.schema.core import INSTANCE_COLUMNS as INSTANCE_COLUMNS
from trainview.schema.core import INSTANCE_TYPES as INSTANCE_TYPES
from trainview.schema.core import JOBS as JOBS
from trainview.schema.core import PROJECTS as PROJECTS
from trainview.schema.fields import BOOLEAN as BOOLEAN
from trainview.schema.fields import CATEGORY as CATEGORY
from trainview.schema.fields import DATE as DATE
from trainview.schema.fields import INTEGER as INTEGER
from trainview.schema.fields import NUMBER as NUMBER
from trainview.schema.fields import PANDAS_TEXT as PANDAS_TEXT
from trainview.schema.fields import TEXT as TEXT
from trainview.schema.fields import TIME as TIME
from trainview.schema.fields import bounds as bounds
from trainview.schema.fields import is_newer as is_newer
from trainview.schema.fields import pandas_dtype as pandas_dtype
from trainview.schema.fleet_answers import CACHE_ANSWER as CACHE_ANSWER
from trainview.schema.fleet_answers import CAPACITY_ANSWER as CAPACITY_ANSWER
from trainview.schema.fleet_answers import CHECKPOINTS_ANSWER as CHECKPOINTS_ANSWER
from trainview.schema.fleet_answers import LEADER_METRICS_ANSWER as LEADER_METRICS_ANSWER
from trainview.schema.fleet_answers import LOGS_ANSWER as LOGS_ANSWER
from trainview.schema.fleet_answers import METRICS_ANSWER as METRICS_ANSWER
from trainview.schema.fleet_answers import PRICES_ANSWER as PRICES_ANSWER
from trainview.schema.fleet_answers import QUEUE_ANSWER as QUEUE_ANSWER
from trainview.schema.fleet_answers import USAGE_ANSWER as USAGE_ANSWER
from trainview.schema.fleet_tables import FLEET_KEYS as FLEET_KEYS
from trainview.schema.fleet_tables import FLEET_TABLES as FLEET_TABLES
from trainview.schema.fleet_tables import GAPS as GAPS
from trainview.schema.fleet_tables import METRIC_UNITS as METRIC_UNITS
from trainview.schema.fleet_tables import NOT_FETCHED as NOT_FETCHED
from trainview.schema.fleet_tables import REJECTED as REJECTED
from trainview.schema.money import MONEY as MONEY
from trainview.schema.records import ANSWER as ANSWER
from trainview.schema.records import INSTANCE_TYPE as INSTANCE_TYPE
from trainview.schema.records import JOB as JOB
from trainview.schema.records import PROJECT as PROJECT
from trainview.text.names import did_you_mean

CORE_TABLES: dict[str, pa.Schema] = {
    "projects": PROJECTS,
    "jobs": JOBS,
    "instance_types": INSTANCE_TYPES,
}
TABLES: dict[str, pa.Schema] = CORE_TABLES | FLEET_TABLES


def columns(table: str | None = None) -> pd.DataFrame:
    """Describe every column of the tables: the data dictionary.

    Parameters
    ----------
    table : str, optional
        The name of the table to describe, such as ``"jobs"``; all of them when left out.

    Returns
    -------
    pandas.DataFrame
        One row a column, all text but ``nullable`` (bool): ``table``, ``column``, ``dtype``,
        ``unit`` (empty where there is none), ``nullable``, ``description``, ``source`` (the API
        field it comes from).

    Raises
    ------
    ArgumentError
        If there is no such table.

    Examples
    --------
    >>> import trainview as tv
    >>> tv.columns("jobs").set_index("column").loc["gpu_hours", "unit"]
    'GPU h'
    """
    if table is not None and table not in TABLES:
        choice = f"choose one of {', '.join(TABLES)}{did_you_mean(table, TABLES)}"
        raise ArgumentError(f"no table {table!r}: {choice}")
    rows = [
        {
            "table": name,
            "column": field.name,
            "dtype": str(pandas_dtype(field)),
            "unit": field.metadata[b"unit"].decode(),
            "nullable": field.nullable,
            "description": field.metadata[b"description"].decode(),
            "source": field.metadata[b"source"].decode(),
        }
        for name, schema in TABLES.items()
        if table in (None, name)
        for field in schema
    ]
    return pd.DataFrame(rows)
