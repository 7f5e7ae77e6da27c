"""A helper's result as a picture: a table in, Matplotlib Axes out.

There is one ``plot_*`` for each helper. It draws on the Axes that it is given, without pyplot, or
makes new ones with pyplot; it returns them, and neither shows nor saves anything. Texts and lines
have the colours of the rcParams, so that pictures work on light and on dark ground. Legends and
labels stand outside of the data: give a figure of your own ``layout="constrained"``.
"""

from trainview.plot.attention import plot_needs_attention as plot_needs_attention
from trainview.plot.concurrency import plot_gpu_concurrency as plot_gpu_concurrency
from trainview.plot.elapsed import plot_elapsed_stats as plot_elapsed_stats
from trainview.plot.failures import plot_error_groups as plot_error_groups
from trainview.plot.failures import plot_failure_rates as plot_failure_rates
from trainview.plot.gpu import plot_gpu_usage as plot_gpu_usage
from trainview.plot.gpu_hours import plot_gpu_hours_over_time as plot_gpu_hours_over_time
from trainview.plot.status import plot_status_counts as plot_status_counts
from trainview.plot.timeline import plot_job_timeline as plot_job_timeline
