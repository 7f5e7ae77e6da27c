"""Rules for what is below a program: GPUs, memory, disks, capacity."""

from trainview.analysis.error_rules.rule import (
    MORE_MEMORY,
    REPLACE,
    RESUME,
    SMALLER,
    cause,
    general,
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
        "no devices were found|unable to determine the device handle"
        r"|cuda-capable devices?(?:\(s\))? (?:is/)?are busy|gpu is lost|input/output error"
        r"|errno 5\b|machine check",
        "OSError: [Errno 5] Input/output error",
        REPLACE,
    ),
    cause(
        "no GPU",
        "unknown",
        "no cuda-capable device|no cuda gpus are available|no visible gpu|no nvidia gpu"
        "|no gpu(?:s)? (?:found|available|were found|detected)|no supported gpu"
        "|failed to initialize nvml(?!: driver)"
        r"|cuda device but torch\.cuda\.is_available\(\) is false|initialize backend '(?:cuda"
        "|gpu)'|could not select device driver|requires a gpu|gpu is (?:required|needed)",
        "RuntimeError: No CUDA GPUs are available",
        "Check that the job asks for GPUs, CUDA_VISIBLE_DEVICES, and the container's GPU runtime.",
    ),
    # memory
    cause(
        "GPU out of memory",
        "code",
        "cuda out of memory|cuda error: out of memory|out of memory on gpu"
        "|gpu.{0,20} out of memory|cuda_error_out_of_memory|cuda failure.{0,12}out of memory"
        "|cublas_status_alloc_failed|resource_exhausted: (?:out of memory|failed to allocate"
        "|attempting to)|oom when allocating tensor|(?:hip|mps backend|xpu) out of memory"
        "|error allocating device buffer|failed to cuda (?:calloc|malloc)"
        "|failed to allocate .* on (?:the )?(?:gpu|device)|cuda runtime error.*out of memory"
        "|no available memory for the cache blocks",
        "OutOfMemoryError: CUDA out of memory. Tried to allocate 1.96 GiB.",
        SMALLER,
    ),
    cause(
        "GPU out of memory",
        "code",
        "free memory on device|kv cache is needed"
        "|larger than the maximum number of tokens that can be stored in kv cache"
        "|out of resources?: shared memory|memory-efficient attention.*shared memory",
        "It is larger than the maximum number of tokens that can be stored in KV cache (512).",
        "Lower the model's longest sequence or block sizes, or give the cache more GPU memory.",
    ),
    cause(
        "shared memory",
        "infrastructure",
        r"shared memory|\bshm\b|bus error|sigbus|{exit}(?:135|-7)\b|{signal}7\b",
        "DataLoader worker is killed by signal: Bus error. Its workers are out of shared memory.",
        "Give the container a larger /dev/shm, or use fewer data workers.",
    ),
    cause(
        "host out of memory",
        "code",
        "oomkilled|oom_kill|oom-kill|out of memory: killed|memory cgroup out of memory"
        r"|node running low on memory|low on resource: memory|task \S+: out of memory"
        r"|cannot allocate memory|errno 12\b|std::bad_alloc|\bmemoryerror\b|defaultcpuallocator"
        "|arraymemoryerror|unable to allocate .*array|paging file is too small"
        "|killed due to memory pressure|object store because it is full|objectstorefull"
        "|exceeded.*memory limit",
        "Out of memory: Killed process 7 (python)",
        MORE_MEMORY,
    ),
    cause(
        "process limit",
        "infrastructure",
        r"can't start new thread|resource temporarily unavailable|errno 11\b"
        r"|pthread_create failed|fork: retry|eagain\b|no child processes|failed to create thread",
        "RuntimeError: can't start new thread",
        "Raise the limit of processes (ulimit -u, pids), or use fewer workers and threads.",
    ),
    # disks
    cause(
        "disk full",
        "capacity",
        r"no space left on device|errno 28\b|disk (?:is )?full|ephemeral(?: local|-)? ?storage"
        "|not enough (?:free )?disk space|disk pressure|diskpressure|pytorchstreamwriter",
        "OSError: [Errno 28] No space left on device",
        "Delete old checkpoints and caches, keep fewer of them, or ask for a larger volume.",
    ),
    general(
        "disk full",
        "capacity",
        r"\bunexpected pos [0-9<]",
        "RuntimeError: unexpected pos 704 vs 598",
        "Mostly no room for the checkpoint: keep fewer of them, or ask for a larger volume.",
    ),
    cause(
        "disk quota",
        "capacity",
        r"disk quota|errno 122\b",
        "OSError: [Errno 122] Disk quota exceeded",
        "Delete files, move the cache to another volume, or ask for a larger quota.",
    ),
    cause(
        "storage",
        "infrastructure",
        r"read-only file system|stale (?:nfs )?file handle|errno (?:18|95|121)\b|errno 116\b"
        r"|transport endpoint is not connected|errno 107\b|mounting"
        "|mount(?:volume)?[. ](?:failed|setup)(?!.*configmap)|failedmount"
        "|unable to attach or mount",
        "OSError: [Errno 116] Stale file handle",
        "Mount the volume again; start on another node, and tell who runs the storage.",
    ),
    cause(
        "file conflict",
        "code",
        r"errno 17\b|errno 39\b|errno 16\b|errno 26\b|reused local directory|file exists"
        "|fileexistserror|directory not empty|device or resource busy|database is locked"
        "|file lock .*(?:acquired|timed? ?out)",
        "FileExistsError: [Errno 17] File exists",
        "Several processes use this path: let one rank write, or give each run its folder.",
    ),
    # capacity: waiting, preemption, limits of time
    cause(
        "no capacity",
        "capacity",
        "nodes are available|insufficient (?:nvidia|cpu|memory)|failedscheduling"
        "|insufficient capacity|waiting for capacity|insufficientinstancecapacity"
        "|zone_resource_pool_exhausted|exceeded quota|quotaexceeded|out of capacity"
        "|unexpectedadmission|devices unavailable for|no available node types"
        "|cannot be scheduled|no capacity",
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
        r"|\bnotready\b|nodelost|node_fail|node failure|node.* (?:has died|was dead)|lost (?:a"
        "|contact with) .*daemon",
        "Node 92355e63 was drained for maintenance",
        RESUME,
    ),
    cause(
        "time limit",
        "capacity",
        r"due to time limit|\btime limit(?!s\))|deadlineexceeded: job|^deadlineexceeded$"
        "|active longer than specified deadline|(?:exceeded|reached) .*(?:wall ?time"
        "|maximum run ?time)",
        "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2025-05-06 DUE TO TIME LIMIT ***",
        "Ask for more time, or save and resume before the limit.",
    ),
    cause(
        "job request",
        "code",
        "invalid partition|more processors requested|requested node configuration"
        r"|generic resource \(gres\)|accounting/qos policy|invalid (?:qos|account)"
        "|not enough slots|unable to create step for job",
        "sbatch: error: invalid partition specified: long",
        "Ask for a partition, account, GPUs and time that the cluster allows.",
    ),
    general(
        "eviction",
        "infrastructure",
        r"\bevicted\b|the node was low on resource|node had condition",
        "The node was low on resource: pids.",
        "Set requests and limits that match the use.",
    ),
)
