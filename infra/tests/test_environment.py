"""What the programs read of their environment."""

import pytest
from stack import BUCKET, FUNCTION, NAMESPACE, PARAMETERS, QUEUE, RESOURCES, TABLE, branches, of_type, type_of

# The names that the programs read, and what each has to be: a type of resource, a parameter, a text.
CRAWLING = {
    "CANTER_PAGES_TABLE": TABLE,
    "CANTER_STATE_TABLE": TABLE,
    "CANTER_BUCKET": BUCKET,
    "CANTER_QUEUE_URL": QUEUE,
    "CANTER_ERRANDS_URL": QUEUE,
    "CANTER_DEAD_LETTERS_URL": QUEUE,
    "CANTER_MAX_RECEIVES": "4",
    "CANTER_INDEX_URL": "IndexUrl",
    "CANTER_INDEX_SECRET": "IndexSecretArn",
    "CANTER_INDEX_SIGNED_FOR": "IndexSignedFor",
    "CANTER_INDEX_STORAGE": "IndexStorage",
    "CANTER_ALLOW_PRIVATE": "AllowPrivate",
    "CANTER_METRICS": NAMESPACE,
}
SEARCHING = {
    "CANTER_STATE_TABLE": TABLE,
    "CANTER_BUCKET": BUCKET,
    "CANTER_INDEX_URL": "IndexUrl",
    "CANTER_INDEX_SECRET": "IndexSecretArn",
    "CANTER_INDEX_SIGNED_FOR": "IndexSignedFor",
    "CANTER_INDEX_STORAGE": "IndexStorage",
    "CANTER_SEARCH_ORIGINS": "SearchOrigins",
    "CANTER_METRICS": NAMESPACE,
    "AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH": "true",
}
SWEEPING = {**CRAWLING, "CANTER_MAX_RECEIVES": "10"}
EXPECTED = {"FetchFunction": CRAWLING, "SweepFunction": SWEEPING, "SearchFunction": SEARCHING}
# The queue that each is triggered by.
QUEUES = {"FetchFunction": "TasksQueue", "SweepFunction": "ErrandsQueue"}


def variables(name):
    return RESOURCES[name]["Properties"]["Environment"]["Variables"]


def test_these_are_all_functions():
    assert set(of_type(FUNCTION)) == set(EXPECTED)


@pytest.mark.parametrize("function", EXPECTED)
def test_a_function_has_what_its_program_reads_and_nothing_else(function):
    assert set(variables(function)) == set(EXPECTED[function])


@pytest.mark.parametrize(
    ("function", "variable"),
    [(function, variable) for function, names in EXPECTED.items() for variable in names],
)
def test_a_variable_is_what_its_name_says(function, variable):
    # What the last of two cases is: the key that both programs can have.
    found = branches(variables(function)[variable])[-1]
    expected = EXPECTED[function][variable]
    if expected == NAMESPACE:
        assert found == {"Fn::Sub": expected}
    elif expected in (TABLE, BUCKET, QUEUE):
        assert type_of(found["Ref"]) == expected
    elif expected in PARAMETERS:
        assert found == {"Ref": expected}
    else:
        assert found == expected


def test_the_search_function_has_its_own_key_where_there_is_one():
    secret = variables("SearchFunction")["CANTER_INDEX_SECRET"]
    assert secret == {"Fn::If": ["HasSearchSecret", {"Ref": "SearchSecretArn"}, {"Ref": "IndexSecretArn"}]}


@pytest.mark.parametrize("function", ["FetchFunction", "SweepFunction"])
def test_tables_queues_and_dead_letters_are_not_mixed_up(function):
    found = variables(function)
    assert found["CANTER_PAGES_TABLE"] == {"Ref": "PagesTable"}
    assert found["CANTER_STATE_TABLE"] == {"Ref": "StateTable"}
    assert found["CANTER_QUEUE_URL"] == {"Ref": "TasksQueue"}
    assert found["CANTER_ERRANDS_URL"] == {"Ref": "ErrandsQueue"}
    redrive = RESOURCES[QUEUES[function]]["Properties"]["RedrivePolicy"]
    letters = found["CANTER_DEAD_LETTERS_URL"]["Ref"]
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": [letters, "Arn"]}


@pytest.mark.parametrize("function", ["FetchFunction", "SweepFunction"])
def test_the_program_counts_receives_as_the_queue_does(function):
    redrive = RESOURCES[QUEUES[function]]["Properties"]["RedrivePolicy"]
    assert variables(function)["CANTER_MAX_RECEIVES"] == str(redrive["maxReceiveCount"])
