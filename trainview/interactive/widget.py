"""The timeline as a widget of notebooks; importing it needs the extra."""

import io
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import pandas as pd
import traitlets
from matplotlib.figure import Figure

from trainview.analysis import job_timeline
from trainview.errors import ArgumentError
from trainview.interactive.assets import PROGRAM, STYLE, WIDGET
from trainview.interactive.payload import payload
from trainview.plot import plot_job_timeline
from trainview.snapshot import Snapshot, quiet_phases, refined
from trainview.text.safe import count, safe_text

# Of the still picture, in inches.
_WIDTH, _LANE, _LOWEST, _TALLEST = 9.0, 0.16, 2.4, 11.0


class Timeline(anywidget.AnyWidget):
    """Jobs over time, to look at closely; made by `explore`.

    Attributes
    ----------
    selection : pandas.DataFrame
        The jobs that are selected, as rows of the refined jobs table; no rows while none is. A
        brush in the picture sets it, ``observe(function, "selection")`` follows it, and jobs that
        are assigned to it (a table with ``job_id``) are selected in the picture.
    """

    _esm = PROGRAM + WIDGET
    _css = STYLE
    _data = traitlets.Unicode().tag(sync=True)
    _rows = traitlets.List(traitlets.Int()).tag(sync=True)
    if TYPE_CHECKING:
        selection: pd.DataFrame
    else:
        selection = traitlets.Any()

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = refined(snapshot)
        self._jobs = self._snapshot.jobs
        super().__init__(_data=payload(self._snapshot), selection=self._jobs.iloc[:0])

    @traitlets.validate("selection")
    def _check_selection(self, proposal: Any) -> pd.DataFrame:
        asked = proposal["value"]
        if not isinstance(asked, pd.DataFrame) or "job_id" not in asked:
            raise ArgumentError(
                f"selection={safe_text(type(asked).__name__)}: give a pandas table with job_id, "
                "such as some rows of snap.jobs"
            )
        unknown = asked.loc[~asked["job_id"].isin(self._jobs["job_id"]), "job_id"]
        if len(unknown):
            raise ArgumentError(
                f"selection: {count(len(unknown), 'job')} not in this timeline, such as "
                f"{safe_text(repr(unknown.iloc[0]), 60)}: give jobs of the snapshot that is shown"
            )
        return self._jobs[self._jobs["job_id"].isin(asked["job_id"])]

    @traitlets.validate("_rows")
    def _check_rows(self, proposal: Any) -> list[int]:
        return sorted({row for row in proposal["value"] if 0 <= row < len(self._jobs)})

    @traitlets.observe("selection")
    def _show_selection(self, _: Any) -> None:
        self._rows = self._selected_rows()

    @traitlets.observe("_rows")
    def _take_selection(self, _: Any) -> None:
        if self._rows != self._selected_rows():
            self.selection = self._jobs.iloc[self._rows]

    def _selected_rows(self) -> list[int]:
        selected = self._jobs["job_id"].isin(self.selection["job_id"])
        return [int(row) for row in np.flatnonzero(selected)]

    def __repr__(self) -> str:
        return f"Timeline of {count(len(self._jobs), 'job')}, {len(self._rows):,} selected"

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        found = super()._repr_mimebundle_(**options)
        if found is not None:
            # for where a notebook is read without its kernel, as on GitHub
            found[0]["image/png"] = self._picture()
        return found

    def _picture(self) -> bytes:
        lanes = job_timeline(self._jobs, phases=quiet_phases(self._snapshot))
        lanes["is_selected"] = lanes["job_id"].isin(self.selection["job_id"])
        most = lanes["lane"].max()
        rows = 0 if pd.isna(most) else int(most) + 1
        height = min(max(_LOWEST, 1.0 + _LANE * rows), _TALLEST)
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        plot_job_timeline(lanes, ax=figure.subplots())
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=80)
        return buffer.getvalue()
