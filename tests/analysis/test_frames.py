import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

from tests.analysis.fleet import metrics, sample
from tests.analysis.tables import KINDS, PRICES, collected, convert, job, table
from trainview.analysis import estimate_cost, job_timeline, utilization
from trainview.analysis.frames import from_pandas, only, read_table, to_pandas
from trainview.analysis.grouping import number_groups
from trainview.errors import ArgumentError


def test_groups_are_numbered_by_text_with_nulls_last():
    frame = pd.DataFrame(
        {
            "a": pd.Categorical(["y", None, "x", "y", "x"], categories=["y", "x", "unused"]),
            "b": ["2", "1", "10", "2", None],
        }
    )
    numbers, groups = number_groups(frame, ["a", "b"])
    assert numbers.tolist() == [2, 3, 0, 2, 1]
    assert groups.fillna("").to_numpy().tolist() == [["x", "10"], ["x", ""], ["y", "2"], ["", "1"]]
    assert groups.dtypes.astype(str).to_list() == ["str", "str"]


def test_without_keys_all_rows_are_one_group():
    numbers, groups = number_groups(pd.DataFrame({"a": [1, 2]}), [])
    assert (numbers.tolist(), groups.shape) == ([0, 0], (1, 0))
    numbers, groups = number_groups(pd.DataFrame({"a": []}), [])
    assert (numbers.tolist(), groups.shape) == ([], (0, 0))


def test_only_keeps_what_is_asked_for(kind):
    frame = read_table(convert(table(job(), job(), job()), kind), ["job_id", "project_id"])
    kept = only(frame, "job_id", pd.Series(["j0", "j2", "j7", "j0"], dtype="str"))
    assert sorted(to_pandas(kept)["job_id"]) == ["j0", "j2"]
    none = only(frame, "job_id", pd.Series([], dtype="str"))
    assert to_pandas(none).empty


def test_collected_tables_live_on_the_connection_of_the_caller():
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE small AS SELECT 1 AS x; CREATE TABLE mine AS SELECT 'j0' AS id"
    )
    polars = pl.from_pandas(table(job())).to_arrow()
    jobs = connection.from_arrow(polars)
    first, second = job_timeline(jobs), job_timeline(jobs, by=None)
    connection.register("lanes", first.to_arrow_table())
    joined = connection.sql("SELECT lane FROM mine JOIN lanes ON id = job_id")
    assert joined.to_arrow_table().to_pydict() == {"lane": [0]}
    assert len(second.filter("lane = 0").to_arrow_table()) == 1
    assert len(jobs.to_arrow_table()) == 1


def test_all_kinds_take_every_type_of_a_result_back_and_forth():
    result = pd.DataFrame(
        {
            "text": pd.Series(["a", None], dtype="str"),
            "time": pd.Series(pd.to_datetime(["2025-01-01", None], utc=True)).dt.as_unit("us"),
            "count": pd.Series([1, None], dtype="Int64"),
            "hours": [0.5, np.nan],
            "flag": [True, False],
        }
    )
    for kind in KINDS:
        for rows in (0, 2):
            like = read_table(convert(table(job()), kind), ["job_id"])
            back = collected(from_pandas(result.head(rows), like).to_native())
            assert back["text"].isna().to_list() == [False, True][:rows]
            assert back["count"].isna().to_list() == [False, True][:rows]
            assert str(back["time"].dtype) == "datetime64[us, UTC]"


# Where the classes of these packages live; none is installed for this.
OTHER_KINDS = {
    "a cuDF DataFrame: convert it with .to_pandas()": ("cudf.core.dataframe", "DataFrame"),
    "a Dask DataFrame: convert it with .compute()": (
        "dask.dataframe.dask_expr._collection",
        "DataFrame",
    ),
    "an Ibis Table: convert it with .to_pandas()": ("ibis.expr.types.relations", "Table"),
    "a Modin DataFrame: convert it with .modin.to_pandas()": (
        "modin.pandas.dataframe",
        "DataFrame",
    ),
    "a PyArrow Table: convert it with .to_pandas()": ("pyarrow.lib", "Table"),
    "a SQLFrame DuckDBDataFrame: convert it with .toPandas()": (
        "sqlframe.duckdb.dataframe",
        "DuckDBDataFrame",
    ),
}


@pytest.mark.parametrize("words", OTHER_KINDS)
def test_other_kinds_of_tables_are_refused_with_a_way_out(words, monkeypatch):
    module, name = OTHER_KINDS[words]
    thing = type(name, (), {"__module__": module})()
    # Not even shown to narwhals, which takes them, or warns.
    monkeypatch.setattr("narwhals.stable.v2.from_native", None)
    with pytest.raises(ArgumentError) as error:
        job_timeline(thing)
    assert str(error.value) == f"expected a pandas, Polars, DuckDB or PySpark table, got {words}"


def test_text_where_numbers_belong_is_refused_by_name():
    with pytest.raises(ArgumentError, match="column 'elapsed_hours' holds String, not numbers"):
        estimate_cost(table(job(0, 1)).assign(elapsed_hours="1"), PRICES)
    with pytest.raises(ArgumentError, match="column 'value' holds String, not numbers"):
        utilization(metrics(sample(0, 0.5)).assign(value="0.5"))
