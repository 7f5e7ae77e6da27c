"""What spark-submit runs on the cluster: helpers on the tables of a history, their answers as JSON."""

import json
import sys

import narwhals.stable.v2 as nw
from pyspark.sql import SparkSession

import trainview as tv


def main(dest: str) -> None:
    spark = SparkSession.builder.appName("trainview on a cluster").getOrCreate()
    fleet = tv.scan(dest, engine="spark", session=spark)
    answers = {
        "gpu_usage": tv.gpu_usage(fleet.jobs, by="project_name"),
        "failure_rates": tv.failure_rates(fleet.jobs, by="project_name"),
        "estimate_cost": tv.estimate_cost(fleet.jobs, fleet.prices, by="gpu_type"),
        "utilization": tv.utilization(fleet.metrics, fleet.jobs, by="gpu_type"),
    }
    found = {
        name: nw.from_native(answer).lazy().collect("pyarrow").to_pandas().to_json(orient="records")
        for name, answer in answers.items()
    }
    executors = spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() - 1
    sys.stdout.write(json.dumps({"executors": executors, "answers": found}) + "\n")
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
