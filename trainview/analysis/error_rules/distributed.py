"""Rules for training itself: divergence, ranks that work together, kernels, gradients."""

from trainview.analysis.error_rules.rule import (
    OTHER_RANK,
    cause,
    general,
    symptom,
)

DISTRIBUTED = (
    # divergence
    cause(
        "divergence (NaN)",
        "code",
        r"\b(?:nan|inf|infinite)\b.*(?:loss|grad|iteration|value|tensor|detected|encountered)"
        r"|(?:loss|grad\w*|tensor|value).*\b(?:nan|infinite|non-?finite)\b|loss scale"
        "|minimum loss scale|probability tensor contains|floatingpointerror",
        "FloatingPointError: Loss became infinite or NaN at iteration=166!",
        "Lower the learning rate, clip gradients, warm up, prefer bfloat16, and check the batch.",
    ),
    # collectives: mostly another rank's death
    symptom(
        "NCCL timeout",
        "unknown",
        "watchdog caught|collective operation (?:timeout|timed out)"
        "|nccl operations have failed or timed out|watchdog got stuck"
        "|heartbeat monitor timed out|monitoredbarrier|process group watchdog thread terminated"
        "|due to collective timeout|watchdog hang|timed out waiting.*(?:allreduce|barrier|recv"
        "|collective)",
        "Watchdog caught collective operation timeout: WorkNCCL(SeqNum=7)",
        OTHER_RANK,
    ),
    cause(
        "GPU shared by ranks",
        "code",
        "duplicate gpu detected",
        "NCCL error: internal error: Duplicate GPU detected : rank 1 and rank 0",
        "Give each rank a GPU of its own: torch.cuda.set_device(local_rank).",
    ),
    symptom(
        "lost peer",
        "unknown",
        "remote process exited|connection closed by|ncclremoteerror|socketprogress"
        r"|connection reset by peer|errno 104\b|broken pipe|errno 32\b|socket timeout"
        "|connectionreseterror|diststoreerror|store.*(?:broken|closed)|failed to recv"
        r"|unexpected end of file|connection was likely closed|(?<!code 2\. )end of file"
        "|another task died|stopped sending heartbeats|tasks are unhealthy|heartbeat timeout",
        "NCCL error: remote process exited or there was a network error",
        OTHER_RANK,
    ),
    cause(
        "port in use",
        "code",
        r"address already in use|eaddrinuse|failed to listen on any local|errno 98\b",
        "RuntimeError: address already in use",
        "Choose a free port for each job (--rdzv-endpoint, MASTER_PORT=0).",
    ),
    cause(
        "distributed set-up",
        "code",
        "expected, but not set|default process group has not been initialized"
        "|keyerror: '(?:local_rank|rank|world_size)'|mismatch between collectives"
        "|bootstrapping phase",
        "ValueError: environment variable MASTER_ADDR expected, but not set",
        "Start it with torchrun or accelerate; let all ranks set up the group and do the same.",
    ),
    symptom(
        "rendezvous",
        "unknown",
        "client socket has (?:timed out|failed)|rendezvous|tcpstore|timed out .*(?:joining"
        "|connecting)|init_process_group|could not connect to (?:the )?master|barrier timed out",
        "DistNetworkError: The client socket has timed out after 600000ms",
        "Check that all nodes started, and that they reach the master's address and port.",
    ),
    symptom(
        "NCCL error",
        "unknown",
        r"\bnccl(?!.*cuda failure)|gloo|infiniband|\bibv_|\bucx\b|\bucc\b",
        "DistBackendError: NCCL error: unhandled system error",
        "Run with NCCL_DEBUG=INFO, and check the network interfaces and the other ranks.",
    ),
    cause(
        "distributed set-up",
        "code",
        "finished reduction in the prior iteration|ready (?:twice|only once)|unused parameter"
        r"|world.?size|unpicklable|got mixed torch\.tensor|fsdp expects|must flatten tensors"
        "|can't pickle|cannot re-initialize cuda in forked|cannot pickle|can't get local object"
        "|hostfile|trace cache",
        "RuntimeError: Expected to have finished reduction in the prior iteration.",
        "Check the wrapping, the unused parameters, and how processes are started.",
    ),
    # GPU programs
    cause(
        "GPU assert",
        "code",
        "device-side assert|indexselectlargeindex|srcindex < srcselectdimsize"
        "|assertion `.*` failed",
        "RuntimeError: CUDA error: device-side assert triggered",
        "Check labels and token ids against the sizes of the layers; run once on the CPU.",
    ),
    cause(
        "device",
        "code",
        "invalid device ordinal|deserialize object on cuda device",
        "RuntimeError: CUDA error: invalid device ordinal",
        "Load with map_location, and start no more processes than there are GPUs.",
    ),
    general(
        "GPU fault",
        "code",
        "illegal memory access|unspecified launch failure|misaligned address"
        "|illegal instruction was encountered|launch timed out|invalid program counter"
        "|cuda_error_illegal",
        "RuntimeError: CUDA error: an illegal memory access was encountered",
        "Run with CUDA_LAUNCH_BLOCKING=1 to find the kernel; suspect the GPU if one node has it.",
    ),
    cause(
        "GPU library",
        "unknown",
        "cublas_status|cudnn|cusolver|cufft|cusparse|nvrtc|dnn library initialization"
        "|unable to find an engine|triton|invalid configuration argument at",
        "RuntimeError: cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
        "Mostly memory or versions: leave more GPU memory free, check CUDA and cuDNN.",
    ),
    general(
        "GPU error",
        "unknown",
        "cuda error|cuda failure|cuda_error|hip error|accelerator error|acceleratorerror",
        "RuntimeError: CUDA error: invalid argument",
        "Check which GPUs the process sees; run with CUDA_LAUNCH_BLOCKING=1.",
    ),
    cause(
        "autograd",
        "code",
        "does not require grad|modified by an inplace operation"
        "|backward through the graph a second|unscale fp16 gradients|leaf variable"
        "|grad can be implicitly created|double backward|recomputed (?:values|tensor)"
        "|different number of tensors was saved",
        "RuntimeError: Trying to backward through the graph a second time",
        "Check which parameters need gradients, in-place operations, and how backward is called.",
    ),
)
