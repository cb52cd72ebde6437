"""What a person downloads: packs the programs of a release build, and what describes them.

Each program is built once, and all packages that carry it have the same bytes.
"""
