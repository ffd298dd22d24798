"""A batch of any size, in as many calls as that takes."""

from collections import deque
from collections.abc import Callable, Sequence

import grpc

from millpond_client._proto import lookup_pb2
from millpond_client.entries import Result, as_of_of, result_of
from millpond_client.errors import MillpondError

# Most keys in one call, as the protocol says.
MAX_KEYS = 1_000

Call = Callable[[lookup_pb2.BatchGetRequest], lookup_pb2.BatchGetResponse]


def batch_get(call: Call, request: lookup_pb2.BatchGetRequest, keys: Sequence[str]) -> list[Result]:
    """Makes calls with this request until each key has its result."""
    results: dict[int, Result] = {}
    left = deque(range(len(keys)))
    while left:
        asked = [left.popleft() for _ in range(min(len(left), MAX_KEYS))]
        request.keys[:] = [keys[index] for index in asked]
        response = call(request)
        deferred = [asked[place] for place in _places(response, len(asked))]
        later = set(deferred)
        answered = (index for index in asked if index not in later)
        as_of = as_of_of(response.as_of)
        for index, result in zip(answered, response.results, strict=True):
            results[index] = result_of(result, as_of)
        left.extendleft(reversed(deferred))
    return [results[index] for index in range(len(keys))]


def _places(response: lookup_pb2.BatchGetResponse, asked: int) -> list[int]:
    """The places of the deferred keys, once it is clear that the answer fits its request."""
    places = list(response.deferred)
    are_places = len(set(places)) == len(places) and all(0 <= each < asked for each in places)
    if not (are_places and response.results and len(places) + len(response.results) == asked):
        message = "the answer has other results than those that were asked for"
        raise MillpondError(grpc.StatusCode.INTERNAL, message)
    return places
