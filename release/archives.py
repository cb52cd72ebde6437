"""Archives whose bytes depend on nothing but what is in them."""

import gzip
import tarfile
import zipfile
from datetime import UTC, datetime

from .project import EPOCH, LICENSE_FILE, README_FILE, VERSION


def command_line(programs, destination):
    """The program in a folder of its own, with what a person wants to read first."""
    name = f"canter-{VERSION}-{programs.processor.rust}-linux"
    with (
        open(destination / f"{name}.tar.gz", "wb") as file,
        # A higher level takes three times as long for one hundredth.
        gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=EPOCH) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path, mode in ((programs.canter, 0o755), (LICENSE_FILE, 0o644), (README_FILE, 0o644)):
            entry = tarfile.TarInfo(f"{name}/{path.name}")
            entry.size, entry.mode, entry.mtime = path.stat().st_size, mode, EPOCH
            with open(path, "rb") as content:
                archive.addfile(entry, content)


def functions(programs, destination):
    """As Lambda takes them: zips with an executable `bootstrap`."""
    for binary, program in (("canter-fetch", programs.fetch), ("canter-search", programs.search)):
        name = of_function(binary, programs.processor)
        with zipfile.ZipFile(destination / name, "w", zipfile.ZIP_DEFLATED) as archive:
            add(archive, "bootstrap", program, 0o755)
            add(archive, "LICENSE", LICENSE_FILE, 0o644)


def of_function(binary, processor):
    """The name of a function's zip, which the template beside it names, too."""
    return f"{binary}-{processor.aws}.zip"


def add(archive, name, path, mode):
    entry = zipfile.ZipInfo(name, datetime.fromtimestamp(EPOCH, UTC).timetuple()[:6])
    entry.compress_type = archive.compression
    # A Unix file's; Lambda keeps the mode.
    entry.create_system, entry.external_attr = 3, (0o100000 | mode) << 16
    archive.writestr(entry, path.read_bytes())
