"""How soon an event source mapping asks an empty queue again.

LocalStack's variables set the longest pause, but the first is always about a second, and it comes each
time the queue was empty for a moment: a crawl of some pages would mostly wait.
"""

from localstack.services.lambda_.event_source_mapping import esm_worker
from localstack.utils.backoff import ExponentialBackoff


def quicken():
    esm_worker.ExponentialBackoff = backoff


def backoff(initial_interval, max_interval):
    return ExponentialBackoff(initial_interval=min(initial_interval, max_interval), max_interval=max_interval)
