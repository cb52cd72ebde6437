"""LocalStack from its Python packages, with our package `canter_localstack` beside them."""

from . import processes, web

VERSION = "4.14.0"


def start(stack, ports, installed):
    own = stack.folder / "localstack"
    temporary = own / "tmp"
    temporary.mkdir(parents=True)
    address = f"127.0.0.1:{ports['localstack']}"
    environment = {
        "HOME": str(own),
        "TMPDIR": str(temporary),
        "GATEWAY_LISTEN": address,
        # Queue URLs name this address: the default is a name that only a public DNS server knows.
        "LOCALSTACK_HOST": address,
        "SQS_ENDPOINT_STRATEGY": "path",
        # Code of functions, certificates, state: by itself it puts them beside its packages, where
        # two stacks would share them and the second to start would clear the first one's.
        "FILESYSTEM_ROOT": str(own / "files"),
        "OVERRIDE_IN_DOCKER": "0",
        "DNS_ADDRESS": "0",
        "DISABLE_EVENTS": "1",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        # A service is loaded when it is first asked for, which is faster than all at the start.
        "EAGER_SERVICE_LOADING": "0",
        "DYNAMODB_LOCAL_PORT": str(ports["dynamodb"]),
        "DYNAMODB_IN_MEMORY": "1",
        "DYNAMODB_SHARE_DB": "1",
        # Functions run as plain processes (`plugins/canter_localstack/functions`).
        "LAMBDA_RUNTIME_EXECUTOR": "process",
        "CANTER_FUNCTION_LOGS": str(stack.logs / "functions"),
        # One whose failed stacks can be deleted (`plugins/canter_localstack/cloudformation.py`).
        "PROVIDER_OVERRIDE_CLOUDFORMATION": "canter",
        # An idle one costs memory, a new one some milliseconds.
        "LAMBDA_KEEPALIVE_MS": "60000",
        # A crawl is a chain of messages, so pauses between looks at the queue are what it would mostly do.
        "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "0.2",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_ERROR_SEC": "2",
        # Its list of plugins is cached by the paths of packages, not by their content: a cache of
        # the stack's own is never older than the stack.
        "XDG_CACHE_HOME": str(own / "cache"),
        "PYTHONPATH": str(installed.sources / "plugins"),
        # Compiled modules of all stacks lie together, and none in the checkout's own folders.
        "PYTHONPYCACHEPREFIX": str(installed.bytecode),
    }
    command = [installed.python, "-m", "localstack.runtime.main"]
    return processes.start(stack, command, stack.logs / "localstack.log", environment)


def healthy(_stack, ports):
    """It answers, and the services that every test needs are loaded and reach their backends."""
    endpoint = f"http://127.0.0.1:{ports['localstack']}"
    health = web.ask(f"{endpoint}/_localstack/health")
    if health is None or health.get("version") != VERSION:
        return False
    tables = web.ask_aws(f"{endpoint}/", "dynamodb", "DynamoDB_20120810.ListTables", timeout=30)
    queues = web.ask_aws(f"{endpoint}/", "sqs", "AmazonSQS.ListQueues", timeout=30)
    buckets = web.answers(f"{endpoint}/", web.signature("s3"), timeout=30)
    return tables is not None and queues is not None and buckets
