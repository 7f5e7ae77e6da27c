"""The one Spark session of the suite, and its tables."""

import os
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest

KIND = "pyspark"
# make test-spark: everything that the other kinds of tables are tried on, as users run Spark.
EVERYTHING = os.environ.get("TRAINVIEW_TEST_KINDS") == KIND
SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "512m",
    "spark.log.level": "OFF",
    "spark.sql.ansi.enabled": "true",
    # Neither UTC nor without daylight saving time, so that a zone that is forgotten shows.
    "spark.sql.session.timeZone": "America/New_York",
    "spark.sql.shuffle.partitions": "1",
    "spark.ui.enabled": "false",
}
# The tables are small: what takes time is planning, compiling and starting tasks.
QUICK = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.ui.explainMode": "simple",
}


def no_java() -> str | None:
    """Say what is missing where PySpark would find no Java."""
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=str(Path(home) / "bin") if home else None):
        return None
    where = f"in JAVA_HOME={home}" if home else "on the PATH"
    return f"PySpark is not tested: no Java {where}; install one, e.g. apt install default-jre-headless"


def require_java() -> None:
    """Skip a test without Java, but not in CI."""
    if missing := no_java():
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)


@cache
def session() -> Any:
    require_java()
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").appName("trainview tests")
    return builder.config(map=SETTINGS if EVERYTHING else SETTINGS | QUICK).getOrCreate()


@cache
def session_with(**settings: str) -> Any:
    """Open another session on the same Spark, with settings of its own."""
    other = session().newSession()
    for name, value in settings.items():
        other.conf.set(f"spark.sql.{name.replace('_', '.')}", value)
    return other


def from_arrow(table: Any, spark: Any = None) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema

    # Otherwise times without a zone would be moved into that of the session here already.
    schema = from_arrow_schema(table.schema, prefer_timestamp_ntz=True)
    return (spark or session()).createDataFrame(table, schema)
