"""The template that needs no build."""

import pytest
from cfnlint.decode import cfn_yaml
from conftest import HERE, ROOT

FUNCTION = "AWS::Serverless::Function"


@pytest.fixture(scope="module")
def packed(files):
    return files / f"template-{HERE.aws}.yaml"


def functions(template):
    return [resource for resource in template["Resources"].values() if resource["Type"] == FUNCTION]


def test_its_functions_are_files_beside_it(packed):
    template = cfn_yaml.load(str(packed))
    for function in functions(template):
        assert (packed.parent / function["Properties"]["CodeUri"]).is_file()
        assert "Metadata" not in function
    assert template["Globals"]["Function"]["Architectures"] == [HERE.aws]


def test_all_else_is_as_in_the_checkout(packed):
    ours, theirs = cfn_yaml.load(str(ROOT / "template.yaml")), cfn_yaml.load(str(packed))
    del ours["Parameters"]["Architecture"]
    for template in (ours, theirs):
        del template["Globals"]["Function"]["Architectures"]
        for function in functions(template):
            function.pop("Metadata", None)
            del function["Properties"]["CodeUri"]
    assert theirs == ours
