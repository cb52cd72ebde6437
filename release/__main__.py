"""`python -m release`: packs what `make release` has built into target/release-files."""

import sys

from . import files, sbom
from .programs import PROCESSORS, Unfit, released
from .project import ROOT

try:
    found = [released(processor) for processor in PROCESSORS]
except Unfit as sentence:
    sys.exit(f"release: {sentence}")
destination = ROOT / "target" / "release-files"
files.pack(found, destination)
sbom.write(destination)
files.sum_up(destination)
print(destination)
