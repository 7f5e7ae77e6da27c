"""GPU-hours of each month and project, of a recorded history, as Parquet: for spark-submit."""

import sys

from pyspark.sql import SparkSession

import trainview as tv


def main(history: str, target: str) -> None:
    """Ask Spark, and let it write the answer."""
    session = SparkSession.builder.appName("gpu-hours").getOrCreate()
    jobs = tv.scan(history, engine="spark", session=session).jobs
    hours = tv.gpu_hours_over_time(jobs, freq="M", by="project_name")
    hours.write.mode("overwrite").parquet(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
