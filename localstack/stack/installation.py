"""What is installed below `.installed`: LocalStack's Python packages, the Java servers, and tools.

Each part lies in a folder named by what it was made of, so that a changed list makes a new one and
never disturbs a stack that runs on the old. A part without its file `complete` was interrupted and
is made anew. Once the parts are there, nothing here needs the network. The tools are installed when
something is first deployed or tested: a stack that runs needs none.
"""

import hashlib
import shutil
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor

from . import java, python, tools
from .places import HERE, INSTALLED, held, tell

PYTHON_SOURCES = ("stack/python.py", "packages/requirements.txt", "packages/sources.txt")
TOOLS_SOURCES = ("stack/python.py", "packages/tools.txt")
JAVA_SOURCES = (
    "stack/java.py",
    "packages/pom.xml",
    "packages/SHA256SUMS",
    *(f"elasticsearch/modules/{module}/plugin-descriptor.properties" for module in java.MODULES),
    *(f"elasticsearch/modules/{module}/plugin-security.policy" for module in java.MODULES),
)


def digest(*parts):
    """A short name for what a part is made of: texts, and files of the checkout."""
    state = hashlib.sha256()
    for part in parts:
        if part in PYTHON_SOURCES + TOOLS_SOURCES + JAVA_SOURCES:
            file = HERE / part
            part = file.read_text() if file.exists() else ""
        state.update(part.encode() + b"\0")
    return state.hexdigest()[:12]


def ready():
    """Installs what is missing, both parts at the same time. Says where everything is.

    Tools are looked for before anything is downloaded, so that a missing one is told at once."""
    java.check_platform()
    python.check()
    runtime = java.find()
    with held(INSTALLED / "lock", by_children=True):
        packages = INSTALLED / f"python-{digest(sys.version, sys.base_prefix, *PYTHON_SOURCES)}"
        servers = INSTALLED / f"java-{digest(*JAVA_SOURCES)}"
        missing = [
            (title, folder, install)
            for title, folder, install in (
                ("LocalStack", packages, python.install),
                ("DynamoDB Local and Elasticsearch", servers, java.install),
            )
            if not (folder / "complete").exists()
        ]
        if any(install is java.install for _, _, install in missing):
            java.find_maven()
        with ThreadPoolExecutor() as pool:
            for made in [pool.submit(make, *part) for part in missing]:
                made.result()
    return types.SimpleNamespace(
        python=packages / "bin" / "python",
        bytecode=packages / "bytecode",
        java=runtime,
        java_home=servers,
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


def make(title, folder, install):
    tell(f"Installing {title} below {INSTALLED}.")
    started = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    install(folder)
    (folder / "complete").touch()
    tell(f"  {title} took {time.monotonic() - started:.0f} s.")
