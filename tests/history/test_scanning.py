import sys

import pandas as pd
import pyarrow as pa
import pytest
from pandas.testing import assert_frame_equal

import trainview as tv
from tests.analysis import spark
from tests.cli.shell import DATA
from tests.history.states import saved, states
from trainview.schema import TABLES
from trainview.tables.dtypes import conform, to_pandas, without_categories

ENGINES = ["polars", "duckdb", pytest.param("spark", marks=pytest.mark.spark)]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """A history of the sample's tables behind some looks at another organisation, and of these."""
    dest = tmp_path_factory.mktemp("scanned")
    found = states(31, looks=6)
    tv.record(dest, snapshots=[saved(state) for state in found])
    tv.record(dest, snapshots=[DATA])
    return dest


def session_of(engine):
    return spark.session() if engine == "spark" else None


def read(native, name):
    """Bring a table into memory, as the data dictionary describes it."""
    if hasattr(native, "toArrow"):
        table = native.toArrow()
    elif hasattr(native, "collect"):
        table = native.collect().to_arrow()
    else:
        table = native.to_arrow_table()
    schema = without_categories(TABLES[name])
    assert table.column_names == schema.names
    return to_pandas(conform(table.cast(pa.schema(schema)), TABLES[name]))


def in_order(frame):
    rows = list(frame.astype("object").itertuples(index=False))
    order = sorted(range(len(rows)), key=lambda row: str(tuple(rows[row])))
    return frame.iloc[order].reset_index(drop=True)


def assert_same(scan, snapshot, names=tuple(TABLES)):
    assert pd.Timestamp(scan.as_of) == snapshot.as_of
    for name in names:
        found, wanted = read(getattr(scan, name), name), getattr(snapshot, name)
        assert_frame_equal(in_order(found), in_order(wanted), obj=name)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_scan_of_a_history_has_what_load_has(engine, recorded):
    small = [name for name in TABLES if name != "metrics"]
    assert_same(
        tv.scan(recorded, engine=engine, session=session_of(engine)), tv.load(recorded), small
    )
    moments = [moment for moment, _ in states(31, looks=6)]
    for moment in moments[3:4] if engine == "spark" else moments[::2]:
        at = tv.scan(recorded, engine=engine, session=session_of(engine), at=moment)
        assert_same(at, tv.load(recorded, at=moment), ["projects", "jobs"])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_scan_of_exported_parquet_has_what_was_exported(engine, tmp_path):
    snapshot = tv.load(tv.sample(projects=4))
    snapshot.to_parquet(tmp_path)
    assert_same(tv.scan(tmp_path, engine=engine, session=session_of(engine)), snapshot)


@pytest.mark.parametrize("engine", ENGINES)
def test_helpers_take_the_tables_of_a_scan(engine, recorded):
    import narwhals.stable.v2 as nw

    snapshot, fleet = (
        tv.load(recorded),
        tv.scan(recorded, engine=engine, session=session_of(engine)),
    )
    wanted = tv.gpu_usage(snapshot.jobs, by="project_name")
    found = tv.gpu_usage(fleet.jobs, by="project_name")
    found = nw.from_native(found).lazy().collect("pyarrow").to_pandas()
    assert found["gpu_hours"].tolist() == pytest.approx(wanted["gpu_hours"].tolist())


def test_what_changed_counts_once_in_samples(tmp_path):
    snapshot = tv.load(tv.sample(projects=2))
    jobs = snapshot.jobs["job_id"]
    samples = tv.load(DATA).metrics.head(50).assign(job_id=jobs.iloc[0])
    first = snapshot.assign(metrics=samples)
    second = snapshot.assign(metrics=samples.assign(value=samples["value"] + 1).tail(20))
    for number, one in enumerate((first, second)):
        one.to_parquet(tmp_path / str(number))
        tv.record(tmp_path / "history", snapshots=[tmp_path / str(number)])
    wanted = tv.load(tmp_path / "history").metrics
    assert len(wanted) == len(samples)
    assert wanted["value"].sum() == pytest.approx(samples["value"].sum() + 20)
    for engine in ("polars", "duckdb"):
        found = read(tv.scan(tmp_path / "history", engine=engine).metrics, "metrics")
        assert_frame_equal(in_order(found), in_order(wanted))


def test_what_cannot_be_scanned_is_said(tmp_path, monkeypatch):
    with pytest.raises(
        tv.ArgumentError, match="engine='pandas': choose one of polars, duckdb, spark"
    ):
        tv.scan(tmp_path, engine="pandas")
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "duckdb", None)
        with pytest.raises(tv.ConfigError, match=r"pip install 'trainview\[duckdb\]'"):
            tv.scan(tmp_path, engine="duckdb")
    with pytest.raises(tv.SourceError, match="neither a recorded history nor Parquet"):
        tv.scan(tmp_path)
    tv.load(tv.sample(projects=2)).to_csv(tmp_path)
    with pytest.raises(tv.SourceError, match="CSV"):
        tv.scan(tmp_path)
