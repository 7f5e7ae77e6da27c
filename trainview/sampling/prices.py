"""What a minute of each machine costs.

Prices are counted in hundred-thousandths of a US dollar, so that bills are exact.
"""

from typing import Any

from trainview.sampling.catalogue import INSTANCES, Instance
from trainview.sampling.organisation import Project
from trainview.sampling.records import instance_record

UNITS_PER_USD = 100_000

_ONE_GPU = {
    "T4": 1052,
    "L4": 1414,
    "A10G": 2012,
    "L40S": 3250,
    "A100": 6667,
    "H100_40GB": 6250,
    "H100": 10833,
    "H200": 12667,
    "B200": 16633,
}
_NO_GPU = {"1x4": 86, "4x16": 346, "16x64": 1382}

# On the list, though nobody here uses them.
_UNUSED = (
    Instance("T4:4x16", "T4", 1, 4, 16, 16384),
    Instance("H100MIG:13x117", "H100_40GB", 1, 13, 117, 40960),
)
# In use, though no longer on the list.
UNLISTED = "L4:4x48x192"

# One project has a contract of its own: it pays so many percent of the list price.
CONTRACT = ("llama-3-70b-continued-pretrain", 90)


def list_price(instance: Instance) -> int:
    """Tell the price of a minute on one node, in units."""
    if instance.gpu_type is None:
        return _NO_GPU[instance.id]
    return _ONE_GPU[instance.gpu_type] * instance.gpu_count


def billed_price(instance: Instance, project: Project) -> int:
    """Tell what a project really pays for a minute on one node, in units."""
    name, percent = CONTRACT
    return list_price(instance) * (percent if project.name == name else 100) // 100


def price_records() -> dict[str, Any]:
    """Tell the price list."""
    listed = [instance for instance in INSTANCES.values() if instance.id != UNLISTED]
    return {
        "instance_types": [
            {
                "instance_type": instance_record(instance),
                "price": list_price(instance) / UNITS_PER_USD,
            }
            for instance in (*listed, *_UNUSED)
        ]
    }
