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
    # looks at the stacks of Python and Java for each expression, in case it is wrong
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.sql.dataFrameQueryContext.enabled": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.lightweightPlanChangeValidation": "false",
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


def keep_expressions() -> None:
    """Let Java keep all expressions, which are small: it is told of each that Python needs no more."""
    from py4j.finalizer import ThreadSafeFinalizer
    from pyspark.sql.classic.column import Column

    def keep(self: Any, jc: Any) -> None:
        self._jc = jc
        client = jc._gateway_client
        ThreadSafeFinalizer.remove_finalizer(f"{client.address}{client.port}{jc._target_id}")

    Column.__init__ = keep


def most_asked_jars() -> str:
    """List the jars that most classes are in, to be searched before the 270 others."""
    import pyspark

    names = "scala-library", "spark-catalyst_", "spark-sql_", "spark-core_", "spark-sql-api_"
    jars = Path(pyspark.__file__).parent / "jars"
    return os.pathsep.join(str(jar) for name in names for jar in jars.glob(f"{name}*"))


@cache
def session() -> Any:
    require_java()
    from pyspark.sql import SparkSession

    settings = SETTINGS
    if not EVERYTHING:
        remember_classes()
        keep_expressions()
        settings = SETTINGS | QUICK | {"spark.driver.extraClassPath": most_asked_jars()}
    builder = SparkSession.builder.master("local[2]").appName("trainview tests")
    return builder.config(map=settings).getOrCreate()


@cache
def session_with(**settings: str) -> Any:
    """Open another session on the same Spark, with settings of its own."""
    other = session().newSession()
    # that tables come in several parts is tried in the first session
    quick = {"leafNodeDefaultParallelism": "1", "optimizer.singleTaskExecution.enabled": "true"}
    for name, value in {**quick, **settings}.items():
        other.conf.set(f"spark.sql.{name.replace('_', '.')}", value)
    return other


def from_arrow(table: Any, spark: Any = None) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema

    # Otherwise times without a zone would be moved into that of the session here already.
    schema = from_arrow_schema(table.schema, prefer_timestamp_ntz=True)
    return (spark or session()).createDataFrame(table, schema)
