"""A helper's result as a picture: a table in, Matplotlib Axes out.

There is one ``plot_*`` for each helper. It draws on the Axes that it is given, without pyplot, or
makes new ones with pyplot; it returns them, and neither shows nor saves anything. Texts and lines
have the colours of the rcParams, so that pictures work on light and on dark ground. Legends and
labels stand outside of the data: give a figure of your own ``layout="constrained"``.
"""

from trainview.plot.attention import plot_needs_attention as plot_needs_attention
from trainview.plot.billing import plot_reconcile_cost as plot_reconcile_cost
from trainview.plot.cache_usage import plot_cache_usage as plot_cache_usage
from trainview.plot.chains import plot_run_chains as plot_run_chains
from trainview.plot.checkpoint_usage import plot_checkpoint_usage as plot_checkpoint_usage
from trainview.plot.comparison import plot_compare as plot_compare
from trainview.plot.concurrency import plot_gpu_concurrency as plot_gpu_concurrency
from trainview.plot.cost import plot_estimate_cost as plot_estimate_cost
from trainview.plot.cost_over_time import plot_cost_over_time as plot_cost_over_time
from trainview.plot.elapsed import plot_elapsed_stats as plot_elapsed_stats
from trainview.plot.failures import plot_error_groups as plot_error_groups
from trainview.plot.failures import plot_failure_costs as plot_failure_costs
from trainview.plot.failures import plot_failure_rates as plot_failure_rates
from trainview.plot.goodput import plot_goodput as plot_goodput
from trainview.plot.goodput import plot_lost_work as plot_lost_work
from trainview.plot.gpu import plot_gpu_usage as plot_gpu_usage
from trainview.plot.gpu_hours import plot_gpu_hours_over_time as plot_gpu_hours_over_time
from trainview.plot.heat import plot_utilization_over_time as plot_utilization_over_time
from trainview.plot.idle import plot_idle_gpus as plot_idle_gpus
from trainview.plot.phases import plot_job_phases as plot_job_phases
from trainview.plot.queue import plot_queue_wait_curve as plot_queue_wait_curve
from trainview.plot.queue import plot_queue_waits as plot_queue_waits
from trainview.plot.quota import plot_quota as plot_quota
from trainview.plot.reliability import plot_time_to_failure as plot_time_to_failure
from trainview.plot.right_size import plot_right_size as plot_right_size
from trainview.plot.spend_pace import plot_spend_pace as plot_spend_pace
from trainview.plot.spot import plot_spot_usage as plot_spot_usage
from trainview.plot.status import plot_status_counts as plot_status_counts
from trainview.plot.timeline import plot_job_timeline as plot_job_timeline
from trainview.plot.utilization import plot_utilization as plot_utilization
