import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainview.text.safe import safe_text


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("a\rb", r"a\x0db"),
        ("bell\x07", r"bell\x07"),
        ("del\x7f", r"del\x7f"),
        ("c1\x9b31m", r"c1\x9b31m"),
        ("line\nnext\ttab", r"line\nnext\ttab"),
        ("rtl\u202eevil", r"rtl\u202eevil"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("lone\ud800", r"lone\ud800"),
        ("para\u2029", r"para\u2029"),
        ("filler\u3164", r"filler\u3164"),
        ("none\ufffe\uffff", r"none\ufffe\uffff"),
    ],
)
def test_what_commands_or_hides_is_shown_as_an_escape(hostile, shown):
    assert safe_text(hostile) == shown


@pytest.mark.parametrize(
    "plain", ["llama-3 sft", "语音识别", "naïve café", "🚀", "مشروع", "[red]x[/]"]
)
def test_what_is_visible_stays(plain):
    assert safe_text(plain) == plain


@given(st.text(st.characters(), max_size=50))
def test_nothing_invisible_is_left(text):
    shown = safe_text(text)
    assert not {unicodedata.category(character) for character in shown} & {
        "Cc",
        "Cf",
        "Cs",
        "Zl",
        "Zp",
    }


@given(st.text(max_size=60), st.integers(1, 30))
def test_a_limit_is_kept_and_both_ends_stay(text, limit):
    shown, full = safe_text(text, limit), safe_text(text)
    assert len(shown) <= limit
    if len(full) > limit:
        head, tail = shown.split("…", 1) if shown.count("…") == 1 else (shown[:1], "")
        assert full.startswith(head) or limit == 1
        assert full.endswith(tail)
    else:
        assert shown == full
