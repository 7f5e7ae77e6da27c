"""Pure helpers: a jobs table in, a new table of the same kind out.

They are written once, in narwhals, and take pandas, Polars (eager or lazy), DuckDB and PySpark
tables. They read no clock and no network, and never change what they are given.
"""

from trainview.analysis.attention import needs_attention as needs_attention
from trainview.analysis.cache_usage import cache_usage as cache_usage
from trainview.analysis.chains import run_chains as run_chains
from trainview.analysis.checkpoint_usage import checkpoint_usage as checkpoint_usage
from trainview.analysis.comparing import compare_jobs as compare_jobs
from trainview.analysis.comparing_causes import compare_causes as compare_causes
from trainview.analysis.cost import estimate_cost as estimate_cost
from trainview.analysis.cost_over_time import cost_over_time as cost_over_time
from trainview.analysis.failures import error_groups as error_groups
from trainview.analysis.failures import failure_costs as failure_costs
from trainview.analysis.failures import failure_rates as failure_rates
from trainview.analysis.goodput import goodput as goodput
from trainview.analysis.goodput import lost_work as lost_work
from trainview.analysis.gpu import gpu_concurrency as gpu_concurrency
from trainview.analysis.gpu import gpu_hours_over_time as gpu_hours_over_time
from trainview.analysis.gpu import gpu_usage as gpu_usage
from trainview.analysis.idle import idle_gpus as idle_gpus
from trainview.analysis.phases import job_phases as job_phases
from trainview.analysis.queue import queue_wait_curve as queue_wait_curve
from trainview.analysis.queue import queue_waits as queue_waits
from trainview.analysis.quota import quota as quota
from trainview.analysis.reconcile import reconcile_cost as reconcile_cost
from trainview.analysis.refine import refine_jobs as refine_jobs
from trainview.analysis.reliability import time_to_failure as time_to_failure
from trainview.analysis.right_size import right_size as right_size
from trainview.analysis.spend_pace import spend_pace as spend_pace
from trainview.analysis.spot import spot_usage as spot_usage
from trainview.analysis.status import elapsed_stats as elapsed_stats
from trainview.analysis.status import status_counts as status_counts
from trainview.analysis.timeline import job_timeline as job_timeline
from trainview.analysis.utilization import utilization as utilization
from trainview.analysis.utilization_periods import utilization_over_time as utilization_over_time
from trainview.analysis.waste import REASONS as REASONS
from trainview.analysis.windows import clip_jobs as clip_jobs
