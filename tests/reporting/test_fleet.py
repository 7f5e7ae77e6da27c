"""What the report says of prices, the bill, metrics, the queue and the quota, word by word."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import trainview as tv
from tests.builders import job, payload
from tests.reporting.fleet import DAY, billed, fleet, limit, price, samples, table, wait
from tests.reporting.reading import Page
from tests.reporting.snapshots import EVIL, load_quietly, page, snapshot
from trainview.reporting import render
from trainview.reporting.gpus import thin
from trainview.reporting.mosaic import find_blocks
from trainview.reporting.utilization import stretches

NEW = ["costs", "utilization", "queue", "quota"]


def section(text: str, name: str) -> str:
    """Give the words of a section, without those of its pictures."""
    [found] = re.findall(rf'<section id="{name}".*?</section>', text, flags=re.DOTALL)
    return Page(re.sub("<svg.*?</svg>", "", found, flags=re.DOTALL)).prose()


def sections(text: str) -> list[str]:
    return [name for name in NEW if f'<section id="{name}"' in text]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("fleet", NEW),
        ("estimate alone", ["costs"]),
        ("bill alone", ["costs"]),
        ("metrics alone", ["utilization"]),
        ("fleet without jobs", NEW),
        ("one job", []),
    ],
)
def test_sections_are_there_with_their_data_alone(name, shown):
    assert sections(page(name)) == shown


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("costs", [
            "Estimated: 180.00 USD at list prices, counted from when they began to run (50%), from submission, an upper bound (50%). Left out: 1 job whose instance type has no price (1x4). 81.00 USD were billed, for 1 March 2026; 1.00 USD of it for no certain day.",
            "proj1-name and proj2-name took 100% of the estimate.",
            "All of it falls into one day, that of 1 March 2026.",
            "The bill is 99.00 USD below the estimate: not billed -90.00 USD, unbilled time -15.00 USD, price difference +1.00 USD and deleted job +5.00 USD.",
            "Failed jobs cost an estimated 90.00 USD, 50% of all; 90.00 USD of it for 1 job: exit code 1.",
        ]),
        ("utilization", [
            "67% on average, measured over 6.0 of 12.0 GPU-hours held (50%), on 2 GPUs at once. 25% of that time was idle, worth 22.50 USD at list prices. Metrics cover 1 of 2 jobs that held GPUs.",
            "run of proj1-name: 2 GPUs idle for 1.5 of 6.0 GPU-hours, worth 22.50 USD at list prices.",
            "A row is a GPU of job run, the one with most idle time. The longest stretch began on 1 March 2026 and lasted 1.5 h.",
        ]),
        ("queue", [
            "Half of 3 jobs waited at most 1.0 h. 1 waits now. The longest wait is 13.0 h.",
            "late-name of proj1-name has waited 13.0 h for 2 A10G. When it was submitted, 4 of at most 4 were held, and 1 job for 2 was ahead of it.",
        ]),
        ("quota", [
            "Since 1 March 2026, demand for A10G reached its limit of 2 for 100% of the time. 10.0 GPU-hours were asked for beyond the limits: demand that had to wait. With 8 more GPUs of each type it would have been none. Jobs that waited asked for 26.0 GPU-hours.",
            "The fullest moment: 4 A10G on 1 March 2026, where 2 may be held at once.",
            "ml: demand for A10G reached its limit of 2 for 100% of the time.",
        ]),
    ],
)  # fmt: skip
def test_a_section_begins_with_the_answer(name, words):
    prose = section(page("fleet"), name)
    for phrase in words:
        assert phrase in prose


def test_the_first_screen_tells_of_money_and_of_idle_gpus():
    found = Page(page("fleet"))
    terms, told = found.text_of("dt"), found.text_of("dd")
    assert terms[0] == "billed"
    assert told[:2] == ["81.00", "estimated: 180.00 USD"]
    at = 2 * terms.index("of GPU time idle")
    assert told[at : at + 2] == ["25%", "1.5 GPU-hours, 22.50 USD; 50% of GPU-hours measured"]
    assert "Where does the money go?" in found.text_of("h3")
    assert "proj1-name: 50% of all costs, an estimated 90.00 USD. Failed jobs took 90.00 USD, or 50%. Idle GPUs cost 22.50 USD." in found.prose()  # fmt: skip


@pytest.mark.parametrize(
    ("name", "question", "words"),
    [
        ("bill alone", "Where does the money go?", "proj1-name: 94% of the bill, 76.00 USD."),
        ("estimate alone", "Where does the money go?", "Failed jobs took 90.00 USD, or 50%."),
        ("metrics alone", "What costs most?", "proj1-name: 50% of all GPU-hours, 6.0."),
        ("nothing known", "What costs most?", "proj1-name: 50% of all GPU-hours, 6.0."),
    ],
)
def test_the_answer_on_costs_uses_the_best_that_is_known(name, question, words):
    found = Page(page(name))
    assert question in found.text_of("h3")
    assert words in found.prose()


def test_a_bill_without_prices_is_reported_alone():
    text = page("bill alone")
    prose = section(text, "costs")
    assert "Cost 81.00 USD were billed, for 1 March 2026; 1.00 USD of it for no certain day." in re.sub(r"\s+", " ", prose)  # fmt: skip
    assert "proj1-name and old took 100% of the bill." in prose
    assert "estimate" not in prose.lower().replace("estimate (usd)", "")
    assert 'id="costs-reason"' not in text
    assert 'id="costs-failures"' not in text


def test_millions_are_written_as_such():
    rich = fleet(prices=table("prices", price(usd_per_minute=10_000)))
    assert Page(render(rich)).text_of("span")[:2] == ["million USD", "waiting long"]
    assert "3.60" in Page(render(rich)).text_of("dd")


@pytest.mark.parametrize(
    ("name", "section_name", "words"),
    [
        ("nothing known", "costs", "No estimate is possible. Left out: 3 jobs whose instance type has no price (1x4, A10G:2x24x96). 0 USD were billed, for 1 March 2026."),
        ("nothing known", "utilization", "50% on average, measured on 1 GPU. Metrics cover 1 of 2 jobs that held GPUs."),
        ("nothing known", "queue", "No waiting time is known."),
        ("nothing known", "quota", "No limit was reached since 1 March 2026."),
        ("no GPU measured", "utilization", "No GPU was measured."),
        ("fleet without jobs", "costs", "No estimate is possible. 81.00 USD were billed"),
        ("fleet without jobs", "utilization", "No GPU was measured. Samples of 1 job that are not in the jobs table are left out."),
        ("fleet without jobs", "quota", "No job is known to have held a GPU for any time."),
    ],
)  # fmt: skip
def test_what_is_not_known_is_said(name, section_name, words):
    assert words in section(page(name), section_name)
    assert not re.search(r"\b(nan|NaT|None|inf)\b(?! (of|is|held|waits))", Page(page(name)).prose())


def test_a_snapshot_of_jobs_that_are_free_costs_nothing():
    pending = payload(training_jobs=[job(current_status="TRAINING_JOB_PENDING")])
    prose = section(render(fleet("prices", source=pending), sections="costs"), "costs")
    assert "No job costs anything." in prose


def test_nobody_waits_and_nothing_idles():
    busy = fleet(
        metrics=table("metrics", *samples(0.9, 0.9)),
        queue=table("queue", wait("run", 0.001), wait("bad", 0.002)),
        capacity=table("capacity", limit(64)),
    )
    text = render(busy, sections="utilization,queue,quota")
    assert "Half of 2 jobs waited at most 4 s, nine in ten at most 7 s. None waits now. The longest wait is 7 s." in section(text, "queue")  # fmt: skip
    assert "No job waits now." in section(text, "queue")
    assert "90% on average, measured over 1.0 of 12.0 GPU-hours held (8%), on 1 GPU at once. None of that time was idle." in section(text, "utilization")  # fmt: skip
    assert "utilization-idle" not in text
    assert "No limit was reached since 1 March 2026." in section(text, "quota")
    assert "Most GPUs held against the limit" in section(text, "quota")


def test_types_of_gpus_are_the_same_in_every_spelling():
    a100 = {"gpu_type": "A100_40GB", "gpu_count": 8}
    one = payload(training_jobs=[job(instance_type=price("x") | {"id": "x", "name": "x"} | a100)])
    text = render(
        fleet(source=one, capacity=table("capacity", limit(8, "A100-40GB"))), sections="quota"
    )
    assert "The fullest moment: 8 A100_40GB on 1 March 2026, where 8 may be held at once." in section(text, "quota")  # fmt: skip


def test_the_meaning_of_what_is_told_is_explained_and_nothing_else():
    terms = {"Estimate", "Billed", "Busy and idle", "Waiting", "Quota", "Costs"}
    told = {
        "fleet": terms - {"Costs"},
        "estimate alone": {"Estimate"},
        "bill alone": {"Billed"},
        "metrics alone": {"Busy and idle", "Costs"},
        "one job": {"Costs"},
    }
    for name, expected in told.items():
        assert terms & set(Page(page(name)).text_of("dt")) == expected
        assert ("There are no prices in this data" in page(name)) == ("Costs" in expected)


def test_the_sample_tells_the_helpers_numbers():
    snap, prose = snapshot("sample").refine(), section(page("sample"), "costs")
    total = tv.estimate_cost(snap.jobs, snap.prices, by=None)["estimated_usd"].item()
    bill = snap.billing["subtotal_usd"].sum()
    assert f"Estimated: {total:,.0f} USD at list prices" in prose
    assert f"{bill:,.0f} USD were billed, for 2 January 2026 to 31 March 2026" in prose
    assert f"The bill is {total - float(bill):,.0f} USD below the estimate" in prose
    worst = tv.idle_gpus(snap.metrics, snap.jobs, snap.prices, by="job_id").iloc[0]
    words = (
        f"{worst['job_id']} of qwen3-32b-dpo: 8 GPUs idle for {worst['idle_gpu_hours']:,.0f} of "
    )
    assert words in section(page("sample"), "utilization")
    waits = tv.queue_waits(snap.queue, by=None).iloc[0]
    assert f"{waits['waiting']:.0f} wait now. The longest wait is {waits['longest_wait'] / 24:.1f} days." in section(page("sample"), "queue")  # fmt: skip


def test_hostile_names_are_text_in_the_new_sections_too():
    text = page("hostile fleet")
    found = Page(text)
    assert text.count("<script") == text.count("</script>") == 3
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not found.all("img")
    for name in NEW:
        assert "window.p" in section(text, name), name
    labels = [attributes["aria-label"] for attributes in found.all("svg")]
    assert sum("window.p" in label for label in labels) == 11
    assert EVIL not in text


def test_the_heat_map_is_made_of_shapes_that_cover_what_is_known():
    heat = fleet(metrics=table("metrics", *samples(0.0, 0.0, 0.9, 0.9), *samples(0.0, 0.0, gpu=1)))
    text = render(heat, sections="utilization")
    [part] = re.findall(r'id="utilization-job">.*?</svg>', text, flags=re.DOTALL)
    assert "<image" not in part
    shapes = re.findall(r'<g class="mosaic" shape-rendering="crispEdges"><path fill="[^"]*" d="([^"]*)"', part)  # fmt: skip
    # an hour in which both are idle is one block, one in which one is busy another
    assert [shape.count("M") for shape in shapes] == [1, 1]
    assert "no data" in part
    # what is under the pointer is a stretch of one colour, where that is
    busy, _ = shapes
    [left, right] = re.findall(r"^M(\S+) .*?H([^V]+)V", busy)[0]
    marks = dict(re.findall(r'<path d="([^"]*)" data-rows="(\d+)"/>', part))
    [told] = [mark for mark, row in marks.items() if row == "1"]
    assert told.startswith(f"M{left} ")
    assert f"H{right}V" in told


def test_stretches_are_periods_of_one_colour_that_follow_one_another():
    rows = [
        *samples(0.04, 0.02, 0.0, 0.0, 0.9, 0.9),
        *samples(0.9, 0.7, gpu=1),
        *(
            {**one, "timestamp": one["timestamp"] + pd.Timedelta("3h")}
            for one in samples(0.8, gpu=1)
        ),
    ]
    heat = tv.utilization_over_time(pd.DataFrame(rows), by=["node_id", "gpu"])
    found = stretches(heat.sample(frac=1, random_state=1))
    ten = DAY + pd.Timedelta("10h")
    hours = [[0, 2], [2, 3], [0, 1], [3, 4]]
    assert found["gpu"].tolist() == [0, 0, 1, 1]
    assert found["lane"].tolist() == [0.5, 0.5, 1.5, 1.5]
    assert found["busy"].tolist() == ["below 5%", "from 80%", "from 80%", "from 80%"]
    assert found["mean_utilization"].tolist() == pytest.approx([0.015, 0.9, 0.8, 0.8])
    assert found["covered_gpu_hours"].tolist() == [2.0, 1.0, 1.0, 0.5]
    for at, column in enumerate(["from", "until"]):
        assert found[column].tolist() == [ten + pd.Timedelta(hours=span[at]) for span in hours]
    assert stretches(heat.head(0)).empty


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.booleans()))
def test_blocks_cover_each_cell_once_and_no_other(cells):
    covered = np.zeros(cells.shape, int)
    for top, bottom, left, right in find_blocks(cells):
        covered[top:bottom, left:right] += 1
    assert (covered == cells).all()


def test_a_large_job_stays_shapes_of_a_moderate_size():
    random = np.random.default_rng(1)
    rows = [
        pd.DataFrame(samples(*random.random(500), node_id=f"n{node:02}", gpu=gpu))
        for node in range(32)
        for gpu in range(8)
    ]
    metrics = pd.concat(rows).reindex(columns=table("metrics").columns)
    metrics["value"] = metrics["value"].where(metrics["value"] > 0.2, 0.0)
    text = render(fleet(metrics=metrics))
    assert "<image" not in text
    [part] = re.findall(r'id="utilization-job">.*?</svg>', text, flags=re.DOTALL)
    assert len(part) < 1_000_000


def test_many_steps_are_thinned_below_what_can_be_seen_and_few_are_not():
    begin = pd.date_range(DAY, periods=20_000, freq="min")
    gpus = np.random.default_rng(3).integers(0, 9, 20_000)
    gpus[777] = 50
    steps = pd.DataFrame(
        {"gpu_type": "H100", "start": begin, "end": begin + pd.Timedelta("1min"), "gpus": gpus}
    )
    thinned = thin(steps)
    assert len(thinned) == 2000
    assert (thinned["end"].iloc[:-1].to_numpy() == thinned["start"].iloc[1:].to_numpy()).all()
    # twenty begin in each slot: the highest of nineteen of them, then the last
    slots = gpus.reshape(1000, 20)
    expected = np.stack([slots[:, :19].max(axis=1), slots[:, 19]], axis=1).ravel()
    assert thinned["gpus"].tolist() == expected.tolist()
    pd.testing.assert_frame_equal(thin(steps.head(4000)), steps.head(4000))


def test_long_waits_are_drawn_with_few_steps():
    random = np.random.default_rng(2)
    hours = random.lognormal(size=3000).tolist()
    queue = table("queue", *[wait(f"j{n}", hours[n]) for n in range(3000)])
    text = render(fleet(queue=queue), sections="queue")
    [part] = re.findall(r'id="queue-curve">.*?</svg>', text, flags=re.DOTALL)
    assert len(part) < 100_000
    assert "Half of 3,000 jobs waited at most" in section(text, "queue")


def test_a_bill_of_many_years_stays_shapes():
    days = pd.date_range(DAY, periods=3000, freq="D")
    bill = table("billing", *[billed("run", "1.00", 1, date=day) for day in days])
    text = render(fleet("prices", billing=bill))
    assert "<image" not in text
    assert "3,000 USD were billed, for 1 March 2026 to 17 May 2034." in section(text, "costs")


def test_a_fleet_of_notebooks_reads_like_one_of_files(tmp_path):
    snap = fleet("prices", "billing", "metrics", "queue", "capacity")
    snap.to_parquet(tmp_path)
    assert render(load_quietly(tmp_path)) == page("fleet")
