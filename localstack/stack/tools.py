"""The tools that deploy and test: SAM, cargo-lambda with its Zig, cfn-lint, pytest, boto3.

In a virtual environment of their own, since they want other packages than LocalStack does.
"""

from . import python


def check():
    """The list was resolved for this Python alone."""
    python.check("the tools need", "")


def install(folder):
    python.environment(folder, ("tools.txt",), "pip could not install the tools")
