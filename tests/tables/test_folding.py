from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import trainview as tv
from tests.history.states import saved, states
from tests.properties import examples
from trainview.files.sources import read_source
from trainview.reading.records import Records
from trainview.tables import folding
from trainview.tables.core import build_tables
from trainview.tables.dtypes import to_pandas
from trainview.tables.folding import fold


def in_order(table):
    frame = to_pandas(table)
    return frame.sort_values(frame.columns[0], ignore_index=True)


def records(parts):
    return [part for part in parts if isinstance(part, Records)]


@settings(max_examples=examples(50))
@given(st.integers(0, 10**6), st.data())
def test_what_is_folded_gives_the_same_tables(seed, data):
    found = data.draw(st.permutations(states(seed, looks=12)))
    payloads = [
        saved(state).replace(b'"as_of"', b'"_"') if data.draw(st.booleans()) else saved(state)
        for state in found
    ]
    payloads = data.draw(st.sampled_from([payloads, payloads + payloads[:3]]))
    wanted = build_tables(records(read_source(payloads)))
    tables = build_tables(records(fold(read_source(payloads))))
    assert tables.as_of == wanted.as_of
    assert tables.latest_only == wanted.latest_only
    for name in ("projects", "jobs", "instance_types"):
        assert_frame_equal(in_order(getattr(tables, name)), in_order(getattr(wanted, name)))


def test_records_that_do_not_change_are_kept_once():
    [(moment, lists)] = states(3, looks=1)
    payloads = [saved((moment.replace(day=1 + day), lists)) for day in range(28)]
    parts = records(fold(read_source(payloads)))
    assert len(parts) == 28
    assert sum(len(part.jobs) for part in parts) == len(lists["training_jobs"])
    assert tv.load(payloads).as_of == moment.replace(day=28)
    assert folding.fold([]) == []
