"""What needs attention: who it is, what to do, and how grave it is."""

from typing import Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from trainview.analysis.sharing import once
from trainview.plot import plot_needs_attention
from trainview.plot.attention import HOLDING
from trainview.plot.wording import number
from trainview.reporting.parts import Chart, Issue, Part, Table, Topic, shell
from trainview.reporting.readings import Readings
from trainview.reporting.words import joined
from trainview.text.cells import NULL, cell
from trainview.text.safe import count, safe_text

_MOST_ISSUES, _LONGEST_MESSAGE = 10, 240
_WHOSE = ["project_name", "job_name", "team_name", "user_email"]
_LOST = ["wasted_usd", "wasted_gpu_hours"]
_COUNTED = "The picture counts them by reason."
_COLUMNS = ["reason", *_WHOSE, *_LOST, "detail", "status", "gpus", "gpu_hours", "job_id"]


class Alarms(NamedTuple):
    """Jobs that need attention, counted by what is the matter.

    Attributes
    ----------
    stuck : int
        That hold GPUs and do not seem to get on.
    gpus : int
        What they hold.
    failing : int
        Projects whose last jobs all failed.
    waiting : int
        Jobs that hold no GPUs, and do not come to start.
    odd : int
        Jobs whose record contradicts itself.
    """

    stuck: int
    gpus: int
    failing: int
    waiting: int
    odd: int

    def burning(self) -> bool:
        """Tell whether somebody should do something."""
        return bool(self.stuck or self.failing or self.waiting)

    def words(self) -> list[str]:
        """Say what there is, the gravest first."""
        held = count(self.gpus, "GPU")
        said = (
            (
                self.stuck,
                "job",
                f"looks stuck or idle and holds {held}",
                f"look stuck or idle and hold {held}",
            ),
            (self.failing, "project", "fails again and again", "fail again and again"),
            (self.waiting, "job", "waits too long", "wait too long"),
            (self.odd, "record", "has inconsistent timestamps", "have inconsistent timestamps"),
        )
        return [
            f"{count(number, what)} {one if number == 1 else many}"
            for number, what, one, many in said
            if number
        ]


def alarms(found: pd.DataFrame) -> Alarms:
    """Count what is the matter.

    Parameters
    ----------
    found : pandas.DataFrame
        Of `needs_attention`.

    Returns
    -------
    Alarms
        A job that is listed twice counts once.
    """
    return once("alarms", [found], lambda: _alarms(found))


def _alarms(found: pd.DataFrame) -> Alarms:
    odd, failing = (
        found[found["reason"] == reason]
        for reason in ("inconsistent timestamps", "failing repeatedly")
    )
    rest = found.drop(odd.index).drop(failing.index).drop_duplicates("job_id")
    stuck = rest[rest["status"].isin(HOLDING)]
    return Alarms(
        len(stuck), int(stuck["gpus"].sum()), len(failing), len(rest) - len(stuck), len(odd)
    )


def issues(readings: Readings) -> list[Issue]:
    """List the jobs that need attention, each with all that is the matter with it.

    Parameters
    ----------
    readings : Readings
        What the helpers say.

    Returns
    -------
    list of Issue
        The worst first.
    """
    found, jobs = readings.attention, readings.snapshot.jobs
    return once("issues", [found, jobs], lambda: _issues(found, jobs))


def _issues(found: pd.DataFrame, jobs: pd.DataFrame) -> list[Issue]:
    made = []
    jobs = jobs[jobs["job_id"].isin(found["job_id"])]
    messages = dict(zip(jobs["job_id"], jobs["error_message"], strict=True))
    now = set(jobs.loc[jobs["is_open"] & jobs["status"].isin(HOLDING), "job_id"])
    for job_id, rows in found.groupby("job_id", sort=False):
        job = rows.iloc[0]
        holds = job_id in now
        facts = [
            ("Team", cell("team_name", job["team_name"], 60)),
            ("User", cell("user_email", job["user_email"], 60)),
            ("Status", cell("status", job["status"], 60)),
            ("GPUs", f"{job['gpus']:,}{', held now' if holds and job['gpus'] else ''}"),
            ("GPU-hours", NULL if pd.isna(job["gpu_hours"]) else number(job["gpu_hours"])),
            ("Job id", cell("job_id", job["job_id"], 60)),
        ]
        details = [f"{detail[:1].upper()}{detail[1:].rstrip('.')}." for detail in rows["detail"]]
        message = _last_line(messages[job_id])
        if any(message.rstrip(".") in safe_text(detail) for detail in details):
            # who waits is told with it for what
            message = ""
        made.append(
            Issue(
                rows["reason"].to_list(),
                [safe_text(detail) for detail in details],
                f"The API says: {message}" if message else "",
                cell("project_name", job["project_name"], 80),
                "" if pd.isna(job["job_name"]) else cell("job_name", job["job_name"], 80),
                [f"{what} {value}" for what, value in facts if value != NULL],
                grave=holds,
            )
        )
    return made


def _last_line(message: Any) -> str:
    """Give the line of a message that says most: in a traceback, that is the last."""
    lines = [] if pd.isna(message) else [line for line in str(message).splitlines() if line.strip()]
    return safe_text(lines[-1].strip(), _LONGEST_MESSAGE) if lines else ""


def attention(readings: Readings) -> Topic:
    """List the worst jobs one by one, then all that need attention as a table."""
    found, listing = readings.attention, issues(readings)
    if found.empty:
        return Topic("Nothing looks stuck, idle, silent or failing in a row.")
    lead = Markup("{}.").format(joined(alarms(found).words()))
    if len(listing) > 1:
        lead += " What wastes most comes first."
    table = Table(found, "Jobs that need attention", _COLUMNS, shell("attention"))
    rest = Part("attention-all", "", "", None, table)
    if len(listing) > _MOST_ISSUES:
        by_reason = found["reason"].value_counts(sort=False)
        counts = "; ".join(f"{reason}: {count(jobs, 'job')}" for reason, jobs in by_reason.items())
        label = f"Jobs that need attention for each reason, as bars. {counts}."
        height = 1.6 + 0.36 * len(by_reason)
        rest = rest._replace(
            title="All of them",
            lead=f"Above are the first {_MOST_ISSUES} of {len(listing):,} jobs. The table has all.",
            chart=Chart(plot_needs_attention, found, label, height, note=_COUNTED),
        )
    return Topic(lead, [rest], listing[:_MOST_ISSUES])
