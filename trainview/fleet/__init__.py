"""The rest of the API: prices, capacity, bills, the queue, checkpoints, metrics, logs.

Each module turns the bytes of one kind of answer into Arrow tables of `trainview.schema`.
"""

from trainview.fleet.billing import read_billing as read_billing
from trainview.fleet.capacity import read_capacity as read_capacity
from trainview.fleet.checkpoints import read_checkpoints as read_checkpoints
from trainview.fleet.combining import combine as combine
from trainview.fleet.kinds import read_any as read_any
from trainview.fleet.logs import read_logs as read_logs
from trainview.fleet.metrics import once as once
from trainview.fleet.metrics import read_metrics as read_metrics
from trainview.fleet.prices import read_prices as read_prices
from trainview.fleet.queue import read_queue as read_queue
