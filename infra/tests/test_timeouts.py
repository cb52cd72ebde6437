"""A message must not come again while it is worked on: visibility is at least 6 times the timeout."""

from itertools import product

import pytest
from stack import FUNCTION, PARAMETERS, QUEUE, TEMPLATE, event_queues, of_type

TIMEOUTS = PARAMETERS["FunctionTimeout"]["AllowedValues"]
VISIBILITIES = PARAMETERS["VisibilityTimeout"]["AllowedValues"]


def value(term, chosen):
    """A term of a rule, as CloudFormation works it out."""
    if not isinstance(term, dict):
        return term
    ((function, argument),) = term.items()
    if function == "Ref":
        return chosen[argument]
    if function == "Fn::Equals":
        left, right = (str(value(side, chosen)) for side in argument)
        return left == right
    if function == "Fn::Contains":
        members, member = argument
        return str(value(member, chosen)) in [str(one) for one in members]
    raise NotImplementedError(function)


def accepted(timeout, visibility):
    chosen = {"FunctionTimeout": timeout, "VisibilityTimeout": visibility}
    return all(
        value(assertion["Assert"], chosen)
        for rule in TEMPLATE["Rules"].values()
        if value(rule.get("RuleCondition", True), chosen)
        for assertion in rule["Assertions"]
    )


@pytest.mark.parametrize(("timeout", "visibility"), list(product(TIMEOUTS, VISIBILITIES)))
def test_a_ratio_below_six_is_refused_and_no_other(timeout, visibility):
    assert accepted(timeout, visibility) == (visibility >= 6 * timeout)


def test_the_defaults_go_together():
    assert accepted(PARAMETERS["FunctionTimeout"]["Default"], PARAMETERS["VisibilityTimeout"]["Default"])


@pytest.mark.parametrize("timeout", TIMEOUTS)
def test_each_timeout_has_a_visibility(timeout):
    assert any(accepted(timeout, visibility) for visibility in VISIBILITIES)


def test_a_message_that_is_delayed_as_far_as_can_be_is_due_later_than_one_that_was_received():
    assert max(VISIBILITIES) < 900


def test_the_parameters_are_what_functions_and_queues_have():
    queues = of_type(QUEUE)
    fed = [function for function in of_type(FUNCTION).values() if event_queues(function)]
    assert len(fed) == 2
    for function in fed:
        assert function["Timeout"] == {"Ref": "FunctionTimeout"}
        for queue in event_queues(function):
            assert queues[queue]["VisibilityTimeout"] == {"Ref": "VisibilityTimeout"}
