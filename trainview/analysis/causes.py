"""Failed jobs by cause: by their messages as templates."""

from collections.abc import Sequence

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from trainview.analysis.frames import Frame, from_pandas, is_lazy, only, to_pandas
from trainview.analysis.joins import join
from trainview.analysis.message_queries import find_templates
from trainview.analysis.pandas_dtypes import TEXT, with_dtypes
from trainview.analysis.sharing import once


def by_cause(failed: Frame, sums: Sequence[str], *, projects: bool = False) -> pd.DataFrame:
    """Group failed jobs by cause.

    Parameters
    ----------
    failed : narwhals frame
        Failed jobs with ``error_message``, ``job_id``, ``end_at`` and `sums`.
    sums : sequence of str
        Columns to sum up, where they are known.
    projects : bool, optional
        Whether to count the projects too, by ``project_id``: to tell them apart takes its time.

    Returns
    -------
    pandas.DataFrame
        One row a cause, in no order of meaning: the columns of `error_groups`, ``projects`` only
        where asked for, and `sums` (float64).
    """
    # hundreds of patterns, whose compilation takes as long as a third of an import of pandas
    from trainview.analysis.error_rules import NO_MESSAGE, rule_of  # noqa: PLC0415

    find = _query_causes if is_lazy(failed) else _find_causes
    result, causes = find(failed, list(sums), projects=projects)
    result["error"] = pd.Series([*causes, None], dtype=TEXT).reindex(result.index)
    example = result.pop("error_message").where(result["error"].notna())
    result["example"] = example.map(_encodable, na_action="ignore")
    rules = [rule_of(error) if isinstance(error, str) else NO_MESSAGE for error in result["error"]]
    for name in ("category", "origin", "advice"):
        result[name] = pd.Series([getattr(rule, name) for rule in rules], result.index, dtype=TEXT)
    result["is_symptom"] = pd.Series([rule.is_symptom for rule in rules], result.index, dtype=bool)
    return with_dtypes(result, {"error": TEXT, "example": TEXT, "job_id": TEXT})


def _encodable(text: str) -> str:
    # Objects of Python may hold lone surrogates, which no column of text can.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _find_causes(
    failed: Frame, sums: list[str], *, projects: bool
) -> tuple[pd.DataFrame, list[str]]:
    """Group a table in memory; of the newest job of each cause ``job_id`` and ``error_message``.

    Jobs without a message, or with a blank one, are the last group.
    """
    from trainview.analysis.messages import templates  # noqa: PLC0415 - as above

    table = to_pandas(failed)
    message, messages = pd.factorize(table["error_message"])
    # of those that were asked for before, while tables are shared, the templates are there already
    known: dict[str, str] = once("templates", [], dict)
    new = [text for text in messages if text not in known]
    known.update(zip(new, templates(new), strict=True))
    cause, causes = pd.factorize(np.array([known[text] for text in messages], dtype=object))
    cause = np.append(np.where(causes[cause] == "", -1, cause) if len(cause) else cause, -1)
    group = cause[message]
    group[group < 0] = len(causes)
    table = table.assign(group=group)
    grouped = table.groupby("group")
    result = grouped[sums].sum().astype("float64")
    result["jobs"] = grouped.size().astype("int64")
    result["first_seen"] = grouped["end_at"].min()
    result["last_seen"] = grouped["end_at"].max()
    if projects:
        pairs = table[["group", "project_id"]].dropna().drop_duplicates()
        result["projects"] = pairs.groupby("group").size().reindex(result.index, fill_value=0)
    newest = table[table["end_at"].eq(grouped["end_at"].transform("max"))]
    newest = newest.sort_values("job_id").drop_duplicates("group", keep="last").set_index("group")
    return result.join(newest[["job_id", "error_message"]]), list(causes)


def _query_causes(
    failed: Frame, sums: list[str], *, projects: bool
) -> tuple[pd.DataFrame, list[str]]:
    """Let the engine of a lazy table group the same; one row a cause is collected."""
    group, end = nw.col("__template"), nw.col("end_at")
    told = {"jobs": nw.len(), "first_seen": end.min(), "last_seen": end.max()}
    told |= {name: nw.col(name).sum() for name in sums}
    with_template, causes, parts = find_templates(failed, told)
    nobody = len(causes)
    # a blank message is none
    blank = causes.index("") if "" in causes else -1
    group = nw.when(group != blank).then(group)
    known = (parts["__template"] >= 0) & (parts["__template"] != blank)
    parts["group"] = parts["__template"].where(known, nobody)
    parts = with_dtypes(parts, dict.fromkeys(sums, "float64") | {"jobs": "int64"})
    together = {"jobs": "sum", "first_seen": "min", "last_seen": "max"} | dict.fromkeys(sums, "sum")
    result: pd.DataFrame = parts.groupby("group").agg(together)

    def name(jobs: Frame) -> Frame:
        return with_template(jobs).with_columns(group=group.cast(nw.Int64).fill_null(nobody))

    if projects:
        frame = name(failed.select("error_message", "project_id"))
        number, unnamed = nw.col("project_id").n_unique(), nw.col("project_id").is_null()
        frame = frame.with_columns(__unnamed=unnamed.cast(nw.Int64))
        of_group = frame.group_by("group").agg(projects=number, __unnamed=nw.col("__unnamed").max())
        counted = to_pandas(of_group).set_index("group")
        # A null is no project.
        result["projects"] = (counted["projects"] - counted["__unnamed"]).astype("int64")
    last = result[["last_seen"]].reset_index()
    # few jobs ended at such a moment: of the others nothing else is computed
    newest = name(only(failed, "end_at", last["last_seen"]))
    newest = join(newest, from_pandas(last, failed), "group", how="inner")
    newest = newest.filter(end == nw.col("last_seen"))
    newest = newest.unique("group", keep="last", order_by=["job_id"])
    latest = to_pandas(newest.select("group", "job_id", "error_message")).set_index("group")
    return result.join(latest), causes
