"""The index server: one node of Elasticsearch or OpenSearch, started without its own scripts, which start two
more JVMs to find its options.

It refuses to run as root. Then it runs as `nobody`, so that no user has to be made; and if that user
cannot reach the checkout (below /root, say), the server and its data lie below /var/tmp instead.
"""

import hashlib
import os
import shutil
import stat
import subprocess
from pathlib import Path

from . import processes, web
from .places import HOME, Trouble
from .processes import UNPRIVILEGED


def elsewhere():
    """The folder for the server's part of this checkout when `nobody` cannot reach the checkout."""
    return Path("/var/tmp") / f"canter-localstack-{hashlib.sha256(str(HOME).encode()).hexdigest()[:12]}"


def part():
    """The folder below which the server and its data lie."""
    if not UNPRIVILEGED:
        return HOME
    reached = subprocess.run(["test", "-x", str(HOME)], cwd="/", **UNPRIVILEGED)
    if reached.returncode == 0:
        return HOME
    folder = elsewhere()
    folder.mkdir(mode=0o755, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0:
        raise Trouble(f"{folder} belongs to another user: remove it.")
    return folder


def home(installed):
    """The server's folder, copied to where its user can read it if need be."""
    source = installed.engine_home
    if part() == HOME:
        return source
    copy = part() / f"{installed.engine.name}-{source.parent.name}-{source.name}"
    if not copy.exists():
        unfinished = copy.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(source, unfinished)
        unfinished.replace(copy)
    return copy


def data(stack):
    return part() / stack.name / "elasticsearch"


def start(stack, ports, installed):
    own = data(stack)
    for folder in ("config", "data", "tmp"):
        (own / folder).mkdir(parents=True)
    engine = installed.engine
    for file, name in (("elasticsearch.yml", f"{engine.kind}.yml"), ("log4j2.properties", "log4j2.properties")):
        shutil.copy(installed.sources / "elasticsearch" / file, own / "config" / name)
    if UNPRIVILEGED:
        for file in (own, *own.rglob("*")):
            os.chown(file, UNPRIVILEGED["user"], UNPRIVILEGED["group"])
    server = home(installed)
    command = [
        installed.engine_java,
        "-Xms1g",
        "-Xmx1g",
        # No files in /tmp for tools that watch a JVM.
        "-XX:-UsePerfData",
        "-XX:MaxDirectMemorySize=256m",
        "-XX:+UseSerialGC",
        "-Xss1m",
        "-Djava.awt.headless=true",
        "-Dfile.encoding=UTF-8",
        f"-Djava.io.tmpdir={own / 'tmp'}",
        f"-XX:ErrorFile={own / 'tmp' / 'crash.log'}",
        # Older ones set a security manager up, which Java 18 to 23 refuse without this.
        *(["-Djava.security.manager=allow"] if engine.java.stop <= 24 else []),
        "-Djava.locale.providers=SPI,COMPAT",
        "-Djna.nosys=true",
        f"-Djna.tmpdir={own / 'tmp'}",
        "-Dio.netty.noUnsafe=true",
        "-Dio.netty.noKeySetOptimization=true",
        "-Dio.netty.recycler.maxCapacityPerThread=0",
        "-Dio.netty.allocator.numDirectArenas=0",
        "-Dlog4j.shutdownHookEnabled=false",
        "-Dlog4j2.disable.jmx=true",
        f"-D{engine.prefix}.path.home={server}",
        f"-D{engine.prefix}.path.conf={own / 'config'}",
        *engine.properties,
        "-cp",
        server / "lib" / "*",
        engine.main,
        f"-Ecluster.name={cluster(stack)}",
        f"-Enode.name={stack.name}",
        f"-Ehttp.port={ports['elasticsearch']}",
        f"-Epath.data={own / 'data'}",
        f"-Epath.logs={own / 'tmp'}",
        *engine.settings,
    ]
    environment = {"HOME": str(own), **{name: str(own / "tmp") for name in engine.folders}}
    log = stack.logs / "elasticsearch.log"
    return processes.start(stack, command, log, environment, UNPRIVILEGED)


def cluster(stack):
    """The cluster's name: by it, `healthy` knows this stack's server from any other on the port."""
    return f"canter-{stack.name}"


def healthy(stack, ports):
    health = web.ask(f"http://127.0.0.1:{ports['elasticsearch']}/_cluster/health")
    return health is not None and health["cluster_name"] == cluster(stack) and health["status"] != "red"


def remove_data(stack):
    """What lies outside of the stack's folder; fine if nothing does."""
    if UNPRIVILEGED:
        shutil.rmtree(elsewhere() / stack.name, ignore_errors=True)
