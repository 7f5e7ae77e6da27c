"""Rules for what a program is made of: images, containers, builds, packages, compilers."""

from trainview.analysis.error_rules.rule import (
    LOG,
    MATCH_BUILD,
    cause,
    general,
    symptom,
)

SOFTWARE = (
    # images and containers
    cause(
        "image pull",
        "code",
        "image.*(?:not found|manifest unknown|unauthorized|denied|forbidden|no basic auth)"
        "|invalidimagename|invalid reference format|manifest for .* not found",
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
        "crashloopbackoff|probe failed|backoff limit|back-off restarting|runcontainererror",
        "Back-off restarting failed container main in pod a-b",
        LOG,
    ),
    cause(
        "driver",
        "infrastructure",
        'nvidia-container-cli|no runtime for "nvidia"|unexpected error from cudagetdevicecount',
        "nvidia-container-cli: initialization error: driver rpc error",
        "Check the driver and the container runtime of the node; start on another node.",
    ),
    cause(
        "container",
        "code",
        r"failed to create (?:containerd|shim) task|executable file not found in \$path"
        "|exec format error|createcontainerconfigerror|oci runtime|^containercannotrun"
        r"|^starterror|\b(?:secret|configmap) \S+ not found",
        "OCI runtime create failed: exec format error",
        "Check the image's entry point, its architecture, and the secrets and volumes it names.",
    ),
    # builds that do not fit
    cause(
        "driver",
        "infrastructure",
        "driver on your system is too old|driver version is insufficient|found no nvidia driver"
        "|driver/library version mismatch|cuda unknown error|unsupported toolchain"
        "|forward compatibility was attempted|no nvidia driver",
        "RuntimeError: The NVIDIA driver on your system is too old (found version 11040).",
        "Update the driver of the node, or use an image built for an older CUDA.",
    ),
    cause(
        "unsupported GPU",
        "code",
        r"no kernel image is available|cuda capability \S+ is not compatible"
        "|only supports ampere|requires (?:device|gpu).*capability"
        "|is only supported on.*capability|compute capability|mixed precision requires"
        "|no operator found for|setup doesn't support bf16|your setup doesn't support"
        "|bfloat16 is only supported",
        "RuntimeError: CUDA error: no kernel image is available for execution on the device",
        "Use a build that has this GPU's architecture, or another GPU or kernel.",
    ),
    cause(
        "library mismatch",
        "code",
        r"undefined symbol|version `?'?(?:glibc|glibcxx|cxxabi)|numpy\.(?:ndarray"
        "|dtype) size changed|compiled using numpy|different cuda versions"
        "|cuda versions? .*does not match|detected cuda version|mismatches the version"
        "|cannot open shared object file|dll load failed|symbol not found|winerror (?:126|127"
        r"|1114)\b|operator torchvision::|torch not compiled with|not compiled with cuda"
        "|cuda setup failed despite|has no attribute '(?:float|int|bool|object)'"
        "|does not recognize this architecture|is not currently imported|numpy is not available"
        r"|users to upgrade|could not load lib|doesn't have \w+ built in|libcuda\.so cannot"
        "|but source was compiled with",
        "ImportError: flash_attn_2_cuda: undefined symbol",
        MATCH_BUILD,
    ),
    cause(
        "missing command",
        "code",
        "command not found|conda environment: |conda (?:init|activate)|^(?:…?/usr/bin/)?env: "
        r"|{exit}(?:126|127)\b",
        "/bin/bash: line 1: torchrun: command not found",
        "Install the program in the image, or correct the command, its mode and PATH.",
    ),
    cause(
        "compiler",
        "code",
        r"torch\._?dynamo|torch\._?inductor|backendcompilerfailed|inductorerror|ninja|nvcc"
        "|graph break|cuda_home|error building extension|jit load|cudagraphs|stream is capturing"
        "|data-dependent|c compiler|working triton installation|ptxas|recompile_limit"
        "|loweringexception|codegen error",
        "BackendCompilerFailed: backend='inductor' raised",
        "Run without torch.compile to tell; install the compiler tools that it needs.",
    ),
    cause(
        "missing module",
        "code",
        "no module named|library but it was not found|requires the .* library"
        r"|requires `?\S+`?: please run|please (?:pip )?install|requires `\w+[><=]"
        r"|packagenotfounderror|to be installed|is not installed|not installed\."
        "|without having git-lfs|requires the latest version of",
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
        "|failed building wheel|subprocess-exited-with-error|metadata-generation-failed"
        "|no solution found when resolving|do not match the hashes"
        "|wheel for the current platform|could not build wheels|unsatisfiableerror"
        "|packagesnotfounderror|requires a different python|externally-managed"
        "|incompatible with (?:each other|the existing)",
        "ERROR: No matching distribution found for x==9",
        "Pin versions that exist and fit.",
    ),
)
