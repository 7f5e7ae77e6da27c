# ruff: noqa: S608 - queries of this file alone
"""The questions of `bench_scale` in SQL, as somebody writes them who knows DuckDB and Spark well.

Columns have the names that the helpers give them. Like `polars_words`, they trust what is known of
these tables.
"""

from trainview.analysis.intervals import Z_95

# What Spark calls by other names than DuckDB.
IN_SPARK = {
    "epoch_us(": "unix_micros(",
    "quantile_cont(elapsed_hours, [0.5, 0.9, 0.99])": "percentile(elapsed_hours, array(0.5, 0.9, 0.99))",
    "quantile_cont(elapsed_hours, 0.9)": "percentile(elapsed_hours, 0.9)",
    "list_element(": "element_at(",
    "array_to_string(list_sort(list(": "array_join(array_sort(collect_list(",
    "unnest(generate_series(": "explode(sequence(",
    ", 'g')": ")",
    "arg_max(": "max_by(",
    " AS MATERIALIZED (": " AS (",
    "FILTER (": "FILTER (WHERE ",
    '"': "`",
}

FREE = "status IN ('pending', 'queued', 'created', 'deploy-failed')"
OPEN = "status IN ('pending', 'queued', 'created', 'deploying', 'running')"
USD = f"CASE WHEN {FREE} THEN 0 ELSE usd_per_minute * node_count * elapsed_hours * 60 END"
UNPRICED = f"count(*) FILTER (NOT ({FREE}) AND usd_per_minute IS NULL) AS unpriced_jobs"
PRICED = "jobs LEFT JOIN prices USING (instance_type_id)"
# All words that differ only in their numbers are one message.
SHAPE = "regexp_replace(error_message, '[0-9]+', '0', 'g')"
HELD = """
  SELECT gpu_type, created_at AS t, gpus AS change FROM jobs WHERE gpu_hours > 0
  UNION ALL SELECT gpu_type, end_at, -gpus FROM jobs WHERE gpu_hours > 0"""
DAYS = """
  SELECT unnest(generate_series(first, last, INTERVAL 1 DAY)) AS day FROM (
    SELECT date_trunc('day', min(created_at)) AS first, max(end_at) - INTERVAL 1 SECOND AS last FROM jobs)"""
# What is held, what still waits, and both.
ASKED = """
  SELECT gpu_type, created_at, end_at, CASE WHEN gpu_hours > 0 THEN gpus ELSE 0 END AS held,
    CASE WHEN gpu_hours > 0 THEN 0 ELSE gpus END AS pending FROM jobs
  WHERE gpus > 0 AND end_at > created_at AND (gpu_hours > 0 OR phase = 'waiting')"""
DEMAND = f"""
  SELECT gpu_type, epoch_us(lead(t) OVER w) - epoch_us(t) AS us, sum(held) OVER w AS held,
    sum(pending) OVER w AS pending
  FROM (
    SELECT gpu_type, t, sum(held) AS held, sum(pending) AS pending FROM (
      SELECT gpu_type, created_at AS t, held, pending FROM ({ASKED})
      UNION ALL SELECT gpu_type, end_at, -held, -pending FROM ({ASKED})
    ) GROUP BY ALL
  ) WINDOW w AS (PARTITION BY gpu_type ORDER BY t)"""
SHOWN = "job_id, job_name, project_name, user_email, status, gpus, elapsed_hours, gpu_hours"
# How long each sample speaks for, in microseconds.
GAPS = """
  SELECT *, step_seconds * 1e6 AS step, epoch_us(lead(timestamp) OVER w) - epoch_us(timestamp) AS gap,
    epoch_us(timestamp) - epoch_us(lag(timestamp) OVER w) AS since, lag(value) OVER w AS before
  FROM metrics WINDOW w AS (PARTITION BY job_id, node_id, gpu, metric ORDER BY timestamp, value)"""
# How many were last seen to wait at each time, and the share that waits longer by its logarithm.
SEEN = """
  SELECT *, sum(CASE WHEN at_risk > gone THEN ln((at_risk - gone) / at_risk) ELSE -1e3 END) OVER w AS s,
    sum(CASE WHEN at_risk > gone THEN gone / (at_risk * (at_risk - gone)) ELSE 0 END) OVER w AS variance
  FROM (
    SELECT *, n - censored AS gone, sum(n) OVER w AS at_risk FROM (
      SELECT gpu_type, waited_hours, count(*) AS n, count(*) FILTER (is_waiting) AS waiting,
        count(*) FILTER (is_waiting OR released_at IS NULL) AS censored
      FROM queue WHERE waited_hours >= 0 GROUP BY ALL
    ) WINDOW w AS (PARTITION BY gpu_type ORDER BY waited_hours DESC)
  ) WINDOW w AS (PARTITION BY gpu_type ORDER BY waited_hours)"""


def _quantile(at: float, name: str) -> str:
    """Interpolate between values that have places: engines hold all values for words of their own."""
    low, high = (
        f"max(value) FILTER (busy AND place = {edge}({at} * (n - 1)) + 1)"
        for edge in ("floor", "ceil")
    )
    where = f"{at} * (max(n) FILTER (busy) - 1)"
    return f"{low} + ({high} - {low}) * ({where} - floor({where})) AS {name}"


# The same question in SQL, by helper; where the helper says more, the question has its hard part.
WORDS = {
    "status_counts": "SELECT status, phase, count(*) AS jobs FROM jobs GROUP BY ALL",
    "elapsed_stats": """
        SELECT status, jobs, mean, longest AS max, list_element(q, 1) AS p50, list_element(q, 2) AS p90,
          list_element(q, 3) AS p99
        FROM (
          SELECT status, count(elapsed_hours) AS jobs, avg(elapsed_hours) AS mean,
            max(elapsed_hours) AS longest, quantile_cont(elapsed_hours, [0.5, 0.9, 0.99]) AS q
          FROM jobs GROUP BY ALL)""",
    "gpu_usage": """
        SELECT gpu_type, count(*) AS jobs, sum(gpus) AS gpus, sum(elapsed_hours) AS elapsed_hours,
          sum(gpu_hours) AS gpu_hours FROM jobs GROUP BY ALL""",
    "gpu_concurrency": f"""
        SELECT gpu_type, t AS start, until AS "end", gpus FROM (
          SELECT gpu_type, t, sum(change) OVER w AS gpus, lead(t) OVER w AS until FROM (
            SELECT gpu_type, t, sum(change) AS change FROM ({HELD}) GROUP BY ALL HAVING sum(change) <> 0
          ) WINDOW w AS (PARTITION BY gpu_type ORDER BY t)
        ) WHERE until IS NOT NULL ORDER BY gpu_type, start""",
    "gpu_hours_over_time": f"""
        SELECT gpu_type, date_trunc('day', t) AS period, coalesce(sum(gpus * us), 0) / 3600e6 AS gpu_hours,
          max(gpus) AS peak_gpus
        FROM (
          SELECT gpu_type, t, sum(change) OVER w AS gpus, epoch_us(lead(t) OVER w) - epoch_us(t) AS us
          FROM (
            SELECT gpu_type, t, sum(change) AS change FROM (
              {HELD} UNION ALL
              SELECT gpu_type, day, 0 FROM (SELECT DISTINCT gpu_type FROM jobs WHERE gpu_hours > 0), ({DAYS})
            ) GROUP BY ALL
          ) WINDOW w AS (PARTITION BY gpu_type ORDER BY t)
        ) WHERE t < (SELECT max(end_at) FROM jobs) GROUP BY ALL ORDER BY ALL""",
    "failure_rates": f"""
        SELECT project_name, finished, failed, failed / n AS failure_rate,
          CASE WHEN failed > 0 THEN (failed + {Z_95**2 / 2} - reach) / (n + {Z_95**2}) ELSE n * 0 END AS low,
          CASE WHEN failed < n THEN (failed + {Z_95**2 / 2} + reach) / (n + {Z_95**2}) ELSE n * 0 + 1 END AS high
        FROM (
          SELECT *, sqrt(failed * (n - failed) / n + {Z_95**2 / 4}) * {Z_95} AS reach FROM (
            SELECT project_name, finished, failed, nullif(finished, 0)::DOUBLE AS n FROM (
              SELECT project_name, count(*) FILTER (NOT {OPEN}) AS finished,
                count(*) FILTER (phase = 'failed') AS failed FROM jobs GROUP BY ALL))
        ) ORDER BY low DESC NULLS LAST, project_name""",
    "error_groups": f"""
        SELECT count(*) AS jobs, count(DISTINCT project_id) AS projects, sum(gpu_hours) AS gpu_hours,
          min(end_at) AS first_seen, max(end_at) AS last_seen, arg_max(job_id, (end_at, job_id)) AS job_id
        FROM jobs WHERE phase = 'failed' GROUP BY {SHAPE}""",
    "failure_costs": f"""
        SELECT count(*) AS jobs, sum(gpu_hours) AS gpu_hours, sum({USD}) AS estimated_usd, {UNPRICED},
          max(end_at) AS last_seen, arg_max(job_id, (end_at, job_id)) AS job_id
        FROM {PRICED} WHERE phase = 'failed' GROUP BY {SHAPE}""",
    "estimate_cost": f"""
        SELECT project_name, count(*) AS jobs, sum(gpu_hours) AS gpu_hours, sum({USD}) AS estimated_usd,
          sum({USD}) / sum(sum({USD})) OVER () AS share, {UNPRICED},
          count(*) FILTER (NOT ({FREE}) AND elapsed_hours IS NULL) AS untimed_jobs,
          nullif(array_to_string(list_sort(list(DISTINCT instance_type_id) FILTER (
            NOT ({FREE}) AND usd_per_minute IS NULL)), ', '), '') AS unpriced_instance_types
        FROM {PRICED} GROUP BY ALL""",
    "cost_over_time": f"""
        SELECT team_name, day AS period,
          (sum(coalesce(rate, 0)) OVER (PARTITION BY team_name ORDER BY day) * 86400e6 - coalesce(cut, 0))
            / 60e6 AS estimated_usd
        FROM (SELECT DISTINCT team_name FROM jobs) CROSS JOIN ({DAYS}) LEFT JOIN (
          SELECT team_name, date_trunc('day', t) AS day, sum(rate) AS rate,
            sum(rate * (epoch_us(t) % 86400000000)) AS cut
          FROM (
            SELECT team_name, created_at AS t, (node_count * usd_per_minute)::DOUBLE AS rate
            FROM {PRICED} WHERE {USD} > 0
            UNION ALL SELECT team_name, end_at, -(node_count * usd_per_minute)::DOUBLE
            FROM {PRICED} WHERE {USD} > 0
          ) GROUP BY ALL
        ) USING (team_name, day) ORDER BY ALL""",
    "reconcile_cost": f"""
        SELECT coalesce(project_name, billed_for) AS project_name,
          CASE WHEN created_at IS NULL THEN CASE WHEN b.job_id IS NULL THEN 'not assigned to a job'
              WHEN is_deleted THEN 'deleted job' WHEN billed_until <= begun THEN 'before the first job'
              WHEN billed_from >= ended THEN 'after the last job' ELSE 'not in the jobs table' END
            WHEN usd = 0 AND coalesce(billed, 0) = 0 THEN 'free'
            WHEN usd = 0 AND minutes = 0 THEN 'billed, though free'
            WHEN usd_per_minute IS NULL THEN 'no price' WHEN usd IS NULL THEN 'no known duration'
            WHEN b.job_id IS NOT NULL THEN 'queueing and deployment'
            WHEN end_at <= first THEN 'before the first billed day'
            WHEN created_at >= last THEN 'after the last billed day' ELSE 'not billed' END AS reason,
          count(*) AS jobs, sum(usd) AS estimated_usd, sum(billed) AS billed_usd,
          coalesce(sum(usd), 0) - coalesce(sum(billed), 0) AS difference_usd,
          sum((minutes - billed_minutes) * node_count * usd_per_minute)
            FILTER (usd > 0) AS overhead_usd,
          sum(usd - billed - (minutes - billed_minutes) * node_count * usd_per_minute)
            FILTER (usd > 0) AS price_usd,
          sum(minutes) AS estimated_minutes, sum(billed_minutes) AS billed_minutes
        FROM (
          SELECT job_id, project_name, created_at, end_at, node_count, usd_per_minute, {USD} AS usd,
            CASE WHEN {FREE} THEN 0 ELSE elapsed_hours * 60 END AS minutes FROM {PRICED}
        ) AS j FULL JOIN (
          SELECT job_id, arg_max(project_name, date) AS billed_for, max(is_deleted) AS is_deleted,
            sum(subtotal_usd) AS billed, sum(minutes) AS billed_minutes, min(date) AS billed_from,
            max(date) + INTERVAL 1 DAY AS billed_until FROM billing GROUP BY job_id
        ) AS b ON j.job_id = b.job_id
        CROSS JOIN (SELECT min(created_at) AS begun, max(end_at) AS ended FROM jobs)
        CROSS JOIN (SELECT min(date) AS first, max(date) + INTERVAL 1 DAY AS last FROM billing)
        GROUP BY ALL ORDER BY abs(difference_usd) DESC""",
    "queue_waits": f"""
        SELECT gpu_type, sum(n) AS jobs, sum(waiting) AS waiting, max(waited_hours) AS longest_wait,
          min(waited_hours) FILTER (s <= ln(0.5) + 1e-12) AS p50,
          min(waited_hours) FILTER (s <= ln(0.1) + 1e-12) AS p90,
          min(waited_hours) FILTER (s <= ln(0.01) + 1e-12) AS p99
        FROM ({SEEN}) GROUP BY ALL ORDER BY longest_wait DESC""",
    "queue_wait_curve": f"""
        SELECT gpu_type, waited_hours, share AS share_waiting,
          CASE WHEN share < 1 THEN power(nullif(share, 0), exp({Z_95} * reach)) ELSE 1 END AS low,
          CASE WHEN share < 1 THEN power(nullif(share, 0), exp(-{Z_95} * reach)) ELSE 1 END AS high,
          at_risk
        FROM (
          SELECT gpu_type, waited_hours, exp(s) AS share, sqrt(variance) / nullif(abs(s), 0) AS reach, at_risk
          FROM ({SEEN})
          UNION ALL SELECT gpu_type, 0, 1, 0, count(*) FROM queue WHERE waited_hours >= 0 GROUP BY ALL
        ) ORDER BY gpu_type, waited_hours, share DESC""",
    "quota": f"""
        SELECT gpu_type, max(held) AS peak_gpus, max(pending) AS peak_pending_gpus,
          sum(pending * us) / 3600e6 AS pending_gpu_hours, sum(held * us) / max(span) AS mean_gpus,
          coalesce(sum(us) FILTER (held + pending >= "limit"), 0) / max(span) AS at_limit_share,
          sum(greatest(held + pending - "limit", 0) * us) / 3600e6 AS over_limit_gpu_hours
        FROM ({DEMAND}) LEFT JOIN capacity USING (gpu_type)
        CROSS JOIN (SELECT epoch_us(max(end_at)) - epoch_us(min(created_at)) AS span FROM ({ASKED}))
        GROUP BY ALL""",
    "utilization": f"""
        SELECT job_id, node_id, gpu, max(n) FILTER (busy) AS samples,
          sum(covered) FILTER (busy) / 3600e6 AS covered_gpu_hours,
          sum(missing) FILTER (busy) / (sum(missing) FILTER (busy) + max(n) FILTER (busy)) AS missing_share,
          sum(value * covered) FILTER (busy) / sum(covered) FILTER (busy) AS mean_utilization,
          {_quantile(0.5, "p50_utilization")}, {_quantile(0.95, "p95_utilization")},
          max(value) FILTER (NOT busy) AS max_memory_bytes
        FROM (
          SELECT *, metric = 'gpu_utilization' AS busy, least(coalesce(gap, step), step) AS covered,
            greatest(ceil(gap / step - 0.5) - 1, 0) AS missing, row_number() OVER w AS place,
            count(*) OVER (PARTITION BY job_id, node_id, gpu, metric) AS n
          FROM ({GAPS}) WINDOW w AS (PARTITION BY job_id, node_id, gpu, metric ORDER BY value)
        ) GROUP BY job_id, node_id, gpu ORDER BY mean_utilization""",
    "utilization_over_time": f"""
        SELECT date_trunc('hour', timestamp) AS period, count(*) AS samples,
          sum(value * covered) / sum(covered) AS mean_utilization, sum(covered) / 3600e6 AS covered_gpu_hours
        FROM (
          SELECT timestamp, value, least(coalesce(gap, step), step)::DOUBLE AS covered
          FROM ({GAPS}) WHERE metric = 'gpu_utilization'
        ) GROUP BY ALL ORDER BY period""",
    "idle_gpus": f"""
        SELECT job_id, node_id, gpu, sum(covered) / 3600e6 AS covered_gpu_hours,
          coalesce(sum(idle), 0) / 3600e6 AS idle_gpu_hours,
          coalesce(max(idle), 0) / 3600e6 AS longest_idle_hours,
          coalesce(sum(idle), 0) / 3600e6 * max(rate) AS idle_usd
        FROM (
          SELECT job_id, node_id, gpu, stretch, sum(covered) AS covered, max(rate) AS rate,
            sum(covered) FILTER (value < 0.05) AS idle
          FROM (
            SELECT *, sum(CASE WHEN value < 0.05 AND before < 0.05 AND since <= 1.5 * step THEN 0 ELSE 1 END)
              OVER (PARTITION BY job_id, node_id, gpu ORDER BY timestamp, value) AS stretch
            FROM (
              SELECT job_id, node_id, gpu, timestamp, value, before, since, step,
                (usd_per_minute * 60)::DOUBLE / gpu_count AS rate,
                least(coalesce(gap, step), step, epoch_us(end_at) - epoch_us(timestamp)) AS covered
              FROM ({GAPS}) JOIN (SELECT job_id, end_at, gpu_count, usd_per_minute FROM {PRICED})
              USING (job_id) WHERE metric = 'gpu_utilization' AND timestamp < end_at
            )
          ) GROUP BY ALL
        ) GROUP BY ALL ORDER BY idle_gpu_hours DESC""",
    "needs_attention": f"""
        SELECT {SHOWN}, 'running long' AS reason FROM jobs JOIN (
          SELECT project_id, count(elapsed_hours) AS completed, quantile_cont(elapsed_hours, 0.9) AS usual
          FROM jobs WHERE status = 'completed'
            AND project_id IN (SELECT project_id FROM jobs WHERE status = 'running') GROUP BY ALL
        ) USING (project_id) WHERE status = 'running' AND completed >= 5 AND elapsed_hours > 3 * usual
        UNION ALL SELECT {SHOWN}, 'waiting long' FROM jobs
        WHERE status IN ('pending', 'queued', 'created') AND elapsed_hours > 2
        UNION ALL SELECT {SHOWN}, 'no update' FROM jobs
        WHERE {OPEN} AND end_at - updated_at > INTERVAL 72 HOURS
        UNION ALL SELECT {SHOWN}, 'failing repeatedly' FROM jobs WHERE job_id IN (
          SELECT arg_max(job_id, (end_at, job_id)) FROM jobs LEFT JOIN (
            SELECT project_id, max(end_at) AS fine FROM jobs WHERE NOT {OPEN} AND phase <> 'failed' GROUP BY ALL
          ) USING (project_id) WHERE phase = 'failed' AND (fine IS NULL OR end_at > fine)
          GROUP BY project_id HAVING count(*) >= 3)""",
}
