import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainview.analysis.messages import LONGEST, headline, keep_numbers, templates

CASES = {
    "CUDA out of memory. Tried to allocate 2.50 GiB. GPU 3 has a total capacity of 79.15 GiB": (
        "CUDA out of memory. Tried to allocate <size>. GPU <number> has a total capacity of <size>"
    ),
    "[Rank 3] Watchdog caught a timeout: WorkNCCL(SeqNum=12, Timeout(ms)=1800000)": (
        "Watchdog caught a timeout: WorkNCCL(SeqNum=<number>, Timeout(ms)=<number>)"
    ),
    "[rank12]: NCCL error": "NCCL error",
    "CUDA error at /opt/pytorch_170/aten/src/Indexing.cu:1290": "CUDA error at <path>:<number>",
    "malloc at ../c10/cuda/Allocator.cpp:289 (~/x, ./y)": (
        "malloc at <path>:<number> (<path>, <path>)"
    ),
    "No such file: '/mnt/my data/run 12/config.json'": "No such file: '<path>'",
    r"No such file: 'C:\Users\me\x.json'": "No such file: '<path>'",
    r"cannot open C:\data\run12\x.json or \\server\share\x": "cannot open <path> or <path>",
    "Connect call failed ('127.0.0.1', 8265)": "Connect call failed ('<address>', <number>)",
    "no route to 10.0.0.7:29500 or 10.1.0.0/16": "no route to <address> or <address>",
    "bind [fe80::1ff:fe23:4567:890a]:29500, 2001:db8::ff00:42:8329, ::1": (
        "bind <address>, <address>, <address>"
    ),
    "std::bad_alloc in c10::Error at 0x7ffdc1234abc": "std::bad_alloc in c10::Error at <address>",
    "worker-12.train.svc.cluster.local:29500 or localhost:8080 is down": (
        "<address> or <address> is down"
    ),
    "GET https://api.example.com/v1/x?id=7, s3://bucket/ckpt/12.": "GET <url>, <url>",
    "mail ops-7@example.com": "mail <email>",
    "checkpoint 3fa85f64-5717-4562-b3fc-2c963f66afa6 not found": "checkpoint <id> not found",
    "commit deadbeef12 image sha256:0123456789abcdef, DEADBEEF01": (
        "commit <id> image sha256:<id>, <id>"
    ),
    "job 03yv1l3 of project lqz4pw4, pod train-x2k4j": "job <id> of project <id>, pod <name>",
    "At 2025-03-24T18:04:30.480Z, 2025-03-24 18:04, 2025/03/24 and 18:04:30,5": (
        "At <time>, <time>, <time> and <time>"
    ),
    "exit code -9, 95% of 1,024, 1e-05, v1.2.3, CUDA 12.1": (
        "exit code -9, <number>% of <number>, CUDA <number>"
    ),
    "shapes [32000, 4096] and (7, 8, 9) or 1024x768": (
        "shapes [<number>] and (<number>) or <number>"
    ),
    "timed out after 1800000ms, 30seconds, 5s": (
        "timed out after <number>ms, <number>seconds, <number>s"
    ),
    "no H100 or A10G for float16, int8, sha256": "no H100 or A10G for float16, int8, sha256",
    "train.py:12: KeyError: 'user_17' in node17": (
        "train.py:<number>: KeyError: 'user_<number>' in node<number>"
    ),
    "and/or N/A, don't": "and/or N/A, don't",
    "Größe 12 zu groß für 日本": "Größe <number> zu groß für 日本",
    "  two   spaces\tand\na line ": "two spaces and a line",
    "": "",
    " \n ": "",
}


@pytest.mark.parametrize(("message", "template"), CASES.items())
def test_what_differs_is_masked_and_the_cause_stays(message, template):
    assert templates([message]) == [template]


def test_of_a_traceback_the_exception_counts():
    trace = (
        "Training failed\nTraceback (most recent call last):\n"
        '  File "/app/a.py", line 3, in f\n    g()\nValueError: first\n\n'
        "During handling of the above exception, another exception occurred:\n\n"
        "Traceback (most recent call last):\n"
        '  File "/app/train.py", line 12, in <module>\n    main()\n'
        "RuntimeError: Error(s) in loading state_dict:\n\tMissing key 'x'\n\n"
    )
    line = "RuntimeError: Error(s) in loading state_dict: Missing key 'x'"
    assert headline(trace) == line
    ranked = "\n".join(f"[rank3]: {line}" for line in trace.splitlines())
    assert headline(ranked) == line


@pytest.mark.parametrize(
    ("cut", "line"),
    [
        ("Traceback (most recent call last):", ""),
        ("Traceback (most recent call last):\n", ""),
        ('Traceback (most recent call last):\n  File "x"\n    f()', "f()"),
        ("Traceback (most recent call last): gone", "Traceback (most recent call last): gone"),
    ],
)
def test_a_traceback_that_was_cut_off_gives_what_is_left(cut, line):
    assert headline(cut) in {line, "Traceback (most recent call last):"}


NUMBERS = [
    "Process exited with code 137",
    "exitcode  : -9",
    "died with exit status 139",
    "signal 11 (Segmentation fault)",
    "[Errno 28] No space left on device",
    "NVRM: Xid 79, GPU has fallen off the bus",
    "401 Client Error: Unauthorized",
    "HTTP 503 from upstream",
    "unexpected status: 429 Too Many Requests",
    "CUDA failure 719 in a kernel",
]


@pytest.mark.parametrize("message", NUMBERS)
def test_numbers_that_name_a_cause_stay(message):
    assert templates([message]) == [" ".join(message.split())]


STATUSES = [
    "HTTP {} from upstream",
    "HTTP Error {}: refused",
    "ClientResponseError: {}, message='refused'",
    "Client error '{} Refused' for url 'https://example.com'",
    "error while calling the API: refused (<Response [{}]>)",
    "An error occurred ({}) when calling the HeadObject operation: refused",
    "Error code: {} - refused",
    "Process exited with code {}",
]


@pytest.mark.parametrize("message", STATUSES)
def test_numbers_that_name_a_cause_keep_messages_apart(message):
    found = templates([message.format(number) for number in (401, 403, 404, 500, 503)])
    assert len(set(found)) == 5


IDS = [
    "PCI:0000:b3:00",
    "00000000:3B:00.0",
    "Tue Oct  1 22:15:07 2024",
    "Wed, 21 Oct 2015 07:28:00 GMT",
    "3m20s",
    "81252Ki",
    "412Gi",
    "12 B",
    "[12, 13, 14]",
    "12, 13, 14",
    "12 13 14",
    "7A10A17597B604F0",
    "aaAbl/l+EHwfknWLOSAryetcVQ2pt4XR7839s+LeJUv2enyzqm5KrOqAv/DCvpgXKDIiYczEo4E=",
    "fe80::966d:ae03:a2:8cf0%ib1<17943>",
    "10.0.0.82<38455>",
    "[::ffff:198.18.0.1]:3254",
    "ip-10-1-7-33.ec2.internal",
    "node cn0412",
    "host gpu-a-07.example.org",
]


@pytest.mark.parametrize("name", IDS)
def test_names_of_machines_moments_and_requests_do_not_stay(name):
    (template,) = templates([f"lost {name} today"])
    assert "<" in template
    assert not set("0123456789") & set(template)


def test_prefixes_of_logs_and_colours_are_left_out():
    line = "OSError: [Errno 28] No space left on device"
    prefixed = [
        f"[1,0]<stderr>:{line}",
        f"(RayTrainWorker pid=12, ip=10.0.0.3) {line}",
        f"Mar 02 11:20:45 cn0412 trainer[77]: {line}",
        f"[482113.220187] {line}",
        f"E0626 06:24:44.9 77 file.cpp:616] {line}",
        f"2025-03-05T08:00:12.123456789Z stderr F {line}",
        f"[2025-03-05 08:00:12,044] [ERROR] [launch.py:325:main] {line}",
        f"[default3]:[rank3]: {line}",
        f"  Warning  Failed  12s (x3 over 58s)  kubelet  {line}",
        f"\x1b[31m{line}\x1b[0m",
        f"\0{line}",
        f'{{"level": "error", "message": "{line}"}}',
    ]
    assert templates(prefixed) == ["[Errno 28] No space left on device"] * len(prefixed)


@pytest.mark.parametrize(
    ("texts", "template"),
    [
        (
            ["CommError: the run was not found", "a.b.errors.RunError: the run was not found"],
            "the run was not found",
        ),
        (["RayTaskError: the run was not found", "the run was not found"], "the run was not found"),
        (["KeyError: 'a b c d'"], "KeyError: 'a b c d'"),
        (["TypeError: 'NoneType' object is not iterable"], None),
        (["HfHubHTTPError: 404 Client Error. (Request ID: a1)"], None),
    ],
)
def test_a_class_goes_where_the_text_says_as_much(texts, template):
    (found,) = set(templates(texts))
    assert found == template or (template is None and found.startswith(texts[0].split(":")[0]))


def test_after_the_last_line_of_an_indented_traceback_lines_count_again():
    message = (
        "      Traceback (most recent call last):\n        File 'setup.py', line 3, in run\n"
        "      RuntimeError: Error compiling objects for extension\n"
        "      [end of output]\n  ERROR: Failed building wheel for flash-attn\n"
    )
    assert templates([message]) == ["Failed building wheel for flash-attn"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            "the data set has no such column. Please check its name.",
            "the data set has no such column. See https://example.org for more.",
        ),
        ("no split 'x', choose one of ['a', 'b']", "no split 'x', choose one of ['c']"),
        ("failed to load team/model-7", "failed to load runs/other_model/last"),
        ("cannot read part-1.parquet here", "cannot read train-00007.parquet here"),
        ("disk is gone (os error 5)", "Error: x: disk is gone (os error 5)"),
        ("/bin/bash: line 1: torchrun: command not found", "sh: 1: torchrun: not found"),
    ],
)
def test_advice_alternatives_and_names_of_data_do_not_split_a_cause(first, second):
    assert len(set(templates([first, second]))) == 1


def test_statuses_and_answers_of_servers_stay_apart():
    messages = [
        "You may not see this page, ask its owner for access.(Error 403: Forbidden)",
        "You may not see this page, ask its owner for access.(Error 404: Not Found)",
        "The data set is gated on the hub of this company here. You must be authenticated.",
        "The data set is gated on the hub of this company here. Visit its page.",
    ]
    assert len(set(templates(messages))) == 4


@pytest.mark.parametrize("shape", ["4096x5120 and 1x6553600", "32x768 and 1024x2"])
def test_a_shape_is_no_address(shape):
    assert templates([f"shapes ({shape}) differ"]) == ["shapes (<number> and <number>) differ"]


def test_a_lone_surrogate_is_read():
    assert templates(["lost \ud800 node 7"]) == ["lost node <number>"]


def test_the_middle_of_a_long_log_is_not_lost():
    noise = "2025-01-01 00:00:00 INFO step 1 of 2, all is well\n" * 10_000
    cause = "ValueError: unknown option: lr\n"
    assert templates([noise + cause + noise]) == ["unknown option: lr"]
    (template,) = templates(["x" * 500_000 + " ValueError: unknown option: lr " + "x" * 500_000])
    assert template.startswith("…unknown option: lr")
    assert template.endswith("…")


def test_what_was_cut_has_an_ellipsis():
    assert templates(["y" * 2_500 + " 1" * 2_500])[0].endswith("…")
    # the masks make it short, and yet it is not whole
    assert templates(["1 " * 5_000]) == ["<number>…"]


def test_long_messages_are_cut():
    (template,) = templates(["word " * 1000])
    assert len(template) <= LONGEST
    assert template.endswith("…")


def test_many_messages_of_one_cause_have_one_template():
    messages = [
        f"worker {n} lost 10.0.{n % 256}.1 at step {n * 37} of {n:08x}a1" for n in range(999)
    ]
    assert set(templates(messages)) == {"worker <number> lost <address> at step <number> of <id>"}


WORDS = st.sampled_from(
    [
        *CASES,
        *("0x12", "5x12", "0x7f", "x86_64", "H100", "A100", "rank1", "rank22", "float16", "1.5"),
        *("2,5", "-3", "1e9", "v2", "ab12cd3", "[1, 2]", "(3, 4)"),
        "deadbeef1",
        "::1",
        "/a/b",
        "'",
        '"',
        "\\",
        "@",
        "://",
        ":",
        "\r",
        "é",
        "٣",
        "\x85",
        "\u2028",
    ]
)
MESSAGES = st.lists(WORDS | st.text(max_size=8), max_size=6).map(" ".join) | st.text()


@settings(deadline=None)
@given(st.lists(MESSAGES, max_size=8))
def test_a_template_does_not_depend_on_the_other_messages(messages):
    assert templates(messages) == [templates([message])[0] for message in messages]


@settings(deadline=None)
@given(MESSAGES, st.randoms())
def test_other_digits_give_the_same_template(message, random):
    # Digits that follow a letter may be part of a name, as in H100; a private character stands for
    # a digit that names a cause, as in exit code 137.
    message = message.replace("\x00", "")
    (kept,) = keep_numbers([message], "\x00")
    other = "".join(
        random.choice("123456789")
        if new in "123456789"
        and kept[at] == new
        and (at == 0 or not (message[at - 1].isalpha() or message[at - 1] in "0123456789"))
        else new
        for at, new in enumerate(message)
    )
    assert templates([other]) == templates([message])


@settings(deadline=None)
@given(MESSAGES)
def test_templates_are_one_line(message):
    (template,) = templates([message])
    assert template == " ".join(template.split()) or template.endswith("…")
    assert len(template) <= LONGEST


@pytest.mark.parametrize(
    "part",
    [
        *(
            "a",
            "1.",
            ":",
            "/",
            "a@",
            "0x",
            "::",
            "'/",
            "Traceback\n",
            "nan ",
            "image.",
            "[",
            "Error",
        ),
        *("\x1b[", "Traceback (most recent call last):\n", "KeyError: 1\n", "a-", "{", "(", "A1b/"),
        *("Error: a", "Last error:\n", "Failed to pull image ", "[Errno 1] a: '", "Command '", "│"),
        *("CUDA out of memory. ", "exit code 1 ", "x=1, ", "node a1.", "Xid (", "1,", "1 ", "12:"),
    ],
)
def test_hostile_messages_end_soon(part):
    (template,) = templates([part * 300_000 + "@"])
    assert len(template) <= LONGEST
