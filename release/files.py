"""All files of a release, in one folder."""

import hashlib
import shutil
from concurrent.futures import ThreadPoolExecutor

from . import archives, npm, template, wheels

CHECKSUMS = "SHA256SUMS"


def pack(released, destination):
    """Packs programs, for one or more processors, into a folder that is made anew."""
    shutil.rmtree(destination, ignore_errors=True)
    destination.mkdir(parents=True)
    kinds = (archives.command_line, archives.functions, template.pack, wheels.pack, npm.pack_program)
    with ThreadPoolExecutor() as pool:
        packed = [pool.submit(kind, programs, destination) for programs in released for kind in kinds]
        packed.append(pool.submit(npm.pack_launcher, destination))
    for one in packed:
        one.result()


def sum_up(destination):
    """Writes the checksums of all files that are there, as `sha256sum --check` reads them."""
    lines = []
    for path in sorted(destination.iterdir()):
        with open(path, "rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
    (destination / CHECKSUMS).write_text("".join(lines))
