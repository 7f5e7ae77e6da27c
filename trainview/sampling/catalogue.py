"""The made-up organisation: its tables, as organisation.toml holds and describes them."""

import tomllib
from importlib.resources import files
from typing import Any, NamedTuple

_FILE = files(__package__).joinpath("organisation.toml")

TABLES: dict[str, Any] = tomllib.loads(_FILE.read_text("utf-8"))
KINDS: dict[str, dict[str, Any]] = TABLES["kinds"]
CAUSES: dict[str, dict[str, Any]] = TABLES["causes"]


class Instance(NamedTuple):
    """One instance type, as the API tells about one node of it."""

    id: str
    name: str
    memory_limit_mib: int
    millicpu_limit: int
    gpu_count: int
    gpu_type: str | None
    gpu_memory_limit_mib: int | None


def _instance(id_: str, gpu: str, count: int, vcpu: int, gib: int, mib: int) -> Instance:
    size = f"{vcpu} vCPU, {gib} GiB"
    name = f"{count}x {gpu} ({size})" if gpu else size
    return Instance(id_, name, gib * 1024, vcpu * 1000, count, gpu or None, mib or None)


INSTANCES = {row[0]: _instance(*row[:-1]) for row in TABLES["instances"]}
# In hundred-thousandths of a US dollar a minute and node.
PRICES = {row[0]: row[-1] for row in TABLES["instances"]}
UNITS_PER_USD = 100_000
