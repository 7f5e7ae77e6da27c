import pytest

from trainview.gpus import NOMINAL_GIB, memory_mib_of_one, same_type


@pytest.mark.parametrize("name", ["A100-40GB", "a100_40gb", " A100 40GB "])
def test_spellings_of_a_type_are_equal(name):
    assert same_type(name) == "A100_40GB"


def test_types_stay_apart():
    assert len({same_type(name) for name in NOMINAL_GIB}) == len(NOMINAL_GIB)
    assert all(same_type(name) == name for name in NOMINAL_GIB)


@pytest.mark.parametrize(
    ("gpu_type", "count", "limit", "expected"),
    [
        ("H200", 8, 1155072, 144384),
        ("H100", 4, 81920, 81920),
        ("A10G", 2, 49152, 24576),
        ("A100-40GB", 2, 2 * 40 * 1024, 40 * 1024),
        ("A100_40GB", 2, 40 * 1024, 40 * 1024),
        ("H100", 2, 0.75 * 81920, 0.75 * 81920),
        ("H100", 2, 0.74 * 81920, None),
        ("H100", 2, 2 * 1.25 * 81920, 1.25 * 81920),
        ("H100", 2, 2 * 1.26 * 81920, None),
        ("H100", 4, 2 * 81920, None),
        ("X1", 4, 81920, None),
        (None, 4, 81920, None),
        ("X1", 1, 12345, 12345),
        (None, 1, 12345, 12345),
        ("H100", 0, 81920, None),
        (None, 0, None, None),
        ("H100", 8, None, None),
    ],
)
def test_memory_of_one_gpu_is_known_or_null(gpu_type, count, limit, expected):
    assert memory_mib_of_one(gpu_type, count, limit) == expected


@pytest.mark.parametrize("name", NOMINAL_GIB)
@pytest.mark.parametrize("count", [2, 4, 8])
def test_a_limit_means_the_same_for_one_and_for_all(name, count):
    mib = NOMINAL_GIB[name] * 1024
    assert memory_mib_of_one(name, count, mib) == memory_mib_of_one(name, count, mib * count) == mib
