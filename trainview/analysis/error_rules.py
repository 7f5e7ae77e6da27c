"""What kind of failure a message tells of, whose it is, and what to do: a table of rules."""

import re
from functools import partial
from typing import Literal, NamedTuple

Origin = Literal["code", "infrastructure", "capacity", "unknown"]


class Rule(NamedTuple):
    """One kind of message.

    Attributes
    ----------
    category : str
        The kind of failure.
    origin : {"code", "infrastructure", "capacity", "unknown"}
        Who can mend it: the author of the job, whoever runs the machines, or nobody before GPUs,
        memory or disk are free.
    is_symptom : bool
        Whether the message mostly follows another failure, which says more.
    is_general : bool
        Whether a message of another rule says more about the same failure.
    pattern : re.Pattern
        What the message contains, in small letters.
    example : str
        A message of this kind.
    advice : str
        What to do, in one line.
    """

    category: str
    origin: Origin
    is_symptom: bool
    is_general: bool
    pattern: re.Pattern[str]
    example: str
    advice: str


def _rule(
    kind: tuple[bool, bool], category: str, origin: Origin, pattern: str, example: str, advice: str
) -> Rule:
    return Rule(category, origin, *kind, re.compile(pattern), example, advice)


# symptom or not, general or not
_cause = partial(_rule, (False, False))
_general = partial(_rule, (False, True))
_symptom = partial(_rule, (True, False))

_SMALLER = "Lower the batch size or sequence length, checkpoint activations, or shard the model."
_MORE_MEMORY = "Ask for more memory, or load less at once: fewer data workers, smaller shards."
_OTHER_RANK = "Look for the rank that failed first: this one only waited for it or lost it."
_REPLACE = "Take the node out of service, reset or replace the GPU, and start again elsewhere."
_MATCH_BUILD = "Install a build made for this version of PyTorch, Python, CUDA and the system."
_TOKEN = "Check the token or key, its permissions, and that access was granted."  # noqa: S105 # advice, not a secret
_RETRY = "Try again later; retry with growing pauses in the job."
_NETWORK = "Check address, DNS, proxy and network policy; retry with growing pauses."
_CODE = "Mend the program: the traceback in the example says where."
_LOG = "Read the log of the worker: this line only tells how it ended."
_RESUME = "Resume from the last checkpoint; save more often where this is frequent."
_DATA = "Check the data file named in the log, and what made it."

# The first rule that matches counts, so what is special stands before what is general.
RULES = (
    # GPUs and the machine below them
    _general(
        "GPU fault",
        "code",
        r"xid (?:13|31|43|45)\b|mmu fault",
        "NVRM: Xid 31, MMU Fault",
        "Mostly a kernel that reads or writes beyond its memory: run with CUDA_LAUNCH_BLOCKING=1.",
    ),
    _cause(
        "hardware",
        "infrastructure",
        r"\bxid (?!(?:13|31|43|45)\b)[0-9<]|fallen off the bus|fell off the bus",
        "NVRM: Xid 79, GPU has fallen off the bus.",
        _REPLACE,
    ),
    _cause(
        "hardware",
        "infrastructure",
        "uncorrectable ecc|ecc error|double bit error|ecc_uncorrectable|row remapp",
        "CUDA error: uncorrectable ECC error encountered",
        _REPLACE,
    ),
    _cause(
        "hardware",
        "infrastructure",
        "nvlink error|nvswitch|hardware stack error|cuda_error_system_not_ready"
        "|system not yet initialized|fabric manager",
        "CUDA error: uncorrectable NVLink error detected during the execution",
        _REPLACE,
    ),
    _cause(
        "hardware",
        "infrastructure",
        "no cuda-capable device|no devices were found|unable to determine the device handle"
        r"|cuda-capable device\(s\) is/are busy|gpu is lost|input/output error|errno 5\b"
        "|machine check|read-only file system",
        "RuntimeError: No CUDA-capable device is detected",
        _REPLACE,
    ),
    # memory
    _cause(
        "GPU out of memory",
        "code",
        "cuda out of memory|cuda error: out of memory|out of memory on gpu"
        "|gpu.{0,20} out of memory|cuda_error_out_of_memory|cuda failure.{0,12}out of memory"
        "|cublas_status_alloc_failed"
        "|resource_exhausted: (?:out of memory|failed to allocate|attempting to)"
        "|oom when allocating tensor|hip out of memory|cuda runtime error.*out of memory"
        "|no available memory for the cache blocks",
        "OutOfMemoryError: CUDA out of memory. Tried to allocate 1.96 GiB.",
        _SMALLER,
    ),
    _cause(
        "GPU out of memory",
        "code",
        "larger than the maximum number of tokens that can be stored in kv cache"
        "|out of resources?: shared memory|memory-efficient attention.*shared memory",
        "It is larger than the maximum number of tokens that can be stored in KV cache (512).",
        "Lower the model's longest sequence or block sizes, or give the cache more GPU memory.",
    ),
    _cause(
        "shared memory",
        "infrastructure",
        r"shared memory|\bshm\b|bus error|sigbus|exit code 135\b|signal 7\b|exitcode:? -7\b",
        "DataLoader worker is killed by signal: Bus error. Its workers are out of shared memory.",
        "Give the container a larger /dev/shm, or use fewer data workers.",
    ),
    _cause(
        "host out of memory",
        "code",
        "oomkilled|oom_kill|oom-kill|out of memory: killed|memory cgroup out of memory"
        r"|node running low on memory|low on resource: memory|task \S+: out of memory"
        r"|cannot allocate memory|errno 12\b|std::bad_alloc|\bmemoryerror\b"
        "|defaultcpuallocator|unable to allocate .*array|exceeded.*memory limit",
        "Out of memory: Killed process 7 (python)",
        _MORE_MEMORY,
    ),
    # disks
    _cause(
        "disk full",
        "capacity",
        r"no space left on device|errno 28\b|disk (?:is )?full|ephemeral.storage"
        "|not enough (?:free )?disk space|disk pressure|diskpressure",
        "OSError: [Errno 28] No space left on device",
        "Delete old checkpoints and caches, keep fewer of them, or ask for a larger volume.",
    ),
    _cause(
        "disk quota",
        "capacity",
        r"disk quota exceeded|errno 122\b",
        "OSError: [Errno 122] Disk quota exceeded",
        "Delete files, move the cache to another volume, or ask for a larger quota.",
    ),
    _cause(
        "storage",
        "infrastructure",
        r"stale (?:nfs )?file handle|errno 116\b|transport endpoint is not connected"
        r"|errno 107\b|mounting|mount(?:volume)?[. ](?:failed|setup)|failedmount"
        "|unable to attach or mount",
        "OSError: [Errno 116] Stale file handle",
        "Mount the volume again; start on another node, and tell who runs the storage.",
    ),
    # capacity: waiting, preemption, limits of time
    _cause(
        "no capacity",
        "capacity",
        "nodes are available|insufficient (?:nvidia|cpu|memory)|failedscheduling"
        "|insufficient capacity|waiting for capacity|insufficientinstancecapacity"
        "|zone_resource_pool_exhausted|no capacity",
        "0/14 nodes are available: 14 Insufficient nvidia.com/gpu.",
        "Wait, ask for fewer or other GPUs, or raise the quota.",
    ),
    _cause(
        "preemption",
        "capacity",
        "preempt(?:ed|ion)|spot (?:capacity|instance).*(?:reclaim|interrupt|terminat)"
        "|was reclaimed|spot interruption",
        "Spot capacity was reclaimed after 33 minutes",
        _RESUME,
    ),
    _cause(
        "node lost",
        "infrastructure",
        "was drained|drained for|maintenance|node (?:is )?(?:shutting down|not ?ready)"
        "|nodelost|node_fail|node failure|node.* has died",
        "Node 92355e63 was drained for maintenance",
        _RESUME,
    ),
    _cause(
        "time limit",
        "capacity",
        "due to time limit|time limit|deadlineexceeded: job"
        "|active longer than specified deadline|exceeded .*(?:wall ?time|maximum run ?time)",
        "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2025-05-06 DUE TO TIME LIMIT ***",
        "Ask for more time, or save and resume before the limit.",
    ),
    _cause(
        "eviction",
        "infrastructure",
        r"\bevicted\b|the node was low on resource|node had condition",
        "The node was low on resource: pids.",
        "Set requests and limits that match the use.",
    ),
    # images and containers
    _cause(
        "image pull",
        "code",
        "image.*(?:not found|manifest unknown|unauthorized|denied|forbidden|no basic auth)"
        "|invalidimagename|manifest for .* not found",
        'Failed to pull image "ghcr.io/acme/trainer:v1": not found',
        "Check name, tag and digest of the image, and the secret that reads the registry.",
    ),
    _cause(
        "image pull",
        "infrastructure",
        "image.*(?:too many requests|toomanyrequests|timeout|no such host|deadline exceeded"
        "|refused|unexpected eof)",
        'Failed to pull image "ghcr.io/acme/trainer:v1": 429 Too Many Requests',
        "Try again; keep a copy of the image in a registry nearby.",
    ),
    _symptom(
        "image pull",
        "unknown",
        "imagepullbackoff|errimagepull|back-off pulling image|failed to pull image",
        'Back-off pulling image "ghcr.io/acme/trainer:v1"',
        "Read the event before it, which says why the pull failed.",
    ),
    _symptom(
        "container",
        "unknown",
        "crashloopbackoff|back-off restarting|runcontainererror",
        "Back-off restarting failed container main in pod a-b",
        _LOG,
    ),
    _cause(
        "container",
        "code",
        r"failed to create (?:containerd|shim) task|executable file not found in \$path"
        "|exec format error|createcontainerconfigerror|oci runtime",
        "OCI runtime create failed: exec format error",
        "Check the image's entry point, its architecture, and the secrets and volumes it names.",
    ),
    # builds that do not fit
    _cause(
        "driver",
        "infrastructure",
        "driver on your system is too old|driver version is insufficient"
        "|found no nvidia driver|driver/library version mismatch|cuda unknown error"
        "|unsupported toolchain|no nvidia driver",
        "RuntimeError: The NVIDIA driver on your system is too old (found version 11040).",
        "Update the driver of the node, or use an image built for an older CUDA.",
    ),
    _cause(
        "unsupported GPU",
        "code",
        r"no kernel image is available|cuda capability \S+ is not compatible"
        "|only supports ampere|requires (?:device|gpu).*capability"
        "|is only supported on.*capability|compute capability",
        "RuntimeError: CUDA error: no kernel image is available for execution on the device",
        "Use a build that has this GPU's architecture, or another GPU or kernel.",
    ),
    _cause(
        "library mismatch",
        "code",
        "undefined symbol|version `?'?(?:glibc|glibcxx|cxxabi)"
        r"|numpy\.(?:ndarray|dtype) size changed|compiled using numpy|different cuda versions"
        "|detected cuda version|mismatches the version|cannot open shared object file"
        "|dll load failed|symbol not found",
        "ImportError: flash_attn_2_cuda: undefined symbol",
        _MATCH_BUILD,
    ),
    _cause(
        "missing module",
        "code",
        "no module named|library but it was not found|requires the .* library"
        r"|requires `?\S+`?: please run|please (?:pip )?install|requires `\w+[><=]"
        "|packagenotfounderror|is not installed",
        "ModuleNotFoundError: No module named 'deepspeed'",
        "Add the package to the image or the requirements, in a version that fits.",
    ),
    _general(
        "import",
        "code",
        r"\bimporterror\b|cannot import name",
        "ImportError: cannot import name 'x' from 'peft'",
        _MATCH_BUILD,
    ),
    _cause(
        "package install",
        "code",
        "could not find a version|no matching distribution|resolutionimpossible"
        "|failed building wheel|subprocess-exited-with-error|metadata-generation-failed",
        "ERROR: No matching distribution found for x==9",
        "Pin versions that exist and fit.",
    ),
    _cause(
        "missing command",
        "code",
        r"command not found|exit(?:ed)?(?: with)?(?: code| status)? 127\b|exitcode:? 127\b"
        "|exit code:? 127",
        "/bin/bash: line 1: torchrun: command not found",
        "Install the program in the image, or correct the command and PATH.",
    ),
    # divergence
    _cause(
        "divergence (NaN)",
        "code",
        r"\b(?:nan|inf|infinite)\b.*(?:loss|grad|iteration|value|tensor|detected|encountered)"
        r"|(?:loss|grad\w*|tensor|value).*\b(?:nan|infinite|non-?finite)\b|loss scale"
        "|minimum loss scale|probability tensor contains|floatingpointerror",
        "FloatingPointError: Loss became infinite or NaN at iteration=166!",
        "Lower the learning rate, clip gradients, warm up, prefer bfloat16, and check the batch.",
    ),
    # collectives: mostly another rank's death
    _symptom(
        "NCCL timeout",
        "unknown",
        "watchdog caught|collective operation (?:timeout|timed out)"
        "|nccl operations have failed or timed out|watchdog got stuck"
        "|heartbeat monitor timed out|monitoredbarrier"
        "|process group watchdog thread terminated"
        "|timed out waiting.*(?:allreduce|barrier|recv|collective)",
        "Watchdog caught collective operation timeout: WorkNCCL(SeqNum=7)",
        _OTHER_RANK,
    ),
    _cause(
        "GPU shared by ranks",
        "code",
        "duplicate gpu detected",
        "NCCL error: internal error: Duplicate GPU detected : rank 1 and rank 0",
        "Give each rank a GPU of its own: torch.cuda.set_device(local_rank).",
    ),
    _symptom(
        "lost peer",
        "unknown",
        "remote process exited|connection closed by|ncclremoteerror|socketprogress"
        r"|connection reset by peer|errno 104\b|broken pipe|errno 32\b|socket timeout"
        "|connectionreseterror|diststoreerror|store.*(?:broken|closed)|failed to recv"
        "|unexpected end of file|end of file",
        "NCCL error: remote process exited or there was a network error",
        _OTHER_RANK,
    ),
    _cause(
        "port in use",
        "code",
        r"address already in use|eaddrinuse|failed to listen on any local|errno 98\b",
        "RuntimeError: address already in use",
        "Choose a free port for each job (--rdzv-endpoint, MASTER_PORT=0).",
    ),
    _symptom(
        "rendezvous",
        "unknown",
        "client socket has (?:timed out|failed)|rendezvous|tcpstore"
        "|timed out .*(?:joining|connecting)|init_process_group"
        "|could not connect to (?:the )?master",
        "DistNetworkError: The client socket has timed out after 600000ms",
        "Check that all nodes started, and that they reach the master's address and port.",
    ),
    _symptom(
        "NCCL error",
        "unknown",
        r"\bnccl|gloo|infiniband|\bibv_|\bucx\b|\bucc\b",
        "DistBackendError: NCCL error: unhandled system error",
        "Run with NCCL_DEBUG=INFO, and check the network interfaces and the other ranks.",
    ),
    _cause(
        "distributed set-up",
        "code",
        "finished reduction in the prior iteration|marked (?:as )?ready (?:twice|only once)"
        "|unused parameter|invalid device ordinal|world.?size"
        "|default process group has not been initialized|unpicklable|can't pickle"
        "|cannot re-initialize cuda in forked|cannot pickle",
        "RuntimeError: Expected to have finished reduction in the prior iteration.",
        "Check the wrapping, the unused parameters, and how processes are started.",
    ),
    # GPU programs
    _cause(
        "GPU assert",
        "code",
        "device-side assert|indexselectlargeindex|srcindex < srcselectdimsize"
        "|assertion `.*` failed",
        "RuntimeError: CUDA error: device-side assert triggered",
        "Check labels and token ids against the sizes of the layers; run once on the CPU.",
    ),
    _general(
        "GPU fault",
        "code",
        "illegal memory access|unspecified launch failure|misaligned address"
        "|illegal instruction was encountered|launch timed out|invalid program counter"
        "|cuda_error_illegal",
        "RuntimeError: CUDA error: an illegal memory access was encountered",
        "Run with CUDA_LAUNCH_BLOCKING=1 to find the kernel; suspect the GPU if one node has it.",
    ),
    _cause(
        "GPU library",
        "unknown",
        "cublas_status|cudnn|cusolver|cufft|cusparse|nvrtc|triton",
        "RuntimeError: cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
        "Mostly memory or versions: leave more GPU memory free, check CUDA and cuDNN.",
    ),
    _general(
        "GPU error",
        "unknown",
        "cuda error|cuda failure|cuda_error|hip error|accelerator error|acceleratorerror",
        "RuntimeError: CUDA error: invalid argument",
        "Check which GPUs the process sees; run with CUDA_LAUNCH_BLOCKING=1.",
    ),
    # the outside: access, limits, servers, network
    _cause(
        "access refused",
        "code",
        "gated repo|is not in the authorized list|restricted and you are not",
        "OSError: You are trying to access a gated repo.",
        "Ask for access to the repository, and pass a token that has it.",
    ),
    _general(
        "rate limit",
        "infrastructure",
        r"\b429\b|too many requests|slowdown|rate.?limit|throttl|reduce your request rate",
        "HTTPError: 429 Client Error: Too Many Requests for url",
        _RETRY,
    ),
    _general(
        "access refused",
        "code",
        r"\b40[13]\b|unauthorized|forbidden|access ?denied|expiredtoken|invalidaccesskeyid"
        "|signaturedoesnotmatch|nocredentials|unable to locate credentials"
        "|could not automatically determine credentials|api_key not configured"
        "|invalid (?:api.?key|token|username or password)|permission_denied|authentication"
        "|not authorized",
        "HTTPError: 401 Client Error: Unauthorized for url",
        _TOKEN,
    ),
    _general(
        "not found",
        "code",
        r"\b404\b|nosuchkey|nosuchbucket|repositorynotfound|entrynotfound"
        "|not a valid model identifier|revisionnotfound|is not a local folder|datasetnotfound"
        "|couldn't find a dataset",
        "HTTPError: 404 Client Error: Not Found for url",
        "Check the name, the revision and the path; a private one needs a token.",
    ),
    _general(
        "server error",
        "infrastructure",
        r"\b50[0-9]\b|server error|service unavailable|bad gateway|internalerror"
        "|we encountered an internal error|serviceunavailable",
        "HTTPError: 503 Server Error: Service Unavailable for url",
        _RETRY,
    ),
    _cause(
        "certificate",
        "infrastructure",
        r"certificate|\bssl\b|sslerror|tls handshake",
        "SSLError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",
        "Give the image the company's certificates, and check its clock.",
    ),
    _general(
        "network",
        "infrastructure",
        "name resolution|name or service not known|no such host|nodename nor servname"
        r"|gaierror|connection refused|connectionrefused|errno 11[013]\b"
        "|connection (?:attempt )?timed out|no route to host|network is unreachable"
        "|max retries exceeded|connecttimeout|readtimeout|read timed out|proxyerror"
        "|connectionerror|incompleteread|connection aborted|couldn't connect to|offline mode"
        "|localentrynotfound",
        "ConnectionRefusedError: [Errno 111] Connection refused",
        _NETWORK,
    ),
    # files
    _cause(
        "permission",
        "code",
        r"permission denied|errno 13\b|permissionerror|operation not permitted|errno 1\b",
        "PermissionError: [Errno 13] Permission denied: '/out'",
        "Write where the job's user may write, or change the owner of the volume.",
    ),
    _cause(
        "too many open files",
        "code",
        r"too many open files|errno 24\b|received 0 items of ancdata",
        "OSError: [Errno 24] Too many open files",
        "Close files, use fewer workers, raise ulimit -n, or share tensors by file_system.",
    ),
    _cause(
        "corrupt file",
        "code",
        "pytorchstreamreader|pytorchstreamwriter|error while deserializing header"
        "|safetensorerror|unpicklingerror|invalid load key|ran out of input|badzipfile"
        r"|not a zip file|unexpected eof|compressed file ended|\bcrc\b|truncated"
        "|header ?too ?large|invalid magic number|consistency check failed|file is corrupted"
        "|checksum",
        "RuntimeError: PytorchStreamReader failed reading zip archive",
        "Use an older checkpoint or download again; write under another name, then rename.",
    ),
    _cause(
        "missing file",
        "code",
        r"no such file or directory|filenotfounderror|errno 2\b|not found in directory"
        "|does not exist|file not found",
        "FileNotFoundError: [Errno 2] No such file or directory: '/a'",
        "Check the path, the mounted volumes, and that an earlier step has written it.",
    ),
    # data and settings
    _cause(
        "data",
        "code",
        "jsondecodeerror|unicodedecodeerror|casterror|couldn't cast|schemainference"
        "|arrowinvalid|arrow(?:type|notimplemented)error|parsererror|error tokenizing data"
        "|unidentifiedimage|cannot identify image|datasetgeneration|non.?matching ?splits"
        "|expected value at line|num_samples should be a positive|must have the same columns"
        "|decode error|webdataset|empty dataset|list object is not.*collate"
        "|stack expects each tensor|unable to create tensor",
        "JSONDecodeError: Extra data: line 2 column 1 (char 8779)",
        _DATA,
    ),
    _cause(
        "configuration",
        "code",
        "error: (?:the following )?arguments? |unrecognized arguments|invalid choice"
        "|could not override|not in 'struct'|is not in struct|is not in .?struct"
        r"|configattributeerror|omegaconf|hydra|scannererror|yaml\.|parser ?error"
        "|validation errors? for|misconfiguration|interpolationkeyerror|missingmandatoryvalue"
        "|unknown option|no such option|missing option|invalid value for"
        "|extra inputs are not permitted|unexpected keyword argument",
        "train.py: error: the following arguments are required: --model",
        "Correct the option or the configuration file that the message names.",
    ),
    _cause(
        "weights do not fit",
        "code",
        r"loading state_dict|size mismatch|missing key\(s\)|unexpected key\(s\)"
        "|newly initialized.*ignore_mismatched|checkpoint shapes?",
        "RuntimeError: Error(s) in loading state_dict for M: size mismatch",
        "Load with the model, vocabulary and settings that wrote the checkpoint.",
    ),
    _cause(
        "shape or type",
        "code",
        "shapes? cannot be multiplied|size of tensor|must match the size"
        "|same (?:device|dtype)|sizes of tensors|expected (?:input|scalar type|all tensors)"
        r"|shape '.*' is invalid|expected \w+ but (?:found|got)|mat1 and mat2"
        "|dimension(?:s)? (?:out of range|mismatch)|invalid for input of size"
        "|not implemented for '|does not match|could not broadcast|index out of range in self"
        "|longer than the specified maximum",
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x768 and 1024x4096)",
        "Check shapes, types and devices of the tensors that meet there.",
    ),
    _cause(
        "compiler",
        "code",
        r"torch\._?dynamo|torch\._?inductor|backendcompilerfailed|inductorerror|ninja|nvcc"
        "|graph break|cuda_home",
        "BackendCompilerFailed: backend='inductor' raised",
        "Run without torch.compile to tell; install the compiler tools that it needs.",
    ),
    # ends of processes
    _cause(
        "stopped by hand",
        "code",
        r"keyboardinterrupt|cancelled by user|canceled by user|exit code 130\b|\bsigint\b"
        r"|signal:? 2\b",
        "KeyboardInterrupt",
        "Nothing to mend: somebody stopped it.",
    ),
    _symptom(
        "crash",
        "unknown",
        r"segmentation fault|sigsegv|exit(?:ed)?(?: with)?(?: code| status)?:? (?:139|-11)\b"
        r"|exitcode:? -11\b|signal:? 11\b|core dumped|illegal instruction|sigabrt|signal:? 6\b"
        r"|exit code:? 134\b|exitcode:? -6\b|return code = -(?:6|11)\b|\baborted\b|free\(\): "
        r"|malloc\(\): |double free|stack smashing|corrupted size",
        "Fatal Python error: Segmentation fault",
        "Run with PYTHONFAULTHANDLER=1; check native extensions against PyTorch's version.",
    ),
    _symptom(
        "SIGTERM",
        "unknown",
        r"sigterm|got signal: 15\b|signal:? 15\b"
        r"|exit(?:ed)?(?: with)?(?: code| status)?:? (?:143|-15)\b|exitcode:? -15\b"
        r"|return code = -15\b|death signal|\bterminated$",
        "SignalException: Process 7 got signal: 15",
        "Something stopped it: look for preemption, eviction, a limit, or another rank's end.",
    ),
    _symptom(
        "SIGKILL",
        "unknown",
        r"sigkill|exit(?:ed)?(?: with)?(?: code| status)?:? (?:137|-9)\b|exitcode:? -9\b"
        r"|return code = -9\b|signal:? 9\b|\bkilled\b",
        "Process exited with code 137",
        "Mostly the host's memory: compare its peak with the limit, and use fewer data workers.",
    ),
    _symptom(
        "lost worker",
        "unknown",
        "actor ?died|actor died|worker died|died unexpectedly|worker.* exited unexpectedly"
        "|worker.*died|brokenprocesspool|raylet|lost connection to worker",
        "ActorDiedError: The actor died unexpectedly before finishing this task.",
        _LOG,
    ),
    _symptom(
        "hangup",
        "unknown",
        r"got signal: 1\b|sighup",
        "SignalException: Process 7 got signal: 1",
        "Start it without a terminal: nohup, tmux, or the scheduler.",
    ),
    _symptom(
        "worker failed",
        "unknown",
        "childfailederror|calledprocesserror|raytaskerror|return code = "
        "|returned a non-zero exit|non-zero exit (?:code|status)"
        r"|exit(?:ed)?(?: with)?(?: code| status)[: ]|exitcode|\w*exceptiongroup\b|mpirun"
        r"|mpiexec|exits? with|systemexit|caught \w+ in (?:dataloader|replica)|pid.*exited"
        r"|failed \(exitcode",
        "Process exited with code 1",
        _LOG,
    ),
    _general(
        "bug in the program",
        "code",
        r"^…?(?:typeerror|nameerror|attributeerror|syntaxerror|indentationerror|unboundlocalerror|zerodivisionerror|notimplementederror|recursionerror|assertionerror|keyerror|indexerror)\b",
        "AttributeError: 'NoneType' object has no attribute 'shape'",
        _CODE,
    ),
)

# Where no rule matches, nothing is guessed.
OTHER = _rule((False, False), "other", "unknown", "", "", "Read the whole message and the log.")
# A job that failed without a word.
NO_MESSAGE = OTHER._replace(advice="Read the log: the job has no message.")


def rule_of(message: str) -> Rule:
    """Find the rule for a message.

    Parameters
    ----------
    message : str
        One line, whole or with placeholders.

    Returns
    -------
    Rule
        The first in `RULES` that matches, else `OTHER`.

    Examples
    --------
    >>> rule_of("OSError: [Errno 28] No space left on device").category
    'disk full'
    """
    text = message.lower()
    return next((rule for rule in RULES if rule.pattern.search(text)), OTHER)
