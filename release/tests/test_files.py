"""What is in the files."""

import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from release import files as packing
from release.files import CHECKSUMS
from release.programs import PROCESSORS, Programs, Unfit, check
from release.project import VERSION

# ELF's number of a processor.
MACHINES = {"x86_64": 62, "aarch64": 183}
LAUNCHER = f"canter-{VERSION}.tgz"


def archives(folder):
    return [path for path in sorted(folder.iterdir()) if path.suffix in (".zip", ".whl", ".gz", ".tgz")]


def contents(path):
    """Names, modes and bytes of what is in an archive."""
    if path.suffix in (".zip", ".whl"):
        with zipfile.ZipFile(path) as archive:
            return [
                (entry.filename, entry.external_attr >> 16, archive.read(entry))
                for entry in archive.infolist()
            ]
    with tarfile.open(path) as archive:
        return [(entry.name, entry.mode, archive.extractfile(entry).read()) for entry in archive]


def checksums(folder):
    lines = (folder / CHECKSUMS).read_text().splitlines()
    return {name: checksum for checksum, name in (line.split() for line in lines)}


def test_every_file_has_its_checksum(files):
    command = ["sha256sum", "--check", "--strict", CHECKSUMS]
    done = subprocess.run(command, cwd=files, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert set(checksums(files)) == {path.name for path in files.iterdir()} - {CHECKSUMS}


def test_every_archive_has_the_license_and_a_program_of_the_processor_that_it_names(files):
    for path in archives(files):
        found = contents(path)
        assert any(name.endswith("LICENSE") for name, _, _ in found), path.name
        if path.name == LAUNCHER:
            continue
        ((mode, program),) = [(mode, data) for _, mode, data in found if data.startswith(b"\x7fELF")]
        assert mode & 0o777 == 0o755, path.name
        (processor,) = [one for one in PROCESSORS if {one.rust, one.aws, one.node} & set(words(path.name))]
        assert program[18] == MACHINES[processor.rust], path.name


def words(name):
    """Of a file's name, in which those of processors have underscores and other things, too."""
    return name.replace("manylinux_2_17_", "-").replace(".", "-").split("-")


def test_the_same_programs_make_the_same_files(tmp_path):
    made = []
    for day in ("1 day ago", "2 days ago"):
        program = tmp_path / "program"
        program.write_bytes(b"\x7fELF")
        subprocess.run(["touch", "--date", day, program], check=True)
        folder = tmp_path / day.replace(" ", "-")
        packing.pack([Programs(processor, program, program, program) for processor in PROCESSORS], folder)
        packing.sum_up(folder)
        made.append(checksums(folder))
    assert made[0] == made[1] and len(made[0]) == 13


def test_a_program_for_new_systems_only_is_not_released():
    """This machine's own programs ask for its own C library."""
    with pytest.raises(Unfit, match=r"bash asks for glibc 2\.\d+, packages promise 2\.17"):
        check(Path(shutil.which("bash")))
