"""The template that a release's `sam deploy` needs: the one of the checkout, with programs that are built."""

from ruamel.yaml import YAML

from . import archives
from .project import ROOT

FUNCTION = "AWS::Serverless::Function"


def pack(programs, destination):
    """For one processor, since no parameter can choose between two files."""
    processor = programs.processor
    # Round trip: tags such as !Ref stay, and nearly all of the layout.
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1000
    yaml.indent(sequence=4, offset=2)
    template = yaml.load(ROOT / "template.yaml")
    del template["Parameters"]["Architecture"]
    template["Globals"]["Function"]["Architectures"] = [processor.aws]
    for resource in template["Resources"].values():
        if resource["Type"] == FUNCTION:
            binary = resource.pop("Metadata")["BuildProperties"]["Binary"]
            resource["Properties"]["CodeUri"] = archives.of_function(binary, processor)
    yaml.dump(template, destination / f"template-{processor.aws}.yaml")
