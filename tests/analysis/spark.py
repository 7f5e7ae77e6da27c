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
    # What is compiled quickly takes more room than Java leaves for it.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=192m "
    "-XX:+IgnoreUnrecognizedVMOptions -XX:+UnlockDiagnosticVMOptions -XX:-BytecodeVerificationRemote "
    "-XX:+UseSerialGC -Xmn192m",
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
    # every query is written out for a page that nobody looks at
    "spark.sql.debug.maxToStringFields": "1",
    "spark.sql.maxPlanStringLength": "0",
    "spark.sql.ui.explainMode": "simple",
    "spark.ui.liveUpdate.period": "-1",
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


def remember_classes() -> None:
    """Let py4j look up a class of Java or its method once: each use of one searches 200 jars."""
    from py4j.java_gateway import JavaClass, JavaMember, JVMView

    def remembering(look_up: Any) -> Any:
        def found(self: Any, name: str) -> Any:
            value = look_up(self, name)
            if isinstance(value, JavaClass | JavaMember):
                vars(self)[name] = value
            return value

        return found

    for kind in (JavaClass, JVMView):
        kind.__getattr__ = remembering(kind.__getattr__)


@cache
def session() -> Any:
    require_java()
    from pyspark.sql import SparkSession

    if not EVERYTHING:
        remember_classes()
    builder = SparkSession.builder.master("local[2]").appName("trainview tests")
    return builder.config(map=SETTINGS if EVERYTHING else SETTINGS | QUICK).getOrCreate()


@cache
def session_with(**settings: str) -> Any:
    """Open another session on the same Spark, with settings of its own."""
    other = session().newSession()
    # that tables come in several parts is tried in the first session
    for name, value in {"leafNodeDefaultParallelism": "1", **settings}.items():
        other.conf.set(f"spark.sql.{name.replace('_', '.')}", value)
    return other


def from_arrow(table: Any, spark: Any = None) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema

    # Otherwise times without a zone would be moved into that of the session here already.
    schema = from_arrow_schema(table.schema, prefer_timestamp_ntz=True)
    return (spark or session()).createDataFrame(table, schema)
