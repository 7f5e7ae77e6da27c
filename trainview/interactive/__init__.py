"""Look closer in a notebook: jobs as a timeline, and tables that one can sort and filter."""

from typing import TYPE_CHECKING, Any, overload

from trainview.errors import ConfigError
from trainview.schema.table_types import AnyDataFrame
from trainview.snapshot import Snapshot

if TYPE_CHECKING:
    from trainview.interactive.tables import Table
    from trainview.interactive.widget import Timeline

__all__ = ["explore"]


@overload
def explore(data: Snapshot) -> "Timeline": ...
@overload
def explore(data: AnyDataFrame) -> "Table": ...
def explore(data: Any) -> "Timeline | Table":
    """Look closer in a notebook: jobs over time, or any table.

    A snapshot becomes a timeline to zoom, pan and filter. Hovering, or moving from job to job with
    the arrow keys, tells what is known of each: GPUs, phases, cost. A brush (drag with Shift, or
    after "Select by dragging") selects jobs, which are in ``selection``. A table becomes one to
    sort and to filter, with units in its heads and all of its rows.

    Needs ``pip install 'trainview[interactive]'``, and no network. Where a notebook is read without
    its kernel, a still picture stands in for a timeline, and the first and last rows for a table.

    Parameters
    ----------
    data : Snapshot, or pandas, Polars, DuckDB or PySpark table
        A snapshot of at most 100,000 jobs; or a table, such as ``snap.jobs`` or what a helper
        gives, of at most 1,000,000 cells, and 100,000 rows where it is a lazy one.

    Returns
    -------
    Timeline or Table
        A widget. Of a timeline, ``selection`` is the jobs table (pandas, refined) of what is
        selected, without rows while nothing is. ``observe(function, "selection")`` follows it, and
        a jobs table that is assigned to it is selected in the picture.

    Raises
    ------
    ConfigError
        If the extra is missing.
    ArgumentError
        If it is neither a snapshot nor a table, or has too many jobs, rows or cells.

    Examples
    --------
    >>> import trainview as tv
    >>> snap = tv.load(tv.sample(projects=3, jobs_per_project=4))
    >>> timeline = tv.explore(snap)
    >>> timeline
    Timeline of 12 jobs, 0 selected
    >>> timeline.selection = snap.jobs.head(2)  # what a brush does
    >>> len(timeline.selection)
    2
    >>> tv.explore(tv.gpu_usage(snap.jobs, by="project_name"))
    Table of 3 rows and 6 columns
    """
    try:
        from trainview.interactive.tables import Table  # noqa: PLC0415 - an extra
        from trainview.interactive.widget import Timeline  # noqa: PLC0415
    except ModuleNotFoundError:
        raise ConfigError(
            "explore needs packages that are not installed: pip install 'trainview[interactive]'"
        ) from None
    return Timeline(data) if isinstance(data, Snapshot) else Table(data)
