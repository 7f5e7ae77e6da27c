"""Tables of any size for `bench_scale`, written by DuckDB as Parquet, a few bytes in memory a row."""

from pathlib import Path

import duckdb

# Two years of jobs; one in four hundred is open.
JOBS = """
COPY (
  WITH drawn AS (
    SELECT i, draw(i) AS h, draw(i + 1000000007) AS g, i % 400 = 0 AS is_open,
      TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_microseconds((draw(i) % 63000000000000)::BIGINT) AS created_at,
      to_microseconds((60e6 + (draw(i * 31 + 7) % 1000) / 1000.0 * 12 * 3600e6)::BIGINT) AS lasts,
      [1, 1, 2, 4, 8, 16][1 + draw(i * 17) % 6]::BIGINT AS gpus
    FROM range({rows}) AS numbers(i)
  ), timed AS (
    SELECT *, CASE WHEN is_open THEN TIMESTAMPTZ '2025-12-31 12:00:00+00' + to_hours((h % 9)::INTEGER)
      ELSE created_at + lasts END AS ended FROM drawn
  ), named AS (
    SELECT *, CASE WHEN is_open THEN ['running', 'pending'][1 + g % 2]
        ELSE ['completed', 'completed', 'completed', 'completed', 'failed', 'stopped', 'preempted', 'deploy-failed'][1 + g % 8] END AS status,
      CASE WHEN is_open THEN TIMESTAMPTZ '2026-01-01 00:00:00+00' ELSE ended END AS end_at,
      epoch_us(CASE WHEN is_open THEN TIMESTAMPTZ '2026-01-01 00:00:00+00' ELSE ended END) - epoch_us(created_at) AS us
    FROM timed
  )
  SELECT 'job-' || i AS job_id, 'run-' || (i % 5000) AS job_name,
    'p' || (h % 2000) AS project_id, 'project-' || (h % 2000) AS project_name,
    'team-' || (h % 20) AS team_name, status,
    CASE status WHEN 'running' THEN 'running' WHEN 'pending' THEN 'waiting' WHEN 'completed' THEN 'succeeded'
      WHEN 'failed' THEN 'failed' WHEN 'deploy-failed' THEN 'failed' ELSE 'stopped' END AS phase,
    CASE WHEN status IN ('failed', 'deploy-failed') THEN CASE (g // 8) % 4
      WHEN 0 THEN 'CUDA out of memory. Tried to allocate ' || (h % 100) || '.00 GiB'
      WHEN 1 THEN 'worker 10.0.' || (h % 200) || '.' || (g % 200) || ':29500 did not answer'
      WHEN 2 THEN 'No space left on device: ''/mnt/data/run-' || i || '/checkpoints'''
      ELSE 'KeyError: ''user_' || (h % 1000) || '''' END END AS error_message,
    created_at, CASE WHEN is_open THEN created_at ELSE end_at END AS updated_at, end_at, is_open,
    us / 3600e6 AS elapsed_hours,
    'type-' || (g % 20) AS instance_type_id, ['H100', 'A100', 'B200', 'L4'][1 + g % 4] AS gpu_type,
    gpus AS gpu_count, 1::BIGINT AS node_count, gpus, 81920 * gpus AS gpu_memory_limit_mib,
    CASE WHEN status IN ('pending', 'deploy-failed') THEN 0.0 ELSE gpus * us / 3600e6 END AS gpu_hours,
    'user-' || (h % 500) AS user_email
  FROM named
) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)
"""
# One in ten jobs is measured, in series of one GPU a minute apart; one sample in 200 is missing. They
# lie series by series, as they are fetched and written, and begin with their job.
METRICS = """
COPY (
  SELECT 'job-' || (i // 1000 * 10) AS job_id, 'node-0' AS node_id, 0::BIGINT AS gpu,
    CASE WHEN i % 1000 < 500 THEN 'gpu_utilization' ELSE 'gpu_memory_usage_bytes' END AS metric,
    TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_microseconds((draw(i // 1000 * 10) % 63000000000000)::BIGINT)
      + to_minutes((1 + i % 500)::BIGINT) AS timestamp,
    CASE WHEN i % 1000 >= 500 THEN (draw(i) % 80000)::DOUBLE * 1000000
      WHEN draw(i // 100) % 5 = 0 THEN 0.01 ELSE (draw(i) % 1000) / 1000.0 END AS value,
    60.0 AS step_seconds
  FROM range({rows}) AS numbers(i) WHERE draw(i + 5) % 200 > 0
) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)
"""
QUEUE = """
COPY (
  SELECT job_id, project_name, gpu_type, status = 'pending' AS is_waiting, created_at AS submitted_at,
    CASE WHEN status <> 'pending' THEN created_at + to_seconds((draw(job_id) % 20000)::BIGINT) END AS released_at,
    CASE WHEN status = 'pending' THEN elapsed_hours ELSE (draw(job_id) % 20000) / 3600.0 END AS waited_hours
  FROM read_parquet('{jobs}')
) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""
BILLING = """
COPY (
  SELECT job_id, project_name, job_name, team_name, false AS is_deleted,
    date_trunc('day', created_at) AS date, date_trunc('month', created_at) AS month,
    (elapsed_hours * 55)::BIGINT AS minutes, (elapsed_hours * gpus * 2.5)::DECIMAL(38, 12) AS subtotal_usd
  FROM read_parquet('{jobs}') WHERE status NOT IN ('pending', 'deploy-failed')
) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""
PRICES = """
COPY (SELECT 'type-' || i AS instance_type_id, 0.05 * (i + 1) AS usd_per_minute FROM range(19) AS numbers(i))
TO '{path}' (FORMAT parquet)
"""
CAPACITY = """
COPY (
  SELECT NULL::VARCHAR AS team_id, NULL::VARCHAR AS team_name, kind AS gpu_type, {rows} // 4000 AS baseline, {rows} // 2500 AS "limit"
  FROM (VALUES ('H100'), ('A100'), ('B200'), ('L4')) AS kinds(kind)
) TO '{path}' (FORMAT parquet)
"""


def write_tables(folder: Path, jobs: int, samples: int) -> None:
    """Write the tables, where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    statements = {
        "jobs": JOBS, "metrics": METRICS, "queue": QUEUE, "billing": BILLING, "prices": PRICES,
        "capacity": CAPACITY,
    }  # fmt: skip
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '1.5GB'; SET TimeZone = 'UTC'; SET threads = 2")
        connection.execute(f"SET temp_directory = '{folder}/spill'")
        connection.execute("CREATE MACRO draw(x) AS (hash(x) >> 1)::BIGINT")
        for name, statement in statements.items():
            path = folder / f"{name}.parquet"
            if path.exists():
                continue
            part = path.with_suffix(".part")
            rows = samples if name == "metrics" else jobs
            connection.execute(statement.format(rows=rows, path=part, jobs=folder / "jobs.parquet"))
            part.rename(path)
