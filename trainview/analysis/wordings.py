"""How tools word the same failure: what their messages carry around the cause is cut away."""
# ruff: noqa: E501 - a pattern stays on its line

import re

from trainview.analysis.error_rules import rule_of
from trainview.analysis.masks import COMMAND, ID, NAME, NUMBER, PATH, mask

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
    mask('\\"', r'\\+"', '"'),
    mask(
        "watchdog",
        r"^.*(?:NCCL|[Pp]rocess group) watchdog thread terminated with exception: (?=\S)",
    ),
    # the class of an exception without its module, which moves from version to version
    mask(
        ".",
        r"^(…?)(?:[A-Za-z_]\w*\.)+(?=\w+(?:Error|Exception|[a-z]Exit|Timeout|Interrupt"
        r"|Found|Forbidden|Resources|exceptions?|[A-Z]\w*)(?:\(\w+\))?(?::|$)|Timeout:)",
        r"\1",
    ),
    mask("InductorError: ", r"^InductorError: (?=\S)"),
    mask("BackendCompilerFailed: ", r"^BackendCompilerFailed: backend='?\w*'? raised(?: exception)?: ?(?=\S)"),
    # a class that says no more than the text, which C++ and logs leave out
    mask(": ", r"^(…?)(?:(?:(?:[A-Z]\w*)?(?:Error|Exception|Found|Exit|Timeout)|[A-Z][a-z]+(?:[A-Z][a-z]+)+): )+(\S+ \S+ \S.*)$", _without_class),
    mask(
        " out of memory. Tried",
        rf"^.*?({_OOM}\. GPU [0-9]+ has a total capac)i?(ty of [0-9.]+ \w+).*",
        r"\1i\2",
    ),
    mask(
        " out of memory. Tried",
        rf"^.*?({_OOM}) ?(\(GPU [0-9]+; [0-9.]+ \w+ total capacity).*",
        r"\1 \2)",
    ),
    mask("cuda runtime error", r"cuda runtime error \([0-9]+\) ?: (.*?) at \S+:[0-9]+$", r"CUDA error: \1"),
    mask("CUDA error", r"^(?:\w+(?:Error|Exception): )+(?=CUDA error)"),
    *(mask(hint, rf" ?{hint}.*") for hint in _HINTS),
    mask("id you mean", r"[.;,]? \(?[Dd]id you mean\b.*"),
    mask(". ", rf"([.!]) {_ADVICE}.*", r"\1"),
    mask("! ", rf"(!) {_ADVICE}.*", r"\1"),
    mask(". ", rf"^(.{{60,}}?[a-z)'`\"]\.) {_EXPLANATION}.*", r"\1"),
    # what programs put before their message
    mask(": ", r"^(?:[Ff]atal(?: error)?|FATAL|ERROR|Error): (?=\S+ \S+ \S)"),
    # a program without its folder, a command without the place in the script
    mask(": ", r"^(?:[\w.+~-]*/)+([A-Za-z+-]+)[0-9.]*(?=: )", r"\1"),
    mask(": command not found", r"^\S+: line [0-9]+: "),
    mask("sh: ", r"^\S*sh: [0-9]+: (\S*/\S+): not found$", r"\1: No such file or directory"),
    mask("sh: ", r"^\S*sh: [0-9]+: (\S+): not found$", r"\1: command not found"),
    mask(": bad interpreter", r"^\S.*: (?=\S+: bad interpreter)"),
    mask("sh: ", r"^\S*sh: (?:line )?[0-9]+: (?=[^\s0-9])"),
    mask("sh: ", r"^(?:\S*/)?(?:ba|da|z|k)?sh: (?=\S+: )"),
    mask("python", r"^python[0-9.]*(?=: can't open)", "python"),
    mask(" panicked at ", r"^thread '.*' panicked at \S+:[0-9]+:[0-9]+: ?(?=\S)"),
    mask(" (", r" \((?:[Ss]et|[Yy]ou|[Ss]ee|[Tt]ry|[Uu]se|[Hh]int|[Rr]un) [^()\n]*\)\.?$"),
    mask(": error: ", r"^\S+\.py: (?=error: )"),
    mask("ode: ", r"^[Ee]xit ?[Cc]ode: *(?=-?[0-9])", "Exit Code: "),
    mask("Pod The node ", r"^(?:Evicted: )?Pod (?=The node )"),
    mask("an't get local object", r"^(?:AttributeError: )?Can't get (?=local object)", "Can't pickle "),
    mask("Last error: ", r"^Last error: ", "NCCL error: "),
    mask("Cuda failure", r"(Cuda failure) [0-9]+ (?=')", r"\1 "),
    mask("following error", r"^.* because of the following error[^:\n]*: (?=\S)"),
    mask("Graph execution error: ", r"^(?:InvalidArgumentError: )?Graph execution error: (?=\S+ \S)"),
    mask(": ", r"^(?:INTERNAL|UNKNOWN|ABORTED|FAILED_PRECONDITION): (?=\S+ \S)"),
    mask("initialize backend", r"^Unable to initialize backend '\w+': (?:[A-Z_]+: )?(?=\S+ \S)"),
    mask("W&B API", r"^Error while calling W&B API: (?=\S)"),
    mask("CUDA_ERROR_", r"^.*(?=CUDA_ERROR_\w+: )"),
    mask("IoError(Os", r"IoError\(Os \{ code: ([0-9]+),.*?message: \"([^\"\n]*)\" \}\)", r"I/O error: \2 (os error \1)"),
    mask("(os error ", r"^.*?(?:(?<=: )|^)([^:()\n]+) \(os error ([0-9]+)\).*", r"[Errno \2] \1"),
    # a method, whose class older versions of Python leave out
    mask("() ", r"\b(?:\w+\.|<locals>\.)+(?=\w+\(\) (?:got|missing|takes))"),
    mask("OCI runtime create failed", r"^.*(OCI runtime create failed: )(?:runc create failed: )?(?:\w+\.go:[0-9]+: )?(?:(?:starting container process caused|unable to start container process):? )?(?:error during container init: )?(?:error running hook.* mode as '\w+' )?", r"\1"),
    mask("StartContainer", r'^failed to "StartContainer" for "[^"\n]*" with \w+: "(.*)"$', r"\1"),
    mask("pull access denied", r".*pull access denied.*", f"Failed to pull image {NAME}: pull access denied"),
    mask(", which is output ", r", which is output [^,\n]*,"),
    mask("OCI runtime create failed", r": unknown\.?\"*$"),
    mask(" with inputs:", r"(?<= with inputs):.*"),
    mask(" calling `", r"(?<= calling )`(\w+)\(.*", r"`\1`"),
    mask("{{", r"^.*\}\} ?(?=\S+ \S)"),
    *(
        mask(word, rf"(?<={word})(?=[\w.-]*[/_0-9-])[\w.-]+(?:/[\w.-]+)?(?=[\s,]|$)", NAME)
        for word in ("repository for ", "repo ", "model ", "dataset ", "entity ", "bucket ")
    ),
    mask("NCCL WARN ", r"^NCCL WARN ", "NCCL error: "),
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
    mask(", ", r"\((?=[\w.-]*[a-z])[\w.-]+, ?[0-9]{4,5}\)", f"({NAME}, {NUMBER})"),
    mask("connect", r"(connect(?:ed|ing)? to )\([^,()\n]{1,80}, ?[0-9]+\)", rf"\1({NAME}, {NUMBER})"),
    mask(
        "failed to listen",
        r"(failed to listen on any local network address)\b.*",
        r"\1: address already in use",
    ),
    mask("he actor died", r"^(?:\w+: )?The actor died unexpectedly before finishing this task\. (?=The actor is dead)"),
    mask("he actor died", r"^\w+: (?=The actor died)"),
    mask(" I", r" [A-Z]\w+ I[dD]: ?\S+$"),
    mask("ProtocolError(", r"\(ProtocolError\((.*)\), '\(Request ID.*", r"(\1)"),
    mask("Error(", r"\(\w+Error\([\"'](.*?)[\"']\), '\(Request ID: .*", r"\1"),
    mask("Error) ", r"^\((?:\w+\.)+\w+Error\) (?=\S)"),
    mask('erver at "', r"(?<=erver at )\"[^\"\n]*\"(?: \([^()\n]*\))?", NAME),
    mask("Caught signal ", r"(Caught signal [0-9]+ \([^:()\n]*).*", r"\1)"),
    mask("Got completion from peer", r"NET/IB ?: (Got completion from peer .*? with status=[0-9]+).*", r"NET/IB : \1"),
    mask("Pod was rejected: ", r"^Pod was rejected: (?=\S)"),
    mask(" for url: ", r"( for url: \S+) \(Request ID: .*", r"\1"),
    mask("tensor([", r"(?<=tensor\(\[) +"),
    mask(" while calling a Python object", r"(?<=recursion depth exceeded) while calling a Python object"),
    mask("arn:", r"\barn:[\w-]+:[^\s\"',;]*", ID),
    mask("An error occurred (", r"^.*: (?=An error occurred \()"),
    mask("have the same columns", r"(?<=have the same columns).*"),
    mask('ontainer "', r"^[Cc]ontainer \"[^\"\n]*\" (?=exited|terminated)", "Container "),
    mask("] ", r"^\[(?:enforce fail at )?[^\]\s]*\.(?:cc|cpp|h|cu):[0-9]+\][ .]*(?:err == [0-9]+\. *)?(?=\S)"),
    mask(" for an array with shape", r" for an array with shape.*"),
    mask(", input_value=", r", input_value=.*"),
    mask("low on resource", r"(low on resource: [\w.-]*\w)\b.*", r"\1"),
    mask("(core dumped)", r" \(core dumped\)$"),
    mask(" cgroup", r"in step \S+ cgroup\b.*", f"in StepId={ID}"),
    # the operating system's errors, with or without the path
    mask("[Errno ", r"(\[Errno -?[0-9]+\] [^:'\n]+): b?(['\"])[^'\"\n]*/[^\n]*\2$", r"\1"),
    mask(
        "undefined symbol",
        r"(?:[^\s:]*/)?([\w-]+)(?:\.[\w.-]*)?\.so[\w.]*: undefined symbol: \S+",
        r"\1: undefined symbol",
    ),
    mask("' not found", r"\S+: version [`']([A-Z]+)_[0-9.]+' not found.*", r"version `\1' not found"),
    # a repository, and a set, which has no order
    mask("'", r"'[\w.-]+/(?![\w.-]*\.(?:jsonl?|ya?ml|py|txt|bin|pt|csv|parquet|model)')[\w.-]+'", f"'{NAME}'"),
    mask("cannot import name", r"(cannot import name '[^'\n]*' from [^(\n]*\w'?) ?\(.*", r"\1"),
    mask("has model type", r"(?<=has model type )[`'][^`'\n]*[`']", f"`{NAME}`"),
    mask("host='", r"(?<=host=')(?:[\w-]+\.)+(?=[\w-]+\.[a-z]+')"),
    mask("{'", r"\{'[^'\n]*'(?:, '[^'\n]*')*\}", f"{{'{NAME}'}}"),
    mask("{'", r"\{'[^{}\n]*': [^{}\n]*\}", f"{{{NAME}}}"),
    # what would have been right, and what else was there
    *(
        mask(word, rf"({word}(?: are)?:?) ?(?:[\[({{'\"`].*|(?<=: ).*)$", rf"\1 {NAME}")
        for word in ("one of", "hoose from", " keys", "olumns in the dataset", "olumns", "ignored", "vailable options")
    ),
    mask("our ", r"(?<=[Yy]our )[\w -]+(?= GPU\b)", NAME),
    mask('{"', r"\{\".*?\"(?:message|detail|error|msg)\": ?\"([^\"\n]*)\".*\}", r"\1"),
    mask("Ray", r"^Ray(?:Task|Actor)Error(?:\(\w+\))?: (?!ray::)(?=\S+ \S+ \S)"),
    mask("failure on ", r"(?<=failure on )[\w.-]*[0-9][\w.-]*", NAME),
    # of a command, its program counts
    mask(
        "Command ",
        r"(?<=Command )['\"\[]+(?:[^\s'\",\]]*[/\\])?([\w.+-]*?)[0-9.]*(?:\.exe)?(?:['\",\s\]].*)?"
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
    mask("Xid", r"^.*?(NVRM: Xid [0-9]+),(?! GPU has fallen off the bus).*", r"\1"),
    mask(": line ", rf"^\S+: line [0-9]+: +[0-9]+ ({_SIGNALS})\b.*", r"\1"),
    mask("Killed process", r"(Killed process) [0-9]+ \([^)\n]*\).*", rf"\1 ({NAME})"),
    mask("oom", r"oom[_-]kill event(?:\(s\)|s)?", "oom_kill events"),
    mask("slurmstepd: error: Detected", r"^.*(?=slurmstepd: error: Detected)"),
    mask("in StepId", r"(in StepId)=\S+?(?=[. ]|$).*", rf"\1={ID}"),
    mask("srun: error: ", r"(?<=srun: error: )\S+: tasks? [0-9,\[\]-]+(?=:)", f"{NAME}: task {NUMBER}"),
    mask(" ON ", r"\*\*\* (?:JOB|STEP) \S+ ON \S+ CANCELLED AT \S+", f"*** JOB {ID} ON {NAME} CANCELLED"),
    mask("Node failure on ", r"^srun: error: Node failure on \S+$", f"slurmstepd: error: *** JOB {ID} ON {NAME} CANCELLED DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS ***"),
    mask("on node ", r"(?<=on node )[\w.-]+(?= exited)", NAME),
    mask("Failed to pull image", rf"(Failed to pull image) .*?({_PULL}).*", rf"\1 {NAME}: \2"),
    mask("image ", r"(?<=image )(?:(['\"])[\w.:/@-]*\w\1|()(?=[\w.:-]+/)[\w.:/@-]*\w)", lambda found: f"{found[1] or ''}{NAME}{found[1] or ''}"),
    mask("manifest for ", r"(?<=manifest for )\S+", NAME),
    mask("failed container", r"(?<=failed container).*? in pod \S+", f" {NAME} in pod {NAME}"),
    mask('"', r"\b([Cc]ontainer|[Pp]ods?|[Vv]olume|configmaps?|secrets?|persistentvolumeclaims?|serviceaccounts?) \"[^\"\n]+\"", rf'\1 "{NAME}"'),
    mask("ontainer ", r"(?<=ontainer )[\w.-]+(?= (?:terminated|was using|exited|failed))", NAME),
    # what an object shows of itself; parameters of a model
    mask("(", r"\b([A-Z]\w+)\((?=\w+=[^\n]*?\b\w+=)(?:[^()\n]|\((?:[^()\n]|\([^()\n]*\))*\))*(?:\)|$)", rf"\1({NAME})"),
    mask("tensor(", r"\btensor\([^()\n]*(?:\)|$)", f"tensor({NUMBER})"),
    mask(".", r"(?<!KeyError: )(['\"`])[A-Za-z_]\w*(?:\.\w+)*\.(?:weight|bias|scales?|lora_[AB]|[0-9]+)(?:\.\w+)*\1", rf"\1{NAME}\1"),
    mask(" library but", r"^\S+(?= requires the .* library but)", NAME),
    mask("Weights only load failed", r"(Weights only load failed).*", r"\1"),
    mask("conda environment: ", r"(?<=conda environment: )\S+", NAME),
    mask("select device driver", r'(?<=select device driver )"\w*"(.*?)\.?$', rf'"{NAME}"\1'),
    mask("nvidia-container-cli", r"^OCI runtime create failed: (?=nvidia-container-cli)"),
    mask("nvidia-container-cli", r": unknown\.?$"),
    mask("Can't find '", r"(?<= at )'[^'\n]*'$", f"'{PATH}'"),
    mask(": invalid ", r"(: invalid (?:choice|\w+ value): ).*", rf"\1{NAME}"),
    mask("can't encode character", r"(?<=can't encode character).*? in position [0-9-]+", f" in position {NUMBER}"),
    mask("failed to extend ", r"Error: failed to extend (\S+) to ([0-9]+) bytes$", r"Error while creating shared memory segment \1 (size \2)"),
    mask("('", r"\('[^'\n]*'(?:, '[^'\n]*')*,?\)", f"('{NAME}')"),
    mask('namespace "', r'(?<=namespace )"[^"\n]*"', f'"{NAME}"'),
    mask(" nodes are available", r"(nodes are available: ).*?([0-9]+ Insufficient [\w.-]+/gpu).*", r"\1\2."),
    mask(". preemption: ", r"\. preemption: .*", "."),
    mask("['", r"\['[^'\n]*'(?:, '[^'\n]*')*\]", f"['{NAME}']"),
    mask(", ", r", (?:please |you may |you should )?(?:consider|try|make sure|refer|did you|use) (?!.*[Ee]rror).*"),
    mask(" Stack trace: ", r"\.? Stack trace: .*"),
    mask("data-dependent expression", r"(?<=data-dependent expression) .*"),
    mask(": ", r": (?:[\w-]+, ){2,}(?:and |or )?[\w-]+\.?$", f": {NAME}"),
    mask("image ", r'\b(image (?:tag|name)) "[^"\n]*"', rf'\1 "{NAME}"'),
    mask("repository name (", r"(?<=repository name )\([^()\n]*\)", f"({NAME})"),
    mask("model in ", r"(?<=model in )\S+?(?=\.?(?:\s|$))", NAME),
    mask("got mixed", r"^\S+: (?=got mixed torch)"),
    mask('layer "', r'(?<=layer )"\w+"', f'"{NAME}"'),
    mask("string to float: ", r"(?<=string to float: )'.*'", f"'{NAME}'"),
    mask("invalid literal for", r"(?<=: )'.+'$", f"'{NAME}'"),
    mask("but found ", r"(?<=but found )[\w-]+\.py\b", NAME),
    mask("file named ", r"(?<=file named )([\w.-]+)(?:, [\w.-]+)*(?: or [\w.-]+)?", r"\1"),
    mask("Request ID", r"\(Request ID: [^)\n]*\)?", f"(Request ID: {ID})"),
    mask("equestId", r"(?i:<(RequestId|HostId)>)[^<\n]*", rf"<\1>{ID}"),
    mask(
        " is not a local folder", r"[\w./-]+(?= is not a local folder)", NAME
    ),
    mask("size mismatch for", r"size mismatch for .*", "size mismatch"),
    mask("key(s) in state_dict", r"((?:Missing|Unexpected) key\(s\) in state_dict).*", r"\1"),
    mask("on the same device", r"but (?:found at least two devices|got \w+ is on).*", "but found at least two devices"),
    mask("which did not receive grad", r" Parameter indices which did not.*"),
    mask("allocat", r"(OOM when allocating tensor).*", r"\1"),
    mask("Memory on the node", r" ?Memory on the node.*"),
    mask("has larger consumption", r" Container .* has larger consumption of .*"),
)  # fmt: skip
