"""pandas tables of every dtype that people have give what plain ones give, or an ArgumentError."""

import warnings
from functools import cache

import pandas as pd
import pytest

from tests.analysis import test_contract as of_jobs
from tests.analysis import test_fleet_contract as of_fleet
from tests.analysis.tables import assert_same
from tests.properties import shared_out
from trainview.analysis.pandas_dtypes import UTC_TIME
from trainview.errors import ArgumentError

CALLS = {name: (of_jobs.HELPER[name], of_jobs.SOME) for name in of_jobs.HELPERS} | {
    name: (promise.call, promise.first) for name, promise in of_fleet.HELPERS.items()
}
NULLABLE = {"int64": "Int64", "float64": "Float64", "bool": "boolean", "str": "string"}


def backed_by(text):
    def change(frame):
        texts = [name for name in frame if frame[name].dtype in ("str", "category")]
        return frame.astype(dict.fromkeys(texts, text))

    return change


def without_inference(frame):
    # as read with pd.options.future.infer_string = False
    texts = [name for name in frame if frame[name].dtype == "str"]
    plain = frame.astype(dict.fromkeys(texts, object))
    for name in texts:
        plain[name] = plain[name].where(plain[name].notna(), None)
    return plain


VARIANTS = {
    "convert_dtypes": lambda frame: frame.convert_dtypes(),
    "pyarrow": lambda frame: frame.convert_dtypes(dtype_backend="pyarrow"),
    "object": lambda frame: frame.astype(object),
    "object with None": lambda frame: frame.astype(object).where(frame.notna(), None),
    "string[python]": backed_by("string[python]"),
    "string[pyarrow]": backed_by("string[pyarrow]"),
    "str of Python": backed_by(pd.StringDtype("python", na_value=float("nan"))),
    "without inference": without_inference,
    "nullable": lambda frame: frame.astype(
        {
            name: NULLABLE[str(dtype)]
            for name, dtype in frame.dtypes.items()
            if str(dtype) in NULLABLE
        }
    ),
    "nanoseconds": lambda frame: frame.astype(
        {name: "datetime64[ns, UTC]" for name in frame if str(frame[name].dtype)[:8] == "datetime"}
    ),
}


@cache
def expected(name):
    call, first = CALLS[name]
    return call(first)


@pytest.mark.parametrize("name", CALLS)
def test_dtypes_make_no_difference(name):
    call, first = CALLS[name]
    variants = list(VARIANTS)
    for number in shared_out(len(variants), list(CALLS).index(name)):
        try:
            assert_same(call(VARIANTS[variants[number]](first)), expected(name))
        except Exception as error:
            error.add_note(variants[number])
            raise


@pytest.mark.parametrize("name", CALLS)
def test_the_number_of_rows_makes_no_difference(name, monkeypatch):
    """Few rows of a pandas table are computed in Arrow, many by pandas."""
    call, first = CALLS[name]
    few = {len(frame): call(frame) for frame in (first.head(0), first)}
    monkeypatch.setattr("trainview.analysis.small_tables.MOST_IN_ARROW", -1)
    for rows, wanted in few.items():
        assert_same(call(first.head(rows)), wanted)


def outcome(call, frame):
    try:
        return call(frame)
    except ArgumentError as error:
        return str(error)


@pytest.mark.filterwarnings("ignore::trainview.errors.DataWarning")
@pytest.mark.parametrize("name", CALLS)
def test_numbers_and_times_may_be_large(name, monkeypatch):
    """Arrow rounds no whole number that a float64 cannot hold."""
    call, first = CALLS[name]
    large = first.copy()
    for column, dtype in first.dtypes.items():
        if dtype == UTC_TIME:
            large[column] = first[column].where(
                first.index < 2, first[column] + pd.Timedelta(days=99_999)
            )
        elif dtype == "int64":
            large[column] = first[column].where(first.index < 2, first[column] + 2**54 + 1)
    found = outcome(call, large)
    monkeypatch.setattr("trainview.analysis.small_tables.MOST_IN_ARROW", -1)
    wanted = outcome(call, large)
    if isinstance(wanted, str):
        assert found == wanted
    else:
        assert_same(found, wanted)


@pytest.mark.parametrize("name", [name for name in CALLS if "status" in CALLS[name][1]])
def test_a_status_that_is_missing_counts_alike_however_many_rows(name, monkeypatch):
    call, first = CALLS[name]
    # nor is it known what it costs
    missing = [name for name in ("status", "instance_type_id") if name in first]
    unknown = first.assign(**{name: first[name].where(first.index > 0) for name in missing})
    found = call(unknown)
    monkeypatch.setattr("trainview.analysis.small_tables.MOST_IN_ARROW", -1)
    assert_same(found, call(unknown))


OTHER_THINGS = {
    "numbers in place of a status": ("failure_rates", {"status": 1}, None),
    "numbers in place of names": ("needs_attention", {"project_id": 7}, None),
    "yes in place of numbers": ("goodput", {"gpus": True}, None),
    "mixed things": ("spot_usage", {"key": lambda of: ["x", 1, 2.5][: len(of)]}, "key"),
}


@pytest.mark.parametrize("case", OTHER_THINGS)
def test_what_arrow_does_not_compare_or_take_is_left_to_pandas(case, monkeypatch):
    name, columns, by = OTHER_THINGS[case]
    call, first = CALLS[name]
    given = first.head(3).reset_index(drop=True).assign(**columns)
    arguments = {} if by is None else {"by": [by, "gpus"]}
    found = call(given, **arguments)
    monkeypatch.setattr("trainview.analysis.small_tables.MOST_IN_ARROW", -1)
    assert_same(found, call(given, **arguments))


@pytest.mark.parametrize("name", ["failure_rates", "time_to_failure"])
def test_tables_made_of_empty_lists_are_taken(name):
    call, first = CALLS[name]
    assert len(call(pd.DataFrame({column: [] for column in first}))) == 0


def told(result):
    """The values alone: with the option, text in a result is Python's."""
    return result.astype(object).where(result.notna(), None)


@pytest.mark.parametrize("name", CALLS)
def test_the_option_for_text_makes_no_difference(name):
    call, first = CALLS[name]
    whole = told(expected(name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        with pd.option_context("future.infer_string", False):  # noqa: FBT003 - as pandas has it
            found = [told(call(without_inference(first))), told(call(first))]
    for each in found:
        pd.testing.assert_frame_equal(
            each, whole, rtol=1e-12, atol=1e-9, check_dtype=False, check_column_type=False
        )


@pytest.mark.parametrize("name", CALLS)
def test_columns_that_no_name_leads_to_are_refused(name):
    call, first = CALLS[name]
    twice = pd.concat([first, first[[first.columns[0]]]], axis=1)
    with pytest.raises(ArgumentError, match=f"column '{first.columns[0]}' comes twice"):
        call(twice)
    levels = first.set_axis(pd.MultiIndex.from_product([["a"], first.columns]), axis=1)
    with pytest.raises(ArgumentError, match="names of several levels"):
        call(levels)
