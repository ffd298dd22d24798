"""What tests need: clients, and the control of the service that test.sh is told of."""

import json
import os
import urllib.request

import pytest

from millpond_client import Client, Position

PATIENCE_SECONDS = 30


def variable(name):
    """A variable of the environment. Without it the test is skipped."""
    value = os.environ.get(name)
    if not value:
        pytest.skip(f"{name} is not set")
    return value


class Control:
    """What becomes of the service and its tables."""

    def __init__(self, address):
        self._address = address

    def put(self, table, key, document):
        return self._ask("PUT", f"/tables/{table}/entries/{key}", document)

    def delete(self, table, key):
        return self._ask("DELETE", f"/tables/{table}/entries/{key}")

    def produce(self, table, key, document):
        return self._ask("POST", f"/produce/{table}/{key}", document)

    def fill(self, table, prefix, count, document):
        """Puts a document under so many keys, and returns the keys."""
        self._ask("POST", f"/fill/{table}/{prefix}/{count}", document)
        return names(prefix, count)

    def order(self, what):
        self._ask("POST", f"/{what}")

    def _ask(self, method, path, document=None):
        # A document that is text goes as it is: numbers in it are not changed.
        text = document if isinstance(document, str) else json.dumps(document or {})
        request = urllib.request.Request(self._address + path, text.encode(), method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.loads(response.read())
        return Position(answer["partition"], answer["offset"]) if "offset" in answer else None


def names(prefix, count):
    """The keys that a fill makes."""
    return [f"{prefix}-{number:05}" for number in range(count)]


@pytest.fixture
def control():
    return Control(variable("MILLPOND_TEST_CONTROL"))


@pytest.fixture
def client():
    with Client(variable("MILLPOND_TEST_ENDPOINT"), timeout=PATIENCE_SECONDS) as client:
        yield client
