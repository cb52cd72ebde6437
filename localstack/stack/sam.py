"""The SAM command line, pointed at LocalStack: the user's own AWS settings are neither read nor needed."""

import os
import re
import shlex
import shutil
import tomllib

from . import installation
from .cloud import REGION
from .places import HERE, HOME, Trouble
from .run import run

CHECKOUT = HERE.parent
# A first build of all functions took minutes on two busy cores.
BUILD_SECONDS = 3600
DEPLOY_SECONDS = 300


def environment(endpoint, tools):
    """Of SAM's commands that ask a server."""
    return {
        **asking_nobody(tools),
        "NO_PROXY": "127.0.0.1,localhost," + os.environ.get("NO_PROXY", ""),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def asking_nobody(tools):
    """The caller's, for cargo, but nothing of AWS in it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        # cargo-lambda looks for Zig in the Python that comes first.
        "PATH": f"{tools}:{os.environ.get('PATH', '')}",
        "VIRTUAL_ENV": str(tools.parent),
        "SAM_CLI_TELEMETRY": "0",
        # Where it keeps what it notes about its user.
        "__SAM_CLI_APP_DIR": str(HOME / ".sam"),
    }


def parameters(template, settings, own, given):
    """What samconfig.toml of the folder `settings` says for `local`, then `own`, then what the user gives."""
    config = settings / "samconfig.toml"
    written = {}
    if config.exists():
        local = tomllib.loads(config.read_text()).get("local", {})
        words = local.get("deploy", {}).get("parameters", {}).get("parameter_overrides", "")
        written = dict(word.split("=", 1) for word in shlex.split(words))
    known = names(template)
    if unknown := sorted(set(given) - known):
        raise Trouble(
            f"{template.name} has no parameter {', '.join(unknown)}; it has {', '.join(sorted(known))}."
        )
    return {name: value for name, value in {**written, **own, **given}.items() if name in known}


def names(template):
    """Of a template's parameters: the keys of its section, by their place in the line."""
    section = re.search(r"^Parameters:\n((?:[ #].*\n|\n)*)", text_of(template), re.MULTILINE)
    return set(re.findall(r"^  (\w+):", section[1], re.MULTILINE)) if section else set()


def text_of(template):
    try:
        return template.read_text()
    except OSError as error:
        raise Trouble(f"there is nothing to deploy: {error}") from error


def build(template, folder, log, environment, overrides):
    """Always into an empty folder: `sam deploy` without one would pack the whole checkout."""
    shutil.rmtree(folder, ignore_errors=True)
    command = ["sam", "build", "--template-file", template, "--build-dir", folder]
    command += config(template.parent)
    sentence = "the functions could not be built"
    _run(command, log, sentence, environment, overrides, template.parent, BUILD_SECONDS)


def take(template, folder, built):
    """What `build` makes, of programs that are there: a folder for each, and a template that names it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # A resource begins with its name, two spaces into the line.
    resources = re.split(r"^(?=  \w+:$)", text_of(template), flags=re.MULTILINE)
    for place, resource in enumerate(resources):
        if found := re.search(r"^ +Binary: (\S+)$", resource, re.MULTILINE):
            program = found[1]
            put(built / program, folder / program)
            code = re.compile(r"^( +CodeUri:) .*$", re.MULTILINE)
            resources[place] = code.sub(rf"\1 {program}", resource)
    (folder / "template.yaml").write_text("".join(resources))


def put(program, folder):
    """As Lambda calls it. Not copied if that can be helped: cargo never writes into a program that is there."""
    folder.mkdir(exist_ok=True)
    bootstrap = folder / "bootstrap"
    if bootstrap.exists():
        return
    try:
        os.link(program, bootstrap)
    except FileNotFoundError:
        release = " --release" if program.parent.name == "release" else ""
        raise Trouble(f"{program} is not there: run `cargo build{release}` first.") from None
    except OSError:
        # On another file system.
        shutil.copy(program, bootstrap)


def deploy(template, settings, log, environment, overrides, name):
    """A template whose programs are beside it."""
    command = ["sam", "deploy", "--template-file", template, "--stack-name", name, *config(settings)]
    command += ["--region", REGION, "--resolve-s3", "--capabilities", "CAPABILITY_IAM"]
    command += ["--no-confirm-changeset", "--no-fail-on-empty-changeset"]
    _run(
        command, log, "the functions could not be deployed", environment, overrides, settings, DEPLOY_SECONDS
    )


def become(words):
    """SAM or another program, in place of this one, with the tools' programs before those of the user."""
    environment = asking_nobody(installation.ready_tools())
    program = shutil.which(words[0], path=environment["PATH"])
    if program is None:
        raise Trouble(f"{words[0]} is not there.")
    os.execve(program, words, environment)


def config(settings):
    """The settings for this place that a folder has, if it has some."""
    file = settings / "samconfig.toml"
    return ["--config-file", file, "--config-env", "local"] if file.exists() else []


def _run(command, log, sentence, environment, overrides, folder, seconds):
    # It takes its arguments apart once more, at spaces that are not in double quotes.
    words = [f'{name}="{escaped(value)}"' for name, value in overrides.items()]
    if words:
        command += ["--parameter-overrides", *words]
    command[0] = shutil.which("sam", path=environment["PATH"])
    run(command, log, sentence, environment, folder, seconds)


def escaped(value):
    return value.replace("\\", "\\\\").replace('"', '\\"')
