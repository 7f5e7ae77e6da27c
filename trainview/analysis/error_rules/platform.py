"""Rules for what is below a program: GPUs, memory, disks, capacity, images, builds."""

from trainview.analysis.error_rules.rule import (
    LOG,
    MATCH_BUILD,
    MORE_MEMORY,
    REPLACE,
    RESUME,
    SMALLER,
    cause,
    general,
    symptom,
)

PLATFORM = (
    # GPUs and the machine below them
    general(
        "GPU fault",
        "code",
        r"xid (?:13|31|43|45)\b|mmu fault",
        "NVRM: Xid 31, MMU Fault",
        "Mostly a kernel that reads or writes beyond its memory: run with CUDA_LAUNCH_BLOCKING=1.",
    ),
    cause(
        "hardware",
        "infrastructure",
        r"\bxid (?!(?:13|31|43|45)\b)[0-9<]|fallen off the bus|fell off the bus",
        "NVRM: Xid 79, GPU has fallen off the bus.",
        REPLACE,
    ),
    cause(
        "hardware",
        "infrastructure",
        "uncorrectable ecc|ecc error|double bit error|ecc_uncorrectable|row remapp",
        "CUDA error: uncorrectable ECC error encountered",
        REPLACE,
    ),
    cause(
        "hardware",
        "infrastructure",
        "nvlink error|nvswitch|hardware stack error|cuda_error_system_not_ready"
        "|system not yet initialized|fabric manager",
        "CUDA error: uncorrectable NVLink error detected during the execution",
        REPLACE,
    ),
    cause(
        "hardware",
        "infrastructure",
        "no cuda-capable device|no devices were found|unable to determine the device handle"
        r"|cuda-capable device\(s\) is/are busy|gpu is lost|input/output error|errno 5\b"
        "|machine check|read-only file system",
        "RuntimeError: No CUDA-capable device is detected",
        REPLACE,
    ),
    # memory
    cause(
        "GPU out of memory",
        "code",
        "cuda out of memory|cuda error: out of memory|out of memory on gpu"
        "|gpu.{0,20} out of memory|cuda_error_out_of_memory|cuda failure.{0,12}out of memory"
        "|cublas_status_alloc_failed"
        "|resource_exhausted: (?:out of memory|failed to allocate|attempting to)"
        "|oom when allocating tensor|hip out of memory|cuda runtime error.*out of memory"
        "|no available memory for the cache blocks",
        "OutOfMemoryError: CUDA out of memory. Tried to allocate 1.96 GiB.",
        SMALLER,
    ),
    cause(
        "GPU out of memory",
        "code",
        "larger than the maximum number of tokens that can be stored in kv cache"
        "|out of resources?: shared memory|memory-efficient attention.*shared memory",
        "It is larger than the maximum number of tokens that can be stored in KV cache (512).",
        "Lower the model's longest sequence or block sizes, or give the cache more GPU memory.",
    ),
    cause(
        "shared memory",
        "infrastructure",
        r"shared memory|\bshm\b|bus error|sigbus|exit code 135\b|signal 7\b|exitcode:? -7\b",
        "DataLoader worker is killed by signal: Bus error. Its workers are out of shared memory.",
        "Give the container a larger /dev/shm, or use fewer data workers.",
    ),
    cause(
        "host out of memory",
        "code",
        "oomkilled|oom_kill|oom-kill|out of memory: killed|memory cgroup out of memory"
        r"|node running low on memory|low on resource: memory|task \S+: out of memory"
        r"|cannot allocate memory|errno 12\b|std::bad_alloc|\bmemoryerror\b"
        "|defaultcpuallocator|unable to allocate .*array|exceeded.*memory limit",
        "Out of memory: Killed process 7 (python)",
        MORE_MEMORY,
    ),
    # disks
    cause(
        "disk full",
        "capacity",
        r"no space left on device|errno 28\b|disk (?:is )?full|ephemeral.storage"
        "|not enough (?:free )?disk space|disk pressure|diskpressure",
        "OSError: [Errno 28] No space left on device",
        "Delete old checkpoints and caches, keep fewer of them, or ask for a larger volume.",
    ),
    cause(
        "disk quota",
        "capacity",
        r"disk quota exceeded|errno 122\b",
        "OSError: [Errno 122] Disk quota exceeded",
        "Delete files, move the cache to another volume, or ask for a larger quota.",
    ),
    cause(
        "storage",
        "infrastructure",
        r"stale (?:nfs )?file handle|errno 116\b|transport endpoint is not connected"
        r"|errno 107\b|mounting|mount(?:volume)?[. ](?:failed|setup)|failedmount"
        "|unable to attach or mount",
        "OSError: [Errno 116] Stale file handle",
        "Mount the volume again; start on another node, and tell who runs the storage.",
    ),
    # capacity: waiting, preemption, limits of time
    cause(
        "no capacity",
        "capacity",
        "nodes are available|insufficient (?:nvidia|cpu|memory)|failedscheduling"
        "|insufficient capacity|waiting for capacity|insufficientinstancecapacity"
        "|zone_resource_pool_exhausted|no capacity",
        "0/14 nodes are available: 14 Insufficient nvidia.com/gpu.",
        "Wait, ask for fewer or other GPUs, or raise the quota.",
    ),
    cause(
        "preemption",
        "capacity",
        "preempt(?:ed|ion)|spot (?:capacity|instance).*(?:reclaim|interrupt|terminat)"
        "|was reclaimed|spot interruption",
        "Spot capacity was reclaimed after 33 minutes",
        RESUME,
    ),
    cause(
        "node lost",
        "infrastructure",
        "was drained|drained for|maintenance|node (?:is )?(?:shutting down|not ?ready)"
        "|nodelost|node_fail|node failure|node.* has died",
        "Node 92355e63 was drained for maintenance",
        RESUME,
    ),
    cause(
        "time limit",
        "capacity",
        "due to time limit|time limit|deadlineexceeded: job"
        "|active longer than specified deadline|exceeded .*(?:wall ?time|maximum run ?time)",
        "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2025-05-06 DUE TO TIME LIMIT ***",
        "Ask for more time, or save and resume before the limit.",
    ),
    cause(
        "eviction",
        "infrastructure",
        r"\bevicted\b|the node was low on resource|node had condition",
        "The node was low on resource: pids.",
        "Set requests and limits that match the use.",
    ),
    # images and containers
    cause(
        "image pull",
        "code",
        "image.*(?:not found|manifest unknown|unauthorized|denied|forbidden|no basic auth)"
        "|invalidimagename|manifest for .* not found",
        'Failed to pull image "ghcr.io/acme/trainer:v1": not found',
        "Check name, tag and digest of the image, and the secret that reads the registry.",
    ),
    cause(
        "image pull",
        "infrastructure",
        "image.*(?:too many requests|toomanyrequests|timeout|no such host|deadline exceeded"
        "|refused|unexpected eof)",
        'Failed to pull image "ghcr.io/acme/trainer:v1": 429 Too Many Requests',
        "Try again; keep a copy of the image in a registry nearby.",
    ),
    symptom(
        "image pull",
        "unknown",
        "imagepullbackoff|errimagepull|back-off pulling image|failed to pull image",
        'Back-off pulling image "ghcr.io/acme/trainer:v1"',
        "Read the event before it, which says why the pull failed.",
    ),
    symptom(
        "container",
        "unknown",
        "crashloopbackoff|back-off restarting|runcontainererror",
        "Back-off restarting failed container main in pod a-b",
        LOG,
    ),
    cause(
        "container",
        "code",
        r"failed to create (?:containerd|shim) task|executable file not found in \$path"
        "|exec format error|createcontainerconfigerror|oci runtime",
        "OCI runtime create failed: exec format error",
        "Check the image's entry point, its architecture, and the secrets and volumes it names.",
    ),
    # builds that do not fit
    cause(
        "driver",
        "infrastructure",
        "driver on your system is too old|driver version is insufficient"
        "|found no nvidia driver|driver/library version mismatch|cuda unknown error"
        "|unsupported toolchain|no nvidia driver",
        "RuntimeError: The NVIDIA driver on your system is too old (found version 11040).",
        "Update the driver of the node, or use an image built for an older CUDA.",
    ),
    cause(
        "unsupported GPU",
        "code",
        r"no kernel image is available|cuda capability \S+ is not compatible"
        "|only supports ampere|requires (?:device|gpu).*capability"
        "|is only supported on.*capability|compute capability",
        "RuntimeError: CUDA error: no kernel image is available for execution on the device",
        "Use a build that has this GPU's architecture, or another GPU or kernel.",
    ),
    cause(
        "library mismatch",
        "code",
        "undefined symbol|version `?'?(?:glibc|glibcxx|cxxabi)"
        r"|numpy\.(?:ndarray|dtype) size changed|compiled using numpy|different cuda versions"
        "|detected cuda version|mismatches the version|cannot open shared object file"
        "|dll load failed|symbol not found",
        "ImportError: flash_attn_2_cuda: undefined symbol",
        MATCH_BUILD,
    ),
    cause(
        "missing module",
        "code",
        "no module named|library but it was not found|requires the .* library"
        r"|requires `?\S+`?: please run|please (?:pip )?install|requires `\w+[><=]"
        "|packagenotfounderror|is not installed",
        "ModuleNotFoundError: No module named 'deepspeed'",
        "Add the package to the image or the requirements, in a version that fits.",
    ),
    general(
        "import",
        "code",
        r"\bimporterror\b|cannot import name",
        "ImportError: cannot import name 'x' from 'peft'",
        MATCH_BUILD,
    ),
    cause(
        "package install",
        "code",
        "could not find a version|no matching distribution|resolutionimpossible"
        "|failed building wheel|subprocess-exited-with-error|metadata-generation-failed",
        "ERROR: No matching distribution found for x==9",
        "Pin versions that exist and fit.",
    ),
    cause(
        "missing command",
        "code",
        r"command not found|exit(?:ed)?(?: with)?(?: code| status)? 127\b|exitcode:? 127\b"
        "|exit code:? 127",
        "/bin/bash: line 1: torchrun: command not found",
        "Install the program in the image, or correct the command and PATH.",
    ),
)
