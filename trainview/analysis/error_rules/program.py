"""Rules for the program: files, data, settings, weights, and how processes end."""

from trainview.analysis.error_rules.rule import (
    CODE,
    DATA,
    LOG,
    cause,
    general,
    symptom,
)

PROGRAM = (
    # files
    cause(
        "permission",
        "code",
        r"permission denied|dubious ownership|errno 13\b|permissionerror|operation not permitted"
        r"|privilege is not held|errno 1\b",
        "PermissionError: [Errno 13] Permission denied: '/out'",
        "Write where the job's user may write, or change the owner of the volume.",
    ),
    cause(
        "too many open files",
        "code",
        r"too many open files|errno 24\b|received (?:0|<number>) items of ancdata",
        "OSError: [Errno 24] Too many open files",
        "Close files, use fewer workers, raise ulimit -n, or share tensors by file_system.",
    ),
    cause(
        "corrupt file",
        "code",
        "pytorchstreamreader|error while deserializing header|safetensorerror|unpicklingerror"
        "|invalid load key|ran out of input|badzipfile|not a zip file|unexpected end of data"
        r"|unexpected eof(?! while looking)|compressed file ended|\bcrc\b|truncated"
        "|header ?too ?large|invalid magic number|consistency check failed|file is corrupted"
        "|checksum",
        "RuntimeError: PytorchStreamReader failed reading zip archive",
        "Use an older checkpoint or download again; write under another name, then rename.",
    ),
    cause(
        "missing file",
        "code",
        r"no such file or directory|filenotfounderror|errno 2\b|not found in directory"
        r"|not a directory|is a directory|errno 2[01]\b|does not exist|file not found"
        "|does not appear to have a file|valid checkpoint|can't find '[^']*' at|no file named"
        "|no checkpoints? (?:was |were )?found|not a git repository|cannot find primary config",
        "FileNotFoundError: [Errno 2] No such file or directory: '/a'",
        "Check the path, the mounted volumes, and that an earlier step has written it.",
    ),
    cause(
        "tokenizer",
        "code",
        "padding token|tokenizer from a slow version|jinja|templateerror|undefinederror"
        "|role not supported|chat.?template|untagged enum|backend tokenizer|can't load tokenizer"
        "|tokenizer class",
        "ValueError: Asking to pad but the tokenizer does not have a padding token.",
        "Set what the tokenizer lacks (padding token, template), or use the version that wrote it.",
    ),
    # data and settings
    cause(
        "data",
        "code",
        "jsondecodeerror|unicodedecodeerror|codec can't (?:en|de)code|casterror|couldn't cast"
        "|schemainference|arrowinvalid|arrow(?:type|notimplemented)error|parsererror"
        "|error tokenizing data|unidentifiedimage|cannot identify image|datasetgeneration"
        "|non.?matching ?splits|expected value at line|num_samples should be a positive"
        "|must have the same columns|decode error|webdataset|empty dataset"
        "|list object is not.*collate|stack expects each tensor|unable to create tensor"
        "|not in the dataset|resize storage|exceeds limit of .* pixels|unknown split"
        "|undefined dataset|no columns in the dataset|unrecognized data stream"
        "|did not return a loss|object is not iterable.*collate|batch must contain tensors"
        "|roles must alternate|could not find response key|not a valid json file"
        "|dataset scripts are no longer|dataset is empty|no data (?:found|files)",
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
        "|extra inputs are not permitted|unexpected keyword argument|hfargumentparser"
        "|strategy to match|requires an eval_dataset|attempt to run as root|trust_remote_code"
        "|contains custom code|requires you to execute the .*file",
        "train.py: error: the following arguments are required: --model",
        "Correct the option or the configuration file that the message names.",
    ),
    cause(
        "weights do not fit",
        "code",
        r"loading state_dict|size mismatch|missing key\(s\)|unexpected key\(s\)"
        "|newly initialized.*ignore_mismatched|checkpoint shapes?|parameter groups?"
        "|checkpointingexception|missing key in checkpoint|no module or parameter named"
        "|keyerror: metadataindex",
        "RuntimeError: Error(s) in loading state_dict for M: size mismatch",
        "Load with the model, vocabulary and settings that wrote the checkpoint.",
    ),
    cause(
        "shape or type",
        "code",
        "shapes? cannot be multiplied|size of tensor|must match the size|same (?:device|dtype)"
        "|sizes of tensors|expected (?:input|scalar type|all tensors)|shape '.*' is invalid"
        r"|expected \w+ but (?:found|got)|mat1 and mat2|dimension(?:s)? (?:out of range"
        "|mismatch)|invalid for input of size|not implemented for '|found dtype"
        "|only supports boolean|view size is not|incompatible with the layer|do not match"
        "|does not match(?! the version)|could not broadcast|index out of range in self"
        "|longer than the specified maximum|attention mask should be of size"
        "|must have the same (?:dtype|shape|size)|should be the same"
        r"|only supports? \w+ and \w+ data type",
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x768 and 1024x4096)",
        "Check shapes, types and devices of the tensors that meet there.",
    ),
    cause(
        "data loader",
        "unknown",
        "dataloader timed out",
        "RuntimeError: DataLoader timed out after 60 seconds",
        "Storage or preprocessing is slow or stuck: raise the timeout, or use more workers.",
    ),
    general(
        "configuration",
        "code",
        "(?:be|not) (?:evenly )?divisible|unrecognized (?:model|configuration)"
        "|error: please (?:use|set) |input length of input_ids|must be a multiple|must divide"
        "|is not compatible with|does not support|not supported (?:with|for|when)"
        "|can't train a model|cannot perform fine-tuning|padding_side|passed both|cannot merge"
        "|target modules? |mutually exclusive|must be (?:set|specified|one of|between|greater"
        "|less|positive)|should be one of|is not a valid|you (?:must|need to|should) (?:set"
        "|specify|pass|provide)",
        "ValueError: Number of attention heads (14) must be divisible by 4.",
        "Correct the setting that the message names.",
    ),
    # ends of processes
    cause(
        "stopped by hand",
        "code",
        r"keyboardinterrupt|cancelled \*\*\*|cancelled by user|canceled by user|{exit}(?:130"
        r"|-2)\b|\bsigint\b|{signal}2\b",
        "KeyboardInterrupt",
        "Nothing to mend: somebody stopped it.",
    ),
    symptom(
        "crash",
        "unknown",
        "segmentation fault|sigsegv|sigabrt|sigfpe|sigill|{exit}(?:132|134|136|139|-4|-6|-8"
        r"|-11)\b|{signal}(?:4|6|8|11)\b|core dumped|illegal instruction|\baborted\b(?!:)"
        r"|floating point exception|breakpoint trap|free\(\): |malloc\(\): |double free"
        "|stack smashing|corrupted size",
        "Fatal Python error: Segmentation fault",
        "Run with PYTHONFAULTHANDLER=1; check native extensions against PyTorch's version.",
    ),
    symptom(
        "SIGTERM",
        "unknown",
        r"sigterm|{signal}15\b|{exit}(?:143|-15)\b|death signal|\bterminated\.?$",
        "SignalException: Process 7 got signal: 15",
        "Something stopped it: look for preemption, eviction, a limit, or another rank's end.",
    ),
    symptom(
        "lost worker",
        "unknown",
        "get timed out: some object|actor ?died|actor died|worker died|died unexpectedly"
        "|worker.* exited unexpectedly|worker.*died|brokenprocesspool|raylet"
        "|lost connection to worker|abruptly died|failed to retrieve object|objectlost|^eoferror"
        "|worker .*(?:dead|unavailable)|gcs may have been killed",
        "ActorDiedError: The actor died unexpectedly before finishing this task.",
        LOG,
    ),
    symptom(
        "SIGKILL",
        "unknown",
        r"sigkill|{exit}(?:137|-9)\b|{signal}9\b|\bkilled\b",
        "Process exited with code 137",
        "Mostly the host's memory: compare its peak with the limit, and use fewer data workers.",
    ),
    symptom(
        "hangup",
        "unknown",
        r"{signal}1\b|sighup|{exit}(?:129|-1)\b|^hangup",
        "SignalException: Process 7 got signal: 1",
        "Start it without a terminal: nohup, tmux, or the scheduler.",
    ),
    symptom(
        "worker failed",
        "unknown",
        r"childfailederror|calledprocesserror|raytaskerror|{exit}-?[0-9]+\b"
        r"|returned a non-zero exit|non-zero exit (?:code|status)|exitcode|\w*exceptiongroup\b"
        r"|mpirun|mpiexec|systemexit|caught \w+ in (?:dataloader|replica)|pid.*exited|mpi_abort",
        "Process exited with code 1",
        LOG,
    ),
    general(
        "bug in the program",
        "code",
        "^…?(?:typeerror|nameerror|attributeerror|syntaxerror|indentationerror|unboundlocalerror"
        "|zerodivisionerror|notimplementederror|recursionerror|assertionerror|keyerror"
        r"|indexerror)\b|object has no attribute|is not defined$|invalid literal for int"
        r"|could not convert string|unexpected eof while looking|called `\w+::unwrap\(\)`",
        "AttributeError: 'NoneType' object has no attribute 'shape'",
        CODE,
    ),
)
