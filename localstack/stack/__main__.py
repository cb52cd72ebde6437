"""`python -m stack up|down`: reads the command line, and says what went wrong in one sentence."""

import argparse
import os
import re
import signal
import sys

from . import down, up
from .places import Stack, Trouble

DEFAULT_PORTS = {"localstack": 4566, "elasticsearch": 9200, "dynamodb": 4569}


def stack_name(text):
    """A name that is safe as a folder, a cluster's name and a Compose project."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", text):
        raise argparse.ArgumentTypeError("a stack's name has small letters, digits and dashes")
    return text


def port(text):
    """A TCP port, or 0 for any free one."""
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535, 0 being any free one")
    return int(text)


def arguments(command, words):
    """The options of `up` or `down`; argparse ends the program with status 2 when they are wrong."""
    parser = argparse.ArgumentParser(
        prog=f"localstack/{command}",
        description={
            "up": "Starts LocalStack, DynamoDB Local and Elasticsearch on the loopback interface, waits until"
            " they answer, and tells where they are. The first time it installs them below target/localstack"
            " (or CANTER_LOCALSTACK_DIR). Run again, it leaves a healthy stack alone and replaces any other.",
            "down": "Stops a stack and removes its data. What was installed stays.",
        }[command],
    )
    parser.add_argument("--stack", metavar="NAME", type=stack_name, default="canter", help="default: canter")
    if command == "up":
        parser.add_argument(
            "--without-docker",
            action="store_true",
            help="packages of pip and Maven even where a Docker daemon answers",
        )
        for server, default in DEFAULT_PORTS.items():
            parser.add_argument(
                f"--{server}-port", metavar="P", type=port, help=f"default: {default}; 0: any free one"
            )
    return parser.parse_args(words)


def main(command, words):
    options = arguments(command, words)
    # What is run from here is not to find this package instead of its own modules.
    os.environ.pop("PYTHONPATH", None)
    # Whoever ends this program wants what it has half started to be ended as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Servers run as a user of their own must be able to read what is unpacked here.
    os.umask(0o022)
    stack = Stack(options.stack)
    try:
        if command == "up":
            asked = {server: getattr(options, f"{server}_port") for server in DEFAULT_PORTS}
            up.bring(stack, asked, DEFAULT_PORTS, options.without_docker)
        else:
            down.take(stack)
    except Trouble as trouble:
        sys.exit(f"localstack/{command}: {trouble}")
    except OSError as error:
        # A full disk, a file of another user: the system's own words say it best.
        sys.exit(f"localstack/{command}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


main(sys.argv[1], sys.argv[2:])
