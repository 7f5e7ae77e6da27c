"""Types of GPUs: how they are spelled, how much memory one of them has, and how fast it is."""

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
# Dense tensor TFLOPS in 16 bits, without sparsity (the data sheets give twice as many with it, or
# alone), and GB/s of memory bandwidth. A type whose vendor publishes no such figure, such as
# RTX_PRO_6000, is not here: no advice is better than a guess.
PEAK_RATES = {
    # NVIDIA T4 data sheet (t4-tensor-core-datasheet-951643.pdf)
    "T4": (65, 300),
    # nvidia.com/en-us/data-center/l4: 242 with sparsity
    "L4": (121, 300),
    # NVIDIA A10G for AWS (NVIDIA_AWS_A10G_DataSheet_FINAL_02_17_2022.pdf); the A10 has more
    "A10G": (70, 600),
    # NVIDIA V100 data sheet (v100-datasheet-update-us-1165301-r5.pdf), SXM2
    "V100": (125, 900),
    # NVIDIA A100 data sheet (nvidia-a100-datasheet-us-nvidia-1758950-r4-web.pdf), SXM
    "A100": (312, 2039),
    "A100_40GB": (312, 1555),
    # nvidia.com/en-us/data-center/h100 and h200, SXM: 1,979 with sparsity
    "H100": (989, 3350),
    "H200": (989, 4800),
    # NVIDIA MIG user guide, 3g.40gb: three of an H100's seven compute slices, half of its memory
    "H100_40GB": (424, 1675),
    # nvidia.com/en-us/data-center/l40s: 733 with sparsity
    "L40S": (362, 864),
    # nvidia.com/en-us/data-center/hgx: 36 PFLOPS with sparsity for eight, of either
    "B200": (2250, 8000),
    "B300": (2250, 8000),
    # nvidia.com/en-us/data-center/gb300-nvl72: 360 PFLOPS with sparsity and 576 TB/s for 72
    "GB300": (2500, 8000),
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


def times_slower(gpu_type: str | None, other: str | None) -> float | None:
    """Estimate how many times as long another type of GPU computes, by the data sheets.

    Parameters
    ----------
    gpu_type : str, optional
        The type that was used.
    other : str, optional
        The type instead.

    Returns
    -------
    float or None
        The ratio of their peak rates, of computing or of memory, whichever is worse; at least 1.
        None where one of the types is not known.

    Examples
    --------
    >>> round(times_slower("H100", "A100"), 2)
    3.17
    >>> times_slower("X1", "x1"), times_slower("X1", "H100")
    (1.0, None)
    """
    if gpu_type is None or other is None:
        return None
    old, new = same_type(gpu_type), same_type(other)
    if old == new:
        return 1.0
    if old not in PEAK_RATES or new not in PEAK_RATES:
        return None
    return max(1.0, *(a / b for a, b in zip(PEAK_RATES[old], PEAK_RATES[new], strict=True)))
