"""Rules for what a program talks to: access, limits, servers, network."""

from trainview.analysis.error_rules.rule import (
    NETWORK,
    RETRY,
    TOKEN,
    cause,
    general,
)

REMOTE = (
    # the outside: access, limits, servers, network
    cause(
        "access refused",
        "code",
        "gated (?:repo|dataset)|is not in the authorized list|restricted and you are not",
        "OSError: You are trying to access a gated repo.",
        "Ask for access to the repository, and pass a token that has it.",
    ),
    cause(
        "payment",
        "code",
        r"\b402\b|payment required|monthly included credits|over its data quota"
        "|insufficient_quota|billing",
        "HTTPError: 402 Client Error: Payment Required for url",
        "Pay the account's bill, or raise its plan or spending limit.",
    ),
    cause(
        "offline",
        "code",
        "offline mode is enabled|offlinemodeisenabled|hf_hub_offline"
        "|outgoing traffic has been disabled",
        "ConnectionError: Couldn't reach the Hub (offline mode is enabled)",
        "Download before the job starts, or unset HF_HUB_OFFLINE.",
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
        "|invalidtoken|signaturedoesnotmatch|nocredentials|unable to locate credentials"
        "|could not automatically determine credentials|api_key not configured"
        "|invalid (?:api.?key|token|username or password)|permission_denied|authentication"
        r"|not authorized|credentials were not found|does not have \w+\.\w+\.\w+ access"
        "|could not read (?:username|password)|host key verification|invalid user token",
        "HTTPError: 401 Client Error: Unauthorized for url",
        TOKEN,
    ),
    general(
        "not found",
        "code",
        r"\b404\b|nosuchkey|nosuchbucket|resource_does_not_exist|repositorynotfound"
        "|entrynotfound|not a valid model identifier|revisionnotfound|is not a local folder"
        "|datasetnotfound|couldn't find a dataset",
        "HTTPError: 404 Client Error: Not Found for url",
        "Check the name, the revision and the path; a private one needs a token.",
    ),
    general(
        "server error",
        "infrastructure",
        r"\b50[0-9]\b|\b408\b|requesttimeout|server error|service unavailable|bad gateway"
        "|internalerror|we encountered an internal error|serviceunavailable",
        "HTTPError: 503 Server Error: Service Unavailable for url",
        RETRY,
    ),
    cause(
        "certificate",
        "infrastructure",
        r"certificate|requesttimetooskewed|\bssl\b|sslerror|tls handshake",
        "SSLError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",
        "Give the image the company's certificates, and check its clock.",
    ),
    general(
        "network",
        "infrastructure",
        "name resolution|name or service not known|no such host|nodename nor servname|gaierror"
        r"|connection refused|connectionrefused|errno 11[0123]\b|errno (?:99|103|105)\b"
        "|connection (?:attempt )?timed out|no route to host|network is unreachable"
        "|max retries exceeded|connecttimeout|readtimeout|read timed out|proxyerror"
        "|connectionerror|incompleteread|connection aborted|couldn't connect to"
        "|server disconnected|localentrynotfound|_inactiverpcerror|remotedisconnected"
        "|remoteprotocolerror|(?:initialization|service).{0,20} (?:has )?(?:timed out"
        r"|to start after)|can't be reached|deadline_exceeded|\bunavailable: "
        "|could not read from remote repository|unexpectedly closed the connection",
        "ConnectionRefusedError: [Errno 111] Connection refused",
        NETWORK,
    ),
)
