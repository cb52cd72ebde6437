"""A CloudFormation stack that failed half-way can be deleted.

LocalStack by itself deletes all that the template names, and stops at the first resource that was never
made, so neither `sam delete` nor another try to deploy gets anywhere. Chosen by
PROVIDER_OVERRIDE_CLOUDFORMATION, so that CloudFormation is still loaded when it is first used.
"""

from localstack.services.plugins import Service, aws_provider


@aws_provider(api="cloudformation", name="canter")
def cloudformation():
    from localstack.services.cloudformation.v2.provider import CloudformationProviderV2

    class Provider(CloudformationProviderV2):
        @classmethod
        def _setup_change_set_model(cls, change_set, before_template, after_template, **rest):
            if after_template is None and before_template is not None:
                before_template = made(before_template, change_set.stack.resolved_resources)
            super()._setup_change_set_model(
                change_set=change_set,
                before_template=before_template,
                after_template=after_template,
                **rest,
            )

    return Service.for_provider(Provider())


def made(template, resources):
    """The template without what was not made; outputs could name that, and are not needed to delete."""
    there = {name for name, resource in resources.items() if resource.get("PhysicalResourceId")}
    kept = {name: told for name, told in template.get("Resources", {}).items() if name in there}
    return {**template, "Resources": kept, "Outputs": {}}
