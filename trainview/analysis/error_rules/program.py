"""Rules for the program and what it talks to: divergence, collectives, access, files, data."""

from trainview.analysis.error_rules.rule import (
    CODE,
    DATA,
    LOG,
    NETWORK,
    OTHER_RANK,
    RETRY,
    TOKEN,
    cause,
    general,
    symptom,
)

PROGRAM = (
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
        "|heartbeat monitor timed out|monitoredbarrier"
        "|process group watchdog thread terminated"
        "|timed out waiting.*(?:allreduce|barrier|recv|collective)",
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
        "|unexpected end of file|end of file",
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
    symptom(
        "rendezvous",
        "unknown",
        "client socket has (?:timed out|failed)|rendezvous|tcpstore"
        "|timed out .*(?:joining|connecting)|init_process_group"
        "|could not connect to (?:the )?master",
        "DistNetworkError: The client socket has timed out after 600000ms",
        "Check that all nodes started, and that they reach the master's address and port.",
    ),
    symptom(
        "NCCL error",
        "unknown",
        r"\bnccl|gloo|infiniband|\bibv_|\bucx\b|\bucc\b",
        "DistBackendError: NCCL error: unhandled system error",
        "Run with NCCL_DEBUG=INFO, and check the network interfaces and the other ranks.",
    ),
    cause(
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
    cause(
        "GPU assert",
        "code",
        "device-side assert|indexselectlargeindex|srcindex < srcselectdimsize"
        "|assertion `.*` failed",
        "RuntimeError: CUDA error: device-side assert triggered",
        "Check labels and token ids against the sizes of the layers; run once on the CPU.",
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
        "cublas_status|cudnn|cusolver|cufft|cusparse|nvrtc|triton",
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
    # the outside: access, limits, servers, network
    cause(
        "access refused",
        "code",
        "gated repo|is not in the authorized list|restricted and you are not",
        "OSError: You are trying to access a gated repo.",
        "Ask for access to the repository, and pass a token that has it.",
    ),
    general(
        "rate limit",
        "infrastructure",
        r"\b429\b|too many requests|slowdown|rate.?limit|throttl|reduce your request rate",
        "HTTPError: 429 Client Error: Too Many Requests for url",
        RETRY,
    ),
    general(
        "access refused",
        "code",
        r"\b40[13]\b|unauthorized|forbidden|access ?denied|expiredtoken|invalidaccesskeyid"
        "|signaturedoesnotmatch|nocredentials|unable to locate credentials"
        "|could not automatically determine credentials|api_key not configured"
        "|invalid (?:api.?key|token|username or password)|permission_denied|authentication"
        "|not authorized",
        "HTTPError: 401 Client Error: Unauthorized for url",
        TOKEN,
    ),
    general(
        "not found",
        "code",
        r"\b404\b|nosuchkey|nosuchbucket|repositorynotfound|entrynotfound"
        "|not a valid model identifier|revisionnotfound|is not a local folder|datasetnotfound"
        "|couldn't find a dataset",
        "HTTPError: 404 Client Error: Not Found for url",
        "Check the name, the revision and the path; a private one needs a token.",
    ),
    general(
        "server error",
        "infrastructure",
        r"\b50[0-9]\b|server error|service unavailable|bad gateway|internalerror"
        "|we encountered an internal error|serviceunavailable",
        "HTTPError: 503 Server Error: Service Unavailable for url",
        RETRY,
    ),
    cause(
        "certificate",
        "infrastructure",
        r"certificate|\bssl\b|sslerror|tls handshake",
        "SSLError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",
        "Give the image the company's certificates, and check its clock.",
    ),
    general(
        "network",
        "infrastructure",
        "name resolution|name or service not known|no such host|nodename nor servname"
        r"|gaierror|connection refused|connectionrefused|errno 11[013]\b"
        "|connection (?:attempt )?timed out|no route to host|network is unreachable"
        "|max retries exceeded|connecttimeout|readtimeout|read timed out|proxyerror"
        "|connectionerror|incompleteread|connection aborted|couldn't connect to|offline mode"
        "|localentrynotfound",
        "ConnectionRefusedError: [Errno 111] Connection refused",
        NETWORK,
    ),
    # files
    cause(
        "permission",
        "code",
        r"permission denied|errno 13\b|permissionerror|operation not permitted|errno 1\b",
        "PermissionError: [Errno 13] Permission denied: '/out'",
        "Write where the job's user may write, or change the owner of the volume.",
    ),
    cause(
        "too many open files",
        "code",
        r"too many open files|errno 24\b|received 0 items of ancdata",
        "OSError: [Errno 24] Too many open files",
        "Close files, use fewer workers, raise ulimit -n, or share tensors by file_system.",
    ),
    cause(
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
    cause(
        "missing file",
        "code",
        r"no such file or directory|filenotfounderror|errno 2\b|not found in directory"
        "|does not exist|file not found",
        "FileNotFoundError: [Errno 2] No such file or directory: '/a'",
        "Check the path, the mounted volumes, and that an earlier step has written it.",
    ),
    # data and settings
    cause(
        "data",
        "code",
        "jsondecodeerror|unicodedecodeerror|casterror|couldn't cast|schemainference"
        "|arrowinvalid|arrow(?:type|notimplemented)error|parsererror|error tokenizing data"
        "|unidentifiedimage|cannot identify image|datasetgeneration|non.?matching ?splits"
        "|expected value at line|num_samples should be a positive|must have the same columns"
        "|decode error|webdataset|empty dataset|list object is not.*collate"
        "|stack expects each tensor|unable to create tensor",
        "JSONDecodeError: Extra data: line 2 column 1 (char 8779)",
        DATA,
    ),
    cause(
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
    cause(
        "weights do not fit",
        "code",
        r"loading state_dict|size mismatch|missing key\(s\)|unexpected key\(s\)"
        "|newly initialized.*ignore_mismatched|checkpoint shapes?",
        "RuntimeError: Error(s) in loading state_dict for M: size mismatch",
        "Load with the model, vocabulary and settings that wrote the checkpoint.",
    ),
    cause(
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
    cause(
        "compiler",
        "code",
        r"torch\._?dynamo|torch\._?inductor|backendcompilerfailed|inductorerror|ninja|nvcc"
        "|graph break|cuda_home",
        "BackendCompilerFailed: backend='inductor' raised",
        "Run without torch.compile to tell; install the compiler tools that it needs.",
    ),
    # ends of processes
    cause(
        "stopped by hand",
        "code",
        r"keyboardinterrupt|cancelled by user|canceled by user|exit code 130\b|\bsigint\b"
        r"|signal:? 2\b",
        "KeyboardInterrupt",
        "Nothing to mend: somebody stopped it.",
    ),
    symptom(
        "crash",
        "unknown",
        r"segmentation fault|sigsegv|exit(?:ed)?(?: with)?(?: code| status)?:? (?:139|-11)\b"
        r"|exitcode:? -11\b|signal:? 11\b|core dumped|illegal instruction|sigabrt|signal:? 6\b"
        r"|exit code:? 134\b|exitcode:? -6\b|return code = -(?:6|11)\b|\baborted\b|free\(\): "
        r"|malloc\(\): |double free|stack smashing|corrupted size",
        "Fatal Python error: Segmentation fault",
        "Run with PYTHONFAULTHANDLER=1; check native extensions against PyTorch's version.",
    ),
    symptom(
        "SIGTERM",
        "unknown",
        r"sigterm|got signal: 15\b|signal:? 15\b"
        r"|exit(?:ed)?(?: with)?(?: code| status)?:? (?:143|-15)\b|exitcode:? -15\b"
        r"|return code = -15\b|death signal|\bterminated$",
        "SignalException: Process 7 got signal: 15",
        "Something stopped it: look for preemption, eviction, a limit, or another rank's end.",
    ),
    symptom(
        "SIGKILL",
        "unknown",
        r"sigkill|exit(?:ed)?(?: with)?(?: code| status)?:? (?:137|-9)\b|exitcode:? -9\b"
        r"|return code = -9\b|signal:? 9\b|\bkilled\b",
        "Process exited with code 137",
        "Mostly the host's memory: compare its peak with the limit, and use fewer data workers.",
    ),
    symptom(
        "lost worker",
        "unknown",
        "actor ?died|actor died|worker died|died unexpectedly|worker.* exited unexpectedly"
        "|worker.*died|brokenprocesspool|raylet|lost connection to worker",
        "ActorDiedError: The actor died unexpectedly before finishing this task.",
        LOG,
    ),
    symptom(
        "hangup",
        "unknown",
        r"got signal: 1\b|sighup",
        "SignalException: Process 7 got signal: 1",
        "Start it without a terminal: nohup, tmux, or the scheduler.",
    ),
    symptom(
        "worker failed",
        "unknown",
        "childfailederror|calledprocesserror|raytaskerror|return code = "
        "|returned a non-zero exit|non-zero exit (?:code|status)"
        r"|exit(?:ed)?(?: with)?(?: code| status)[: ]|exitcode|\w*exceptiongroup\b|mpirun"
        r"|mpiexec|exits? with|systemexit|caught \w+ in (?:dataloader|replica)|pid.*exited"
        r"|failed \(exitcode",
        "Process exited with code 1",
        LOG,
    ),
    general(
        "bug in the program",
        "code",
        r"^…?(?:typeerror|nameerror|attributeerror|syntaxerror|indentationerror|unboundlocalerror|zerodivisionerror|notimplementederror|recursionerror|assertionerror|keyerror|indexerror)\b",
        "AttributeError: 'NoneType' object has no attribute 'shape'",
        CODE,
    ),
)
