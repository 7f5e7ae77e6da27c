"""From when the hours count that a command has shown, and what would tell it better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainview.cli.options import Output, tell

if TYPE_CHECKING:
    import pandas as pd

    from trainview.analysis.basis import Basis
    from trainview.snapshot import Snapshot

_REMEDY = "trainview fetch -o fleet/ --with queue gets when each job left the queue"


def basis_lines(snapshot: Snapshot, basis: Basis, what: str = "GPU-hours count") -> list[str]:
    """Say from when hours count; and how to get to know better, where that can be."""
    words = basis.words()
    if not words:
        return []
    hint = [_REMEDY] if basis.submitted > 0 and snapshot.queue.empty else []
    return [f"{what} {words}", *hint]


def tell_basis(
    snapshot: Snapshot,
    output: Output,
    prices: pd.DataFrame | None = None,
    *,
    failed: bool = False,
) -> None:
    """Add it below a table for people: of GPU-hours, or of an estimate at these prices."""
    from trainview.analysis import estimate_cost
    from trainview.analysis.basis import basis_of

    if output.form != "table":
        return
    jobs = snapshot.jobs
    jobs = jobs[jobs["phase"] == "failed"] if failed else jobs
    found, what = basis_of(jobs["gpu_hours"], jobs["hours_basis"]), "GPU-hours count"
    if prices is not None:
        costs = estimate_cost(jobs, prices, by="hours_basis")
        found, what = basis_of(costs["estimated_usd"], costs["hours_basis"]), "The estimate counts"
    for line in basis_lines(snapshot, found, what):
        tell(f"  {line}")
