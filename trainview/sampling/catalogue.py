"""The made-up organisation: its tables, as organisation.toml holds them."""

import tomllib
from importlib.resources import files
from typing import Any, NamedTuple

TABLES: dict[str, Any] = tomllib.loads(
    files(__package__).joinpath("organisation.toml").read_text("utf-8")
)
UNITS_PER_USD = 100_000


class Instance(NamedTuple):
    """One instance type: what the API tells about one node, and what a minute of it costs."""

    id: str
    gpu_type: str | None
    gpu_count: int
    vcpu: int
    memory_gib: int
    gpu_memory_limit_mib: int | None
    price: int

    @property
    def name(self) -> str:
        """Its display name."""
        size = f"{self.vcpu} vCPU, {self.memory_gib} GiB"
        return f"{self.gpu_count}x {self.gpu_type} ({size})" if self.gpu_type else size


class Kind(NamedTuple):
    """How the jobs of one kind of project look."""

    shapes: list[tuple[int, str, int]]
    names: list[str]
    minutes: list[int]
    bad: list[int]
    campaigns: dict[str, int]
    busy: list[int]
    spot: int = 0
    saves: str = ""
    base: bool = False


class Cause(NamedTuple):
    """One way to fail."""

    weight: int
    when: str
    on: str
    exhausts: str = ""
    text: str | None = None


INSTANCES: dict[str, Instance] = {
    id_: Instance(id_, gpu or None, count, vcpu, gib, mib or None, price)
    for id_, gpu, count, vcpu, gib, mib, price in TABLES["instances"]
}
KINDS: dict[str, Kind] = {
    name: Kind(TABLES["shapes"][name], TABLES["job_names"][name], **kind)
    for name, kind in TABLES["kinds"].items()
}
CAUSES: dict[str, Cause] = {name: Cause(**cause) for name, cause in TABLES["causes"].items()}
