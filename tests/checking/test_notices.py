"""What a webhook is told of checks that are repeated: exact, and each breach once."""

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties import examples
from trainview.checking.notices import due, read_known, to_json, to_slack, write_known

NOW = datetime(2026, 3, 31, 18, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = 7 * DAY


def found(*rules):
    rows = [
        (rule, 2.0, value, "h", verdict == "broken", verdict, f"detail of {rule}")
        for rule, value, verdict in rules
    ]
    return pd.DataFrame(
        rows, columns=["rule", "limit", "value", "unit", "broken", "verdict", "detail"]
    )


def pending(verdict, value=51.0):
    return found(("max-pending", value, verdict))


def told(verdicts, remind=None, step=DAY):
    """Check once a day, and list what is told."""
    known, events = {}, []
    for number, verdict in enumerate(verdicts):
        notices, known = due(pending(verdict), known, NOW + number * step, remind)
        known = read_known(write_known(known))
        events.append([notice.event for notice in notices])
    return events


def test_each_breach_is_told_once_and_once_when_it_is_over():
    assert told(["holds", "broken", "broken", "holds", "holds", "broken"]) == [
        [], ["broken"], [], ["resolved"], [], ["broken"],
    ]  # fmt: skip


def test_what_is_unproven_is_neither_broken_nor_over():
    assert told(["unproven", "broken", "unproven", "broken", "unproven", "holds"]) == [
        [], ["broken"], [], [], [], ["resolved"],
    ]  # fmt: skip


def test_what_is_still_broken_is_told_again_after_a_while_and_not_before():
    events = told(["broken"] * 16, remind=WEEK)
    assert [day for day, event in enumerate(events) if event] == [0, 7, 14]
    assert events[7] == ["reminder"]


def test_a_reminder_tells_since_when():
    _, known = due(pending("broken"), {}, NOW)
    (notice,), after = due(pending("broken"), known, NOW + WEEK, WEEK)
    assert notice.since == "2026-03-31T18:00:00+00:00"
    (breach,) = after.values()
    assert breach == {"since": "2026-03-31T18:00:00+00:00", "told_at": "2026-04-07T18:00:00+00:00"}
    assert known != after


def test_one_rule_with_two_limits_is_two_breaches():
    _, known = due(pending("broken"), {}, NOW)
    stricter = pending("broken").assign(limit=1.0)
    assert [notice.event for notice in due(stricter, known, NOW)[0]] == ["broken"]


@settings(max_examples=examples(200))
@given(verdicts=st.lists(st.sampled_from(["broken", "holds", "unproven"]), max_size=30))
def test_what_is_told_alternates(verdicts):
    events = [event for one in told(verdicts) for event in one]
    assert events == (["broken", "resolved"] * len(events))[: len(events)]


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"breaches": [1]}', b'{"breaches": {"a": {}}}', b"\xff", b'{"breaches": {"a": {"since": "soon", "told_at": "2026-03-31"}}}',
     b'{"breaches": {"a": {"since": "2026-03-31T18:00:00", "told_at": "2026-03-31T18:00:00"}}}', b"[" * 100_000],
)  # fmt: skip
def test_what_is_damaged_is_an_error(content):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        read_known(content)


def test_the_json_form_is_exact():
    both = found(("max-pending", 51.0, "broken"), ("max-failure-rate", float("nan"), "holds"))
    _, known = due(found(("max-failure-rate", 3.0, "broken")), {}, NOW)
    notices, _ = due(both, known, NOW + DAY)
    assert json.loads(json.dumps(to_json(notices, "history/", pd.Timestamp(NOW), "a" * 64), allow_nan=False)) == {
        "sender": "trainview",
        "version": __import__("trainview").__version__,
        "source": "history/",
        "as_of": "2026-03-31T18:00:00+00:00",
        "text": "Broken: max-pending: 51.0 h, limit 2.0 h: detail of max-pending\n"
        "Resolved: max-failure-rate: no value, limit 2.0 h: detail of max-failure-rate",
        "alerts": [
            {"event": "broken", "breach": 'aaaaaaaaaaaaaaaa ["max-pending", 2.0]', "since": "2026-04-01T18:00:00+00:00", "rule": "max-pending",
             "value": 51.0, "limit": 2.0, "unit": "h", "detail": "detail of max-pending"},
            {"event": "resolved", "breach": 'aaaaaaaaaaaaaaaa ["max-failure-rate", 2.0]', "since": "2026-03-31T18:00:00+00:00", "rule": "max-failure-rate",
             "value": None, "limit": 2.0, "unit": "h", "detail": "detail of max-failure-rate"},
        ],
    }  # fmt: skip


def test_in_slack_nobody_is_mentioned_and_nothing_is_marked_up():
    hostile = pending("broken").assign(detail="<!channel> & <https://evil.example|here> *bold*")
    notices, _ = due(hostile, {}, NOW)
    assert to_slack(notices, "a<b", pd.Timestamp(NOW)) == {
        "text": "trainview check, a&lt;b, as of 2026-03-31 18:00 UTC\n"
        "Broken: max-pending: 51.0 h, limit 2.0 h: &lt;!channel&gt; &amp; &lt;https://evil.example|here&gt; *bold*",
        "mrkdwn": False,
    }
    long = found(*((f"budget.team.{number}", 1.0 + number, "broken") for number in range(400)))
    assert len(to_slack(due(long, {}, NOW)[0], "x", None)["text"]) <= 4000
