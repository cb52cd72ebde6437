"""Brings a stack up."""

import time

from . import docker, down, dynamodb, elasticsearch, engines, installation, localstack, ports, processes
from .places import Trouble, tail, tell

# A first start on two busy cores took 22 s; whoever waits longer than this waits for nothing.
PATIENCE_SECONDS = 180
# In place of an engine's name, for a stack without an index server.
NO_ENGINE = "none"


def bring(stack, asked, defaults, without_docker, engine):
    """Leaves a healthy stack alone, replaces any other, and prints where everything is."""
    name = engine.name if engine else NO_ENGINE
    with stack.held():
        before = stack.recorded()
        running = {server: int(before[server]) for server in defaults if server in before}
        if stands(stack, before, running, defaults) and not waiting_for(stack, running):
            if any(port and port != running[server] for server, port in asked.items()):
                raise Trouble(
                    f"the stack {stack.name} runs on other ports than these: end it by"
                    f" localstack/down --stack {stack.name} first."
                )
            if (other := before.get("engine", engines.DEFAULT)) != name:
                raise Trouble(
                    f"the stack {stack.name} runs with {other}: end it by"
                    f" localstack/down --stack {stack.name} first."
                )
            describe(stack, running, before["runner"], engine, "runs already")
            return
        if before:
            tell(f"The stack {stack.name} is not whole: starting it afresh.")
        down.stop(stack)
        chosen = ports.choose(asked, running, defaults)
        ports.check(chosen)
        without_docker = without_docker or name != engines.DEFAULT
        runner = "docker" if not without_docker and docker.answers() else "packages"
        installed = installation.ready(engine) if runner == "packages" else None
        stack.logs.mkdir(parents=True)
        stack.write_record(runner, name, chosen)
        try:
            started = time.monotonic()
            servers = start(stack, chosen, installed)
            wait(stack, chosen, servers, engine, started)
        except BaseException:
            # Logs stay for whoever reads the message; processes do not.
            processes.end(stack)
            raise
        stack.write_endpoints(chosen)
        describe(stack, chosen, runner, engine, "is up")


def stands(stack, before, running, defaults):
    """Whether a stack was once up and is worth asking. Without a process of its own, it is another
    checkout's that would answer."""
    mine = before.get("runner") == "docker" or processes.living(stack)
    return stack.endpoints.exists() and len(running) == len(defaults) and bool(mine)


def start(stack, chosen, installed):
    """All at the same time; the processes by their server, or none with Docker."""
    if installed is None:
        docker.up(stack, chosen)
        return {}
    starts = {
        "dynamodb": dynamodb.start,
        "elasticsearch": elasticsearch.start,
        "localstack": localstack.start,
    }
    return {server: begin(stack, chosen, installed) for server, begin in starts.items() if server in chosen}


def waiting_for(stack, chosen):
    """The servers that do not answer as this stack's servers would."""
    healthy = {
        "dynamodb": dynamodb.healthy,
        "elasticsearch": elasticsearch.healthy,
        "localstack": localstack.healthy,
    }
    return [server for server in chosen if not healthy[server](stack, chosen)]


def wait(stack, chosen, servers, engine, started):
    """Until all answer; raises with the end of a log when one dies or time is up."""
    titles = {"dynamodb": "DynamoDB Local", "localstack": "LocalStack"}
    if engine:
        titles["elasticsearch"] = engine.title
    tell(f"Starting {', '.join(titles.values())}.")
    waited = list(titles)
    while waited:
        # Looked at before the health: a server that dies while others are asked is seen next time.
        for server, process in servers.items():
            if process.poll() is not None:
                raise Trouble(
                    f"{titles[server]} ended before it answered:" + tail(stack.logs / f"{server}.log")
                )
        left = waiting_for(stack, chosen)
        seconds = time.monotonic() - started
        for server in waited:
            if server not in left:
                tell(f"  {titles[server]} answers after {seconds:.1f} s.")
        waited = [server for server in waited if server in left]
        if waited and seconds > PATIENCE_SECONDS:
            server = waited[0]
            log = tail(stack.logs / f"{server}.log") if servers else docker.tail(stack)
            raise Trouble(f"{titles[server]} did not answer within {PATIENCE_SECONDS} s:" + log)
        time.sleep(0.2)


def describe(stack, chosen, runner, engine, state):
    """What a person wants to know, to standard output."""
    logs = stack.logs if runner == "packages" else docker.logs_command(stack)
    print(
        f"The stack {stack.name} {state}.\n"
        f"  AWS services          http://127.0.0.1:{chosen['localstack']}  (LocalStack; any credentials)\n"
        f"  DynamoDB directly     http://127.0.0.1:{chosen['dynamodb']}  (the same tables, faster)\n"
        + (f"  {engine.title:<22}http://127.0.0.1:{chosen['elasticsearch']}\n" if engine else "")
        + f"  for programs          {stack.endpoints}\n"
        f"  logs                  {logs}\n"
        f"  to stop it            localstack/down" + ("" if stack.name == "canter" else f" --stack {stack.name}")
    )
