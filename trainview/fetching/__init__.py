"""Fetch: calls to the API, made for whole organisations, and their answers as tables."""

from trainview.fetching.caches import fetch_caches as fetch_caches
from trainview.fetching.fetched import Fetched as Fetched
from trainview.fetching.jobs import fetch_checkpoints as fetch_checkpoints
from trainview.fetching.jobs import fetch_error_logs as fetch_error_logs
from trainview.fetching.jobs import fetch_metrics as fetch_metrics
from trainview.fetching.jobs import fetch_queue as fetch_queue
from trainview.fetching.organisation import fetch_billing as fetch_billing
from trainview.fetching.organisation import fetch_capacity as fetch_capacity
from trainview.fetching.organisation import fetch_prices as fetch_prices
from trainview.fetching.payloads import fetch_payload as fetch_payload
from trainview.fetching.recording import record as record
from trainview.fetching.snapshots import fetch as fetch
