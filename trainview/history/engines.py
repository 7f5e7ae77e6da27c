"""Parquet files as lazy tables of Polars, DuckDB and Spark."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import dataset

from trainview.errors import ArgumentError, ConfigError
from trainview.history.places import Place

ENGINES = ("polars", "duckdb", "spark")


class Engine:
    """One engine, and how it opens tables; each is a lazy one of its own.

    Parameters
    ----------
    name : {"polars", "duckdb", "spark"}
        Which one.
    session : object, optional
        A connection of DuckDB or a session of Spark; a new connection, or the session that runs,
        when left out.

    Raises
    ------
    ArgumentError
        If there is no such engine.
    ConfigError
        If it is not installed.
    """

    def __init__(self, name: str, session: Any = None) -> None:
        if name not in ENGINES:
            raise ArgumentError(f"engine={name!r}: choose one of {', '.join(ENGINES)}")
        try:
            start: Callable[[Any], tuple[Any, Any]] = {
                "polars": _start_polars, "duckdb": _start_duckdb, "spark": _start_spark,
            }[name]  # fmt: skip
            self._files, self._arrow = start(session)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"engine={name!r}: {error.name} is not installed: pip install 'trainview[{name}]'"
            ) from None
        self.name = name

    def open(self, place: Place, names: Sequence[str], schema: pa.Schema) -> Any:
        """Open Parquet files as one lazy table; one without rows where there are none."""
        if not names:
            return self._arrow(schema.empty_table())
        return self._files(place, [f"{place.path}/{name}" for name in names], schema)

    def take(self, table: pa.Table) -> Any:
        """Take a small table over."""
        return self._arrow(table)


def _dataset(place: Place, paths: list[str], schema: pa.Schema) -> Any:
    return dataset.dataset(paths, schema=schema, filesystem=place.system, format="parquet")


def _start_polars(_session: Any) -> tuple[Any, Any]:
    import polars as pl  # noqa: PLC0415 - one of three, and none is needed

    def files(place: Place, paths: list[str], schema: pa.Schema) -> Any:
        if not place.is_local:
            return pl.scan_pyarrow_dataset(_dataset(place, paths, schema))
        return pl.scan_parquet(paths, hive_partitioning=False, missing_columns="insert")

    return files, lambda table: pl.DataFrame(table).lazy()


def _start_duckdb(session: Any) -> tuple[Any, Any]:
    import duckdb  # noqa: PLC0415 - one of three, and none is needed

    connection = duckdb.connect() if session is None else session

    def files(place: Place, paths: list[str], schema: pa.Schema) -> Any:
        if not place.is_local:
            return connection.from_arrow(_dataset(place, paths, schema))
        return connection.read_parquet(paths, union_by_name=True, hive_partitioning=False)

    return files, connection.from_arrow


def _start_spark(session: Any) -> tuple[Any, Any]:
    from pyspark.sql import SparkSession  # noqa: PLC0415 - one of three, and none is needed

    spark = SparkSession.builder.getOrCreate() if session is None else session

    def files(place: Place, paths: list[str], _schema: pa.Schema) -> Any:
        # Hadoop has a name of its own for buckets of S3, and the configuration of the session
        scheme = "file://" if place.is_local else {"s3": "s3a", "gcs": "gs"}.get(
            place.system.type_name, place.system.type_name
        ) + "://"  # fmt: skip
        reader = spark.read.option("mergeSchema", "true")
        return reader.parquet(*(scheme + path for path in paths))

    return files, spark.createDataFrame
