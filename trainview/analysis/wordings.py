"""How tools word the same failure: what their messages carry around the cause is cut away."""
# ruff: noqa: E501 - a pattern stays on its line

import re

from trainview.analysis.error_rules import rule_of
from trainview.analysis.masks import COMMAND, ID, NAME, NUMBER, PATH, Mask

_OOM = r"(?:CUDA|HIP|XPU) out of memory\. Tried to allocate [0-9.]+ \w+"
# Why an image could not be pulled; what stands before it names the image several times.
_PULL = (
    r"not found|manifest unknown|(?:[0-9]{3} )?(?:Unauthorized|Forbidden|Too Many Requests)"
    r"|pull access denied|unauthorized|denied|no basic auth credentials|i/o timeout"
    r"|no such host|context deadline exceeded|connection refused|no space left on device"
    r"|certificate[^\"\n]*|unexpected EOF|(?:[0-9]{3} )?Internal Server Error|no match for platform"
)
# An answer of a server of which only the class of the exception says more.
_STATUS = re.compile(r"[0-9]{3}(?: \w+ Error\.|, )")
_SIGNALS = r"Killed|Segmentation fault|Bus error|Illegal instruction|Aborted|Terminated"


def _without_class(found: re.Match[str]) -> str:
    is_same = rule_of(found[2]).category == rule_of(found[0]).category
    return found[1] + found[2] if is_same and not _STATUS.match(found[2]) else found[0]


# Advice after the sentence that tells the cause: versions of a tool word it differently. What ends
# in a bracket may name a status, though.
_ADVICE = (
    r"(?:Please|You (?:can|may|might|should|need)|Perhaps|Maybe|Make sure|Try|See|Consider"
    r"|If (?:you|this|the|it)|To (?:fix|avoid|use|enable|disable|run|see|get|learn|set|install|update)"
    r"|For (?:more|further|details|information|a list)|Check|Refer|Visit|Reduc(?:e|ing)"
    r"|Increas(?:e|ing)|Set|H(?:int|INT)|Note|Use|Alternatively|Either)\b"
    r"(?!.*(?:\([^()\n]*[0-9][^()\n]*\)\.?$|[Ee]rror ?[0-9]))"
)
# What follows a long first sentence explains it, unless it speaks of another error.
_EXPLANATION = r"[A-Z](?!.*(?:[Ee]rr(?:or|no)[ :=(]*-?[0-9]|[a-z]: [A-Za-z]|[Aa]uth))"

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
    # quotes within quotes
    Mask('\\"', r'\\+"', '"'),
    Mask(
        "watchdog",
        r"^.*(?:NCCL|[Pp]rocess group) watchdog thread terminated with exception: (?=\S)",
    ),
    # the class of an exception without its module, which moves from version to version
    Mask(
        ".",
        r"^(…?)(?:[A-Za-z_]\w*\.)+(?=\w+(?:Error|Exception|[a-z]Exit|Timeout|Interrupt"
        r"|Found|Forbidden|Resources|exceptions?|[A-Z]\w*)(?:\(\w+\))?(?::|$)|Timeout:)",
        r"\1",
    ),
    Mask("InductorError: ", r"^InductorError: (?=\S)"),
    Mask("BackendCompilerFailed: ", r"^BackendCompilerFailed: backend='?\w*'? raised(?: exception)?: ?(?=\S)"),
    # a class that says no more than the text, which C++ and logs leave out
    Mask(": ", r"^(…?)(?:(?:(?:[A-Z]\w*)?(?:Error|Exception|Found|Exit|Timeout)|[A-Z][a-z]+(?:[A-Z][a-z]+)+): )+(\S+ \S+ \S.*)$", _without_class),
    Mask(
        " out of memory. Tried",
        rf"^.*?({_OOM}\. GPU [0-9]+ has a total capac)i?(ty of [0-9.]+ \w+).*",
        r"\1i\2",
    ),
    Mask(
        " out of memory. Tried",
        rf"^.*?({_OOM}) ?(\(GPU [0-9]+; [0-9.]+ \w+ total capacity).*",
        r"\1 \2)",
    ),
    Mask("cuda runtime error", r"cuda runtime error \([0-9]+\) ?: (.*?) at \S+:[0-9]+$", r"CUDA error: \1"),
    Mask("CUDA error", r"^(?:\w+(?:Error|Exception): )+(?=CUDA error)"),
    *(Mask(hint, rf" ?{hint}.*") for hint in _HINTS),
    Mask("id you mean", r"[.;,]? \(?[Dd]id you mean\b.*"),
    Mask(". ", rf"([.!]) {_ADVICE}.*", r"\1"),
    Mask("! ", rf"(!) {_ADVICE}.*", r"\1"),
    Mask(". ", rf"^(.{{60,}}?[a-z)'`\"]\.) {_EXPLANATION}.*", r"\1"),
    # what programs put before their message
    Mask(": ", r"^(?:[Ff]atal(?: error)?|FATAL|ERROR|Error): (?=\S+ \S+ \S)"),
    # a program without its folder, a command without the place in the script
    Mask(": ", r"^(?:[\w.+~-]*/)+([A-Za-z+-]+)[0-9.]*(?=: )", r"\1"),
    Mask(": command not found", r"^\S+: line [0-9]+: "),
    Mask("sh: ", r"^\S*sh: [0-9]+: (\S*/\S+): not found$", r"\1: No such file or directory"),
    Mask("sh: ", r"^\S*sh: [0-9]+: (\S+): not found$", r"\1: command not found"),
    Mask(": bad interpreter", r"^\S.*: (?=\S+: bad interpreter)"),
    Mask("sh: ", r"^\S*sh: (?:line )?[0-9]+: (?=[^\s0-9])"),
    Mask("sh: ", r"^(?:\S*/)?(?:ba|da|z|k)?sh: (?=\S+: )"),
    Mask("python", r"^python[0-9.]*(?=: can't open)", "python"),
    Mask(" panicked at ", r"^thread '.*' panicked at \S+:[0-9]+:[0-9]+: ?(?=\S)"),
    Mask(" (", r" \((?:[Ss]et|[Yy]ou|[Ss]ee|[Tt]ry|[Uu]se|[Hh]int|[Rr]un) [^()\n]*\)\.?$"),
    Mask(": error: ", r"^\S+\.py: (?=error: )"),
    Mask("ode: ", r"^[Ee]xit ?[Cc]ode: *(?=-?[0-9])", "Exit Code: "),
    Mask("Pod The node ", r"^(?:Evicted: )?Pod (?=The node )"),
    Mask("an't get local object", r"^(?:AttributeError: )?Can't get (?=local object)", "Can't pickle "),
    Mask("Last error: ", r"^Last error: ", "NCCL error: "),
    Mask("Cuda failure", r"(Cuda failure) [0-9]+ (?=')", r"\1 "),
    Mask("following error", r"^.* because of the following error[^:\n]*: (?=\S)"),
    Mask("Graph execution error: ", r"^(?:InvalidArgumentError: )?Graph execution error: (?=\S+ \S)"),
    Mask(": ", r"^(?:INTERNAL|UNKNOWN|ABORTED|FAILED_PRECONDITION): (?=\S+ \S)"),
    Mask("initialize backend", r"^Unable to initialize backend '\w+': (?:[A-Z_]+: )?(?=\S+ \S)"),
    Mask("W&B API", r"^Error while calling W&B API: (?=\S)"),
    Mask("CUDA_ERROR_", r"^.*(?=CUDA_ERROR_\w+: )"),
    Mask("IoError(Os", r"IoError\(Os \{ code: ([0-9]+),.*?message: \"([^\"\n]*)\" \}\)", r"I/O error: \2 (os error \1)"),
    Mask("(os error ", r"^.*?(?:(?<=: )|^)([^:()\n]+) \(os error ([0-9]+)\).*", r"[Errno \2] \1"),
    # a method, whose class older versions of Python leave out
    Mask("() ", r"\b(?:\w+\.|<locals>\.)+(?=\w+\(\) (?:got|missing|takes))"),
    Mask("OCI runtime create failed", r"^.*(OCI runtime create failed: )(?:runc create failed: )?(?:\w+\.go:[0-9]+: )?(?:(?:starting container process caused|unable to start container process):? )?(?:error during container init: )?(?:error running hook.* mode as '\w+' )?", r"\1"),
    Mask("StartContainer", r'^failed to "StartContainer" for "[^"\n]*" with \w+: "(.*)"$', r"\1"),
    Mask("pull access denied", r".*pull access denied.*", f"Failed to pull image {NAME}: pull access denied"),
    Mask(", which is output ", r", which is output [^,\n]*,"),
    Mask("OCI runtime create failed", r": unknown\.?\"*$"),
    Mask(" with inputs:", r"(?<= with inputs):.*"),
    Mask(" calling `", r"(?<= calling )`(\w+)\(.*", r"`\1`"),
    Mask("{{", r"^.*\}\} ?(?=\S+ \S)"),
    *(
        Mask(word, rf"(?<={word})(?=[\w.-]*[/_0-9-])[\w.-]+(?:/[\w.-]+)?(?=[\s,]|$)", NAME)
        for word in ("repository for ", "repo ", "model ", "dataset ", "entity ", "bucket ")
    ),
    Mask("NCCL WARN ", r"^NCCL WARN ", "NCCL error: "),
    Mask("mismatch between collectives", r"(mismatch between collectives on ranks)\..*", r"\1"),
    Mask("NCCL operations", r"(NCCL operations have failed or timed out)\..*", r"\1"),
    Mask("GSP", r"(of waiting for RPC response from GPU)[0-9]* GSP.*", r"\1 GSP"),
    Mask("Watchdog caught", r"^.*?(Watchdog caught collective operation timeout)\b.*", r"\1"),
    Mask("NCCL error", r"^(?:\w+(?:Error|Exception): )+(?=NCCL error)"),
    Mask(
        "client socket has timed out",
        r"^.*?(The client socket has timed out after )[0-9]+m?s\b",
        rf"\1{NUMBER}",
    ),
    Mask("NCCL", r"NCCL error in: ?\S+:[0-9]+, ", "NCCL error: "),
    Mask("NCCL", r" ?\(run with NCCL_DEBUG=\w+ for details\)"),
    Mask("NCCL", r", NCCL version [0-9.+a-z]+"),
    Mask("Duplicate GPU", r"on CUDA device [0-9a-f]+", f"on CUDA device {ID}"),
    Mask(", ", r"\((?=[\w.-]*[a-z])[\w.-]+, ?[0-9]{4,5}\)", f"({NAME}, {NUMBER})"),
    Mask("connect", r"(connect(?:ed|ing)? to )\([^,()\n]{1,80}, ?[0-9]+\)", rf"\1({NAME}, {NUMBER})"),
    Mask(
        "failed to listen",
        r"(failed to listen on any local network address)\b.*",
        r"\1: address already in use",
    ),
    Mask("he actor died", r"^(?:\w+: )?The actor died unexpectedly before finishing this task\. (?=The actor is dead)"),
    Mask("he actor died", r"^\w+: (?=The actor died)"),
    Mask(" I", r" [A-Z]\w+ I[dD]: ?\S+$"),
    Mask("ProtocolError(", r"\(ProtocolError\((.*)\), '\(Request ID.*", r"(\1)"),
    Mask("Error(", r"\(\w+Error\([\"'](.*?)[\"']\), '\(Request ID: .*", r"\1"),
    Mask("Error) ", r"^\((?:\w+\.)+\w+Error\) (?=\S)"),
    Mask('erver at "', r"(?<=erver at )\"[^\"\n]*\"(?: \([^()\n]*\))?", NAME),
    Mask("Caught signal ", r"(Caught signal [0-9]+ \([^:()\n]*).*", r"\1)"),
    Mask("Got completion from peer", r"NET/IB ?: (Got completion from peer .*? with status=[0-9]+).*", r"NET/IB : \1"),
    Mask("Pod was rejected: ", r"^Pod was rejected: (?=\S)"),
    Mask(" for url: ", r"( for url: \S+) \(Request ID: .*", r"\1"),
    Mask("tensor([", r"(?<=tensor\(\[) +"),
    Mask(" while calling a Python object", r"(?<=recursion depth exceeded) while calling a Python object"),
    Mask("arn:", r"\barn:[\w-]+:[^\s\"',;]*", ID),
    Mask("An error occurred (", r"^.*: (?=An error occurred \()"),
    Mask("have the same columns", r"(?<=have the same columns).*"),
    Mask('ontainer "', r"^[Cc]ontainer \"[^\"\n]*\" (?=exited|terminated)", "Container "),
    Mask("] ", r"^\[(?:enforce fail at )?[^\]\s]*\.(?:cc|cpp|h|cu):[0-9]+\][ .]*(?:err == [0-9]+\. *)?(?=\S)"),
    Mask(" for an array with shape", r" for an array with shape.*"),
    Mask(", input_value=", r", input_value=.*"),
    Mask("low on resource", r"(low on resource: [\w.-]*\w)\b.*", r"\1"),
    Mask("(core dumped)", r" \(core dumped\)$"),
    Mask(" cgroup", r"in step \S+ cgroup\b.*", f"in StepId={ID}"),
    # the operating system's errors, with or without the path
    Mask("[Errno ", r"(\[Errno -?[0-9]+\] [^:'\n]+): b?(['\"])[^'\"\n]*/[^\n]*\2$", r"\1"),
    Mask(
        "undefined symbol",
        r"(?:[^\s:]*/)?([\w-]+)(?:\.[\w.-]*)?\.so[\w.]*: undefined symbol: \S+",
        r"\1: undefined symbol",
    ),
    Mask("' not found", r"\S+: version [`']([A-Z]+)_[0-9.]+' not found.*", r"version `\1' not found"),
    # a repository, and a set, which has no order
    Mask("'", r"'[\w.-]+/(?![\w.-]*\.(?:jsonl?|ya?ml|py|txt|bin|pt|csv|parquet|model)')[\w.-]+'", f"'{NAME}'"),
    Mask("cannot import name", r"(cannot import name '[^'\n]*' from [^(\n]*\w'?) ?\(.*", r"\1"),
    Mask("has model type", r"(?<=has model type )[`'][^`'\n]*[`']", f"`{NAME}`"),
    Mask("host='", r"(?<=host=')(?:[\w-]+\.)+(?=[\w-]+\.[a-z]+')"),
    Mask("{'", r"\{'[^'\n]*'(?:, '[^'\n]*')*\}", f"{{'{NAME}'}}"),
    Mask("{'", r"\{'[^{}\n]*': [^{}\n]*\}", f"{{{NAME}}}"),
    # what would have been right, and what else was there
    *(
        Mask(word, rf"({word}(?: are)?:?) ?(?:[\[({{'\"`].*|(?<=: ).*)$", rf"\1 {NAME}")
        for word in ("one of", "hoose from", " keys", "olumns in the dataset", "olumns", "ignored", "vailable options")
    ),
    Mask("our ", r"(?<=[Yy]our )[\w -]+(?= GPU\b)", NAME),
    Mask('{"', r"\{\".*?\"(?:message|detail|error|msg)\": ?\"([^\"\n]*)\".*\}", r"\1"),
    Mask("Ray", r"^Ray(?:Task|Actor)Error(?:\(\w+\))?: (?!ray::)(?=\S+ \S+ \S)"),
    Mask("failure on ", r"(?<=failure on )[\w.-]*[0-9][\w.-]*", NAME),
    # of a command, its program counts
    Mask(
        "Command ",
        r"(?<=Command )['\"\[]+(?:[^\s'\",\]]*[/\\])?([\w.+-]*?)[0-9.]*(?:\.exe)?(?:['\",\s\]].*)?"
        r"(?= (?:returned|died|timed out))",
        rf"\1 {COMMAND}",
    ),
    Mask("exits with return code", r"^.*\[.*\](?= exits with)", COMMAND),
    Mask(
        "Xid",
        r"(?:NVRM: )?\bXid \([^)\n]*\): ([0-9]+)(?:, pid=[^,\n]*)?(?:, name=[^,\n]*)?"
        r"(?:, Ch [0-9a-f]+)?(?:, (?:intr|errorString|Ch)[^,.\n]*)*[,.]? ?",
        r"NVRM: Xid \1, ",
    ),
    Mask("Xid", r"^.*?(NVRM: Xid [0-9]+),(?! GPU has fallen off the bus).*", r"\1"),
    Mask(": line ", rf"^\S+: line [0-9]+: +[0-9]+ ({_SIGNALS})\b.*", r"\1"),
    Mask("Killed process", r"(Killed process) [0-9]+ \([^)\n]*\).*", rf"\1 ({NAME})"),
    Mask("oom", r"oom[_-]kill event(?:\(s\)|s)?", "oom_kill events"),
    Mask("slurmstepd: error: Detected", r"^.*(?=slurmstepd: error: Detected)"),
    Mask("in StepId", r"(in StepId)=\S+?(?=[. ]|$).*", rf"\1={ID}"),
    Mask("srun: error: ", r"(?<=srun: error: )\S+: tasks? [0-9,\[\]-]+(?=:)", f"{NAME}: task {NUMBER}"),
    Mask(" ON ", r"\*\*\* (?:JOB|STEP) \S+ ON \S+ CANCELLED AT \S+", f"*** JOB {ID} ON {NAME} CANCELLED"),
    Mask("Node failure on ", r"^srun: error: Node failure on \S+$", f"slurmstepd: error: *** JOB {ID} ON {NAME} CANCELLED DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS ***"),
    # the name of the host may be in that of the daemon
    Mask("*** JOB", r"^slurmstepd: (?=error: \*\*\* JOB)"),
    Mask("on node ", r"(?<=on node )[\w.-]+(?= exited)", NAME),
    Mask("Failed to pull image", rf"(Failed to pull image) .*?({_PULL}).*", rf"\1 {NAME}: \2"),
    Mask("image ", r"(?<=image )(?:(['\"])[\w.:/@-]*\w\1|()(?=[\w.:-]+/)[\w.:/@-]*\w)", lambda found: f"{found[1] or ''}{NAME}{found[1] or ''}"),
    Mask("manifest for ", r"(?<=manifest for )\S+", NAME),
    Mask("failed container", r"(?<=failed container).*? in pod \S+", f" {NAME} in pod {NAME}"),
    Mask('"', r"\b([Cc]ontainer|[Pp]ods?|[Vv]olume|configmaps?|secrets?|persistentvolumeclaims?|serviceaccounts?) \"[^\"\n]+\"", rf'\1 "{NAME}"'),
    Mask("ontainer ", r"(?<=ontainer )[\w.-]+(?= (?:terminated|was using|exited|failed))", NAME),
    # what an object shows of itself; parameters of a model
    Mask("(", r"\b([A-Z]\w+)\((?=\w+=[^\n]*?\b\w+=)(?:[^()\n]|\((?:[^()\n]|\([^()\n]*\))*\))*(?:\)|$)", rf"\1({NAME})"),
    Mask("tensor(", r"\btensor\([^()\n]*(?:\)|$)", f"tensor({NUMBER})"),
    Mask(".", r"(?<!KeyError: )(['\"`])[A-Za-z_]\w*(?:\.\w+)*\.(?:weight|bias|scales?|lora_[AB]|[0-9]+)(?:\.\w+)*\1", rf"\1{NAME}\1"),
    Mask(" library but", r"^\S+(?= requires the .* library but)", NAME),
    Mask("Weights only load failed", r"(Weights only load failed).*", r"\1"),
    Mask("conda environment: ", r"(?<=conda environment: )\S+", NAME),
    Mask("select device driver", r'(?<=select device driver )"\w*"(.*?)\.?$', rf'"{NAME}"\1'),
    Mask("nvidia-container-cli", r"^OCI runtime create failed: (?=nvidia-container-cli)"),
    Mask("nvidia-container-cli", r": unknown\.?$"),
    Mask("Can't find '", r"(?<= at )'[^'\n]*'$", f"'{PATH}'"),
    Mask(": invalid ", r"(: invalid (?:choice|\w+ value): ).*", rf"\1{NAME}"),
    Mask("can't encode character", r"(?<=can't encode character).*? in position [0-9-]+", f" in position {NUMBER}"),
    Mask("failed to extend ", r"Error: failed to extend (\S+) to ([0-9]+) bytes$", r"Error while creating shared memory segment \1 (size \2)"),
    Mask("('", r"\('[^'\n]*'(?:, '[^'\n]*')*,?\)", f"('{NAME}')"),
    Mask('namespace "', r'(?<=namespace )"[^"\n]*"', f'"{NAME}"'),
    Mask(" nodes are available", r"(nodes are available: ).*?([0-9]+ Insufficient [\w.-]+/gpu).*", r"\1\2."),
    Mask(". preemption: ", r"\. preemption: .*", "."),
    Mask("['", r"\['[^'\n]*'(?:, '[^'\n]*')*\]", f"['{NAME}']"),
    Mask(", ", r", (?:please |you may |you should )?(?:consider|try|make sure|refer|did you|use) (?!.*[Ee]rror).*"),
    Mask(" Stack trace: ", r"\.? Stack trace: .*"),
    Mask("data-dependent expression", r"(?<=data-dependent expression) .*"),
    Mask(": ", r": (?:[\w-]+, ){2,}(?:and |or )?[\w-]+\.?$", f": {NAME}"),
    Mask("image ", r'\b(image (?:tag|name)) "[^"\n]*"', rf'\1 "{NAME}"'),
    Mask("repository name (", r"(?<=repository name )\([^()\n]*\)", f"({NAME})"),
    Mask("model in ", r"(?<=model in )\S+?(?=\.?(?:\s|$))", NAME),
    Mask("got mixed", r"^\S+: (?=got mixed torch)"),
    Mask('layer "', r'(?<=layer )"\w+"', f'"{NAME}"'),
    Mask("string to float: ", r"(?<=string to float: )'.*'", f"'{NAME}'"),
    Mask("invalid literal for", r"(?<=: )'.+'$", f"'{NAME}'"),
    Mask("but found ", r"(?<=but found )[\w-]+\.py\b", NAME),
    Mask("file named ", r"(?<=file named )([\w.-]+)(?:, [\w.-]+)*(?: or [\w.-]+)?", r"\1"),
    Mask("Request ID", r"\(Request ID: [^)\n]*\)?", f"(Request ID: {ID})"),
    Mask("equestId", r"(?i:<(RequestId|HostId)>)[^<\n]*", rf"<\1>{ID}"),
    Mask(
        " is not a local folder", r"[\w./-]+(?= is not a local folder)", NAME
    ),
    Mask("size mismatch for", r"size mismatch for .*", "size mismatch"),
    Mask("key(s) in state_dict", r"((?:Missing|Unexpected) key\(s\) in state_dict).*", r"\1"),
    Mask("on the same device", r"but (?:found at least two devices|got \w+ is on).*", "but found at least two devices"),
    Mask("which did not receive grad", r" Parameter indices which did not.*"),
    Mask("allocat", r"(OOM when allocating tensor).*", r"\1"),
    Mask("Memory on the node", r" ?Memory on the node.*"),
    Mask("has larger consumption", r" Container .* has larger consumption of .*"),
)  # fmt: skip
