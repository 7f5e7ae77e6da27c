import re

import pytest

from trainview.analysis.error_rules import NO_MESSAGE, OTHER, RULES, rule_of
from trainview.analysis.error_rules.literals import literals
from trainview.analysis.messages import templates


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.example[:60])
def test_an_example_has_its_rule_whole_and_with_placeholders(rule):
    assert rule_of(rule.example) is rule
    (template,) = templates([rule.example])
    assert rule_of(template) is rule


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.example[:60])
def test_no_other_kind_of_rule_takes_an_example(rule):
    kinds = {other.category for other in RULES if other.fits(rule.example.lower())}
    general = {other.category for other in RULES if other.is_general or other.is_symptom}
    assert kinds - general <= {rule.category}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.example[:60])
def test_a_rule_is_found_without_compiling_it_where_it_does_not_fit(rule):
    texts = [other.example.lower() for other in RULES]
    found = [text for text in texts if re.search(rule.pattern, text)]
    assert [text for text in texts if rule.fits(text)] == found


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("abc", ["abc"]),
        ("abcd?", ["abc"]),
        ("ab+cde", ["cde"]),
        (r"ab\.c|x[yz]|(?:any|thing)", ["ab.c", "x", ""]),
        (r"\bword\b(?!s).{0,9}longer\)", ["longer)"]),
    ],
)
def test_a_text_that_fits_contains_a_literal(pattern, words):
    assert literals(pattern) == words


@pytest.mark.parametrize("rule", [*RULES, OTHER, NO_MESSAGE])
def test_a_rule_says_whose_it_is_and_what_to_do_in_one_line(rule):
    assert rule.origin in {"code", "infrastructure", "capacity", "unknown"}
    assert rule.advice.endswith(".")
    assert "\n" not in rule.advice
    assert len(rule.advice) <= 110
    assert len(rule.category) <= 22


ENDS = {
    "SIGKILL": (137, -9),
    "SIGTERM": (143, -15),
    "crash": (134, 139, -6, -11),
    "shared memory": (135, -7),
    "missing command": (126, 127),
    "stopped by hand": (130,),
    "worker failed": (1, 2, 255),
}
LAUNCHERS = [
    "Process exited with code {}",
    "ChildFailedError: exitcode: {}",
    "<command> exits with return code = {}",
    "Command python <command> returned non-zero exit status {}.",
    "srun: error: <name>: task <number>: Exited with exit code {}",
    "Exit Code: {}",
    "worker <number> failed (exit status {})",
]


@pytest.mark.parametrize(
    ("category", "code"), [(name, code) for name, codes in ENDS.items() for code in codes]
)
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_an_exit_code_means_the_same_from_every_launcher(launcher, category, code):
    assert rule_of(launcher.format(code)).category == category


def test_where_no_rule_matches_nothing_is_guessed():
    rule = rule_of("the quick brown fox")
    assert (rule.category, rule.origin, rule.is_symptom) == ("other", "unknown", False)


def test_the_three_texts_of_no_memory_stay_apart_and_share_a_category():
    texts = [
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.15 GiB",
        "CUDA out of memory. Tried to allocate 2.00 GiB (GPU 0; 23.70 GiB total capacity; 1 GiB free",
        "RuntimeError: CUDA error: out of memory",
    ]
    found = templates(texts)
    assert len(set(found)) == 3
    assert {rule_of(text).category for text in found} == {"GPU out of memory"}


@pytest.mark.parametrize("part", ["nan ", "image", "exited with ", "node ", "tensor ", "xid ", " "])
def test_hostile_messages_end_soon(part):
    assert rule_of(part * 500).advice
