"""Types of GPUs: how they are spelled, and how much memory one of them has."""

# What the vendors of the GPUs call their memory, in GiB.
NOMINAL_GIB = {
    "T4": 16,
    "L4": 24,
    "A10G": 24,
    "V100": 16,
    "A100": 80,
    "A100_40GB": 40,
    "H100": 80,
    "H100_40GB": 40,
    "H200": 141,
    "L40S": 48,
    "RTX_PRO_6000": 96,
    "B200": 180,
    "B300": 288,
    "GB300": 288,
}
# A limit is somewhat below the nominal memory, but far from that of two GPUs, or of half a one.
TOLERANCE = 0.25


def same_type(gpu_type: str) -> str:
    """Spell a type of GPU in the one way that makes its spellings equal.

    Parameters
    ----------
    gpu_type : str
        The type, as some answer of the API spells it.

    Returns
    -------
    str
        The type in capitals, with underscores.

    Examples
    --------
    >>> same_type("A100-40GB") == same_type("A100_40GB")
    True
    """
    return gpu_type.strip().upper().replace("-", "_").replace(" ", "_")


def memory_mib_of_one(
    gpu_type: str | None, gpu_count: int, gpu_memory_limit_mib: float | None
) -> float | None:
    """Tell the memory of one GPU, where the API gives a limit that may be of one or of all.

    Parameters
    ----------
    gpu_type : str, optional
        Type of the GPUs of a node.
    gpu_count : int
        How many the node has.
    gpu_memory_limit_mib : float, optional
        The limit in MiB: of one GPU for some instance types, of the whole node for others.

    Returns
    -------
    float or None
        MiB of one GPU: the limit itself, or its share, whichever is near the nominal memory of
        the type. None where neither is, the type is not known, or there is no limit or no GPU.

    Examples
    --------
    >>> memory_mib_of_one("H200", 8, 1155072)
    144384.0
    >>> memory_mib_of_one("H100", 4, 81920)
    81920.0
    >>> memory_mib_of_one("X1", 2, 81920) is None
    True
    """
    if gpu_memory_limit_mib is None or gpu_count < 1:
        return None
    if gpu_count == 1:
        return float(gpu_memory_limit_mib)
    nominal = NOMINAL_GIB.get(same_type(gpu_type or ""), 0) * 1024
    for mib in (float(gpu_memory_limit_mib), gpu_memory_limit_mib / gpu_count):
        if abs(mib - nominal) <= TOLERANCE * nominal:
            return mib
    return None
