"""The README's diagram and its table of rights, which are the template's."""

import re

from stack import BUCKET, CONDITIONS, FUNCTION, QUEUE, ROLE, ROOT, SCHEDULE, TABLE, listed, of_type

README = (ROOT / "infra" / "README.md").read_text()
FUNCTIONS = of_type(FUNCTION)
STORES = {name for kind in (TABLE, BUCKET, QUEUE) for name in of_type(kind)}


def conditional(statement, parameters=()):
    """The statement in each case of its conditions, with the parameters that are set or empty then."""
    if set(statement) != {"Fn::If"}:
        return [] if "Ref" in statement else [(statement, parameters)]
    condition, yes, no = statement["Fn::If"]
    (asked,) = re.findall(r"'Ref': '(\w+)'", str(CONDITIONS[condition]))
    return conditional(yes, (*parameters, asked)) + conditional(no, (*parameters, f'{asked}=""'))


def name_of(resource):
    """A resource of a statement, as the README names it."""
    if resource == "*":
        return "*"
    ((_, argument),) = resource.items()
    if isinstance(argument, list):
        return argument[0]
    return argument.replace("${", "").replace("}", "").replace(".Arn", "")


def rights():
    """Who may do what on what, and the parameters that this depends on."""
    who = {properties["Role"]["Fn::GetAtt"][0]: name for name, properties in FUNCTIONS.items()}
    for name, role in of_type(ROLE).items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                for found, parameters in conditional(statement):
                    on = [name_of(resource) for resource in listed(found["Resource"])]
                    yield who.get(name, name), listed(found["Action"]), on, parameters


def cell(names):
    return " " + ", ".join(f"`{name}`" for name in names) + " " if names else " "


def test_the_table_has_the_rights_of_each_role():
    rows = ["|".join(["", *map(cell, ([who], *columns)), ""]) for who, *columns in rights()]
    assert [line for line in README.splitlines() if re.match(r"\| `\w+(Function|Role)` \|", line)] == rows


def test_the_diagram_has_an_arrow_for_each_right_on_a_store():
    diagram = README.partition("```mermaid\n")[2].partition("```")[0]
    arrows = {frozenset(ends) for ends in re.findall(r"^ *(\w+) .*--> (\w+)$", diagram, re.MULTILINE)}
    told = {ends for ends in arrows if ends & set(FUNCTIONS) and ends & STORES}
    stores = [(who, resource.partition("/")[0]) for who, _, on, _ in rights() for resource in on]
    assert told == {frozenset(ends) for ends in stores if ends[0] in FUNCTIONS and ends[1] in STORES}
    assert set(re.findall(r"\w+Schedule", diagram)) == set(of_type(SCHEDULE))
