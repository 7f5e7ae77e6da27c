"""How tools word the same failure: what their messages carry around the cause is cut away."""
# ruff: noqa: E501 - a pattern stays on its line

from trainview.analysis.masks import COMMAND, ID, NAME, NUMBER, mask

_OOM = r"CUDA out of memory\. Tried to allocate [0-9.]+ \w+"
# Why an image could not be pulled; what stands before it names the image several times.
_PULL = (
    r"not found|manifest unknown|(?:[0-9]{3} )?(?:Unauthorized|Forbidden|Too Many Requests)"
    r"|pull access denied|unauthorized|denied|no basic auth credentials|i/o timeout"
    r"|no such host|context deadline exceeded|connection refused|no space left on device"
    r"|certificate[^\"\n]*|unexpected EOF"
)
_SIGNALS = r"Killed|Segmentation fault|Bus error|Illegal instruction|Aborted|Terminated"

# Hints that follow an error, and that some versions of a tool print and others do not.
_HINTS = (
    "CUDA kernel errors might be",
    "For debugging consider passing",
    "Compile with `TORCH_USE",
    "Search for `cuda",
    "Device-side assertion tracking",
    "If reserved memory",
    "If reserved but unallocated memory",
    "See documentation for Memory",
    "Exception raised from",
    "frame #",
    "If this is a private repo",
    "If you were trying to load it from",
    "Set TORCH_LOGS=",
    "For further information visit",
    "To enable traceback see",
)

WORDINGS = (
    mask(
        "watchdog",
        r"^.*(?:NCCL|[Pp]rocess group) watchdog thread terminated with exception: (?=\S)",
    ),
    # the class of an exception without its module, which moves from version to version
    mask(
        ".",
        r"^(…?)(?:[A-Za-z_]\w*\.)+(?=\w+(?:Error|Exception|[a-z]Exit|Timeout|Interrupt"
        r"|Found|Forbidden|Resources|exceptions?|[A-Z]\w*)(?:\(\w+\))?(?::|$))",
        r"\1",
    ),
    mask(
        "CUDA out of memory",
        rf"^.*?({_OOM}\. GPU [0-9]+ has a total capac)i?(ty of [0-9.]+ \w+).*",
        r"\1i\2",
    ),
    mask(
        "CUDA out of memory",
        rf"^.*?({_OOM}) ?(\(GPU [0-9]+; [0-9.]+ \w+ total capacity).*",
        r"\1 \2)",
    ),
    mask("CUDA error", r"^(?:\w+(?:Error|Exception): )+(?=CUDA error)"),
    *(mask(hint, rf" ?{hint}.*") for hint in _HINTS),
    # a class that says nothing, which C++ and logs leave out
    mask("", r"^(?:(?:RuntimeError|Exception): )+(?=\S+ \S+ \S)"),
    mask("mismatch between collectives", r"(mismatch between collectives on ranks)\..*", r"\1"),
    mask("NCCL operations", r"(NCCL operations have failed or timed out)\..*", r"\1"),
    mask("GSP", r"(of waiting for RPC response from GPU)[0-9]* GSP.*", r"\1 GSP"),
    mask("Watchdog caught", r"^.*?(Watchdog caught collective operation timeout)\b.*", r"\1"),
    mask("NCCL error", r"^(?:\w+(?:Error|Exception): )+(?=NCCL error)"),
    mask(
        "client socket has timed out",
        r"^.*?(The client socket has timed out after )[0-9]+m?s\b",
        rf"\1{NUMBER}",
    ),
    mask("NCCL", r"NCCL error in: ?\S+:[0-9]+, ", "NCCL error: "),
    mask("NCCL", r" ?\(run with NCCL_DEBUG=\w+ for details\)"),
    mask("NCCL", r", NCCL version [0-9.+a-z]+"),
    mask("Duplicate GPU", r"on CUDA device [0-9a-f]+", f"on CUDA device {ID}"),
    mask("connect", r"(connect(?:ed|ing)? to )\([^,()\n]{1,80}, ?[0-9]+\)", rf"\1({NAME}, {NUMBER})"),
    mask(
        "failed to listen",
        r"(failed to listen on any local network address)\b.*",
        r"\1: address already in use",
    ),
    mask("he actor died", r"^\w+: (?=The actor died)"),
    # the operating system's errors, with or without the path
    mask("[Errno ", r"(\[Errno -?[0-9]+\] [^:'\n]+): b?(['\"])[^'\"\n]*/[^\n]*\2$", r"\1"),
    mask(
        "undefined symbol",
        r"(?:[^\s:]*/)?([\w-]+)(?:\.[\w.-]*)?\.so[\w.]*: undefined symbol: \S+",
        r"\1: undefined symbol",
    ),
    mask("' not found", r"\S+: version [`']([A-Z]+)_[0-9.]+' not found.*", r"version `\1' not found"),
    # a repository, and a set, which has no order
    mask("'", r"'[\w.-]+/[\w.-]+'", f"'{NAME}'"),
    mask("cannot import name", r"(cannot import name '[^'\n]*' from [^(\n]*\w'?) ?\(.*", r"\1"),
    mask("has model type", r"(?<=has model type )[`'][^`'\n]*[`']", f"`{NAME}`"),
    mask("host='", r"(?<=host=')(?:[\w-]+\.)+(?=[\w-]+\.[a-z]+')"),
    mask("{'", r"\{'[^'\n]*'(?:, '[^'\n]*')*\}", f"{{'{NAME}'}}"),
    mask("failure on ", r"(?<=failure on )[\w.-]*[0-9][\w.-]*", NAME),
    # of a command, its program counts
    mask(
        "Command ",
        r"(?<=Command )['\"\[]+(?:[^\s'\",\]]*[/\\])?([\w.+-]*?)[0-9.]*(?:['\",\s\]].*)?"
        r"(?= (?:returned|died|timed out))",
        rf"\1 {COMMAND}",
    ),
    mask("exits with return code", r"^.*\[.*\](?= exits with)", COMMAND),
    mask(
        "Xid",
        r"(?:NVRM: )?\bXid \([^)\n]*\): ([0-9]+)(?:, pid=[^,\n]*)?(?:, name=[^,\n]*)?"
        r"(?:, Ch [0-9a-f]+)?(?:, (?:intr|errorString|Ch)[^,.\n]*)*[,.]? ?",
        r"NVRM: Xid \1, ",
    ),
    mask("Xid", r"(NVRM: Xid [0-9]+, (?:MMU Fault|Contained|Uncontained)).*", r"\1"),
    mask(": line ", rf"^\S+: line [0-9]+: +[0-9]+ ({_SIGNALS})\b.*", r"\1"),
    mask(" ", rf"^({_SIGNALS})\.? \(core dumped\)$", r"\1"),
    mask("Killed process", r"(Killed process) [0-9]+ (\([^)\n]*\)).*", r"\1 \2"),
    mask("oom", r"oom[_-]kill event(?:\(s\)|s)?", "oom_kill events"),
    mask("in StepId", r"(in StepId)=\S+?(?=[. ]|$).*", rf"\1={ID}"),
    mask("srun: error: ", r"(?<=srun: error: )\S+: tasks? [0-9,\[\]-]+(?=:)", f"{NAME}: task {NUMBER}"),
    mask(" ON ", r"\*\*\* (JOB|STEP) \S+ ON \S+ CANCELLED AT \S+", rf"*** \1 {ID} ON {NAME} CANCELLED"),
    mask("on node ", r"(?<=on node )[\w.-]+(?= exited)", NAME),
    mask("Failed to pull image", rf"(Failed to pull image) .*?({_PULL}).*", rf"\1 {NAME}: \2"),
    mask("image ", r"(?<=image )(?:(['\"])[\w.:/@-]*\w\1|()(?=[\w.:-]+/)[\w.:/@-]*\w)", lambda found: f"{found[1] or ''}{NAME}{found[1] or ''}"),
    mask("manifest for ", r"(?<=manifest for )\S+", NAME),
    mask("failed container", r"(?<=failed container).*? in pod \S+", f" {NAME} in pod {NAME}"),
    mask('"', r"\b([Cc]ontainer|[Pp]od|[Vv]olume) \"[^\"\n]+\"", rf'\1 "{NAME}"'),
    mask("ontainer ", r"(?<=ontainer )[\w.-]+(?= (?:terminated|was using|exited|failed))", NAME),
    mask("Request ID", r"\(Request ID: [^)\n]*\)?", f"(Request ID: {ID})"),
    mask("equestId", r"(?i:<(RequestId|HostId)>)[^<\n]*", rf"<\1>{ID}"),
    mask(
        " is not a local folder", r"[\w./-]+(?= is not a local folder)", NAME
    ),
    mask("size mismatch for", r"size mismatch for .*", "size mismatch"),
    mask("key(s) in state_dict", r"((?:Missing|Unexpected) key\(s\) in state_dict).*", r"\1"),
    mask("on the same device", r"(found at least two devices).*", r"\1"),
    mask("which did not receive grad", r" Parameter indices which did not.*"),
    mask("allocat", r"(OOM when allocating tensor).*", r"\1"),
    mask("Memory on the node", r" ?Memory on the node.*"),
    mask("has larger consumption", r" Container .* has larger consumption of .*"),
)  # fmt: skip
