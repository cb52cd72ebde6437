"""What is installed below `.installed`: LocalStack's Python packages, the Java servers, and tools.

Each part lies in a folder named by what it was made of, so that a changed list makes a new one and
never disturbs a stack that runs on the old. A part without its file `complete` was interrupted and
is made anew. Once the parts are there, nothing here needs the network. The tools are installed when
something is first deployed or tested: a stack that runs needs none.
"""

import functools
import hashlib
import shutil
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor

from . import engines, java, python, tools
from .places import HERE, INSTALLED, held, tell

PYTHON_SOURCES = ("stack/python.py", "packages/requirements.txt", "packages/sources.txt")
TOOLS_SOURCES = ("stack/python.py", "packages/tools.txt")
DYNAMODB_SOURCES = ("packages/pom.xml", "packages/SHA256SUMS")


def digest(*parts):
    """A short name for what a part is made of: texts, and files of the checkout."""
    state = hashlib.sha256()
    for part in parts:
        file = HERE / part
        if "/" in part and file.is_file():
            part = file.read_text()
        state.update(part.encode() + b"\0")
    return state.hexdigest()[:12]


def ready(engine):
    """Installs what is missing, all parts at the same time. Says where everything is.

    Tools are looked for before anything is downloaded, so that a missing one is told at once."""
    java.check_platform()
    python.check()
    runtime = java.find(engines.ENGINES[engines.DEFAULT].java)
    engine_runtime = java.find(engine.java) if engine else None
    with held(INSTALLED / "lock", by_children=True):
        packages = INSTALLED / f"python-{digest(sys.version, sys.base_prefix, *PYTHON_SOURCES)}"
        dynamodb = INSTALLED / f"dynamodb-{digest(*DYNAMODB_SOURCES)}"
        engine_home = engine and INSTALLED / f"{engine.name}-{digest(*engine.sources)}"
        wanted = [
            ("LocalStack", packages, python.install),
            ("DynamoDB Local", dynamodb, java.install_dynamodb),
        ]
        if engine:
            wanted.append((engine.title, engine_home, functools.partial(java.install_engine, engine)))
        missing = [part for part in wanted if not (part[1] / "complete").exists()]
        if any(install is not python.install for _, _, install in missing):
            java.find_maven()
        # Two runs of Maven at a time would share files that it does not guard.
        from_pip = [part for part in missing if part[2] is python.install]
        from_maven = [part for part in missing if part not in from_pip]
        with ThreadPoolExecutor() as pool:
            for made in [pool.submit(make_all, parts) for parts in (from_pip, from_maven)]:
                made.result()
    return types.SimpleNamespace(
        python=packages / "bin" / "python",
        bytecode=packages / "bytecode",
        java=runtime,
        dynamodb_home=dynamodb,
        engine=engine,
        engine_java=engine_runtime,
        engine_home=engine_home,
        sources=HERE,
    )


def ready_tools():
    """The folder of the tools' programs, installed if it was not."""
    tools.check()
    with held(INSTALLED / "lock", by_children=True):
        folder = INSTALLED / f"tools-{digest(sys.version, sys.base_prefix, *TOOLS_SOURCES)}"
        if not (folder / "complete").exists():
            make("SAM, cargo-lambda and pytest", folder, tools.install)
    return folder / "bin"


def make_all(parts):
    for part in parts:
        make(*part)


def make(title, folder, install):
    tell(f"Installing {title} below {INSTALLED}.")
    started = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    install(folder)
    (folder / "complete").touch()
    tell(f"  {title} took {time.monotonic() - started:.0f} s.")
