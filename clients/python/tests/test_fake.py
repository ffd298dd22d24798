"""Tests against a service that does on demand what no real one does."""

import copy
import pickle
import threading
from concurrent import futures
from decimal import Decimal

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from millpond_client._proto import entry_pb2, errors_pb2, lookup_pb2, lookup_pb2_grpc

from millpond_client import (
    Client,
    ErrorReason,
    Json,
    MillpondError,
    MissReason,
    RemovalCause,
    Tls,
)
from millpond_client import connection as connections
from millpond_client.entries import value_of

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


class Fake(lookup_pb2_grpc.LookupServiceServicer):
    """Each call takes the next of its answers."""

    def __init__(self):
        self.answers = []
        self.requests = []

    def _next(self, request, context):
        self.requests.append(copy.deepcopy(request))
        yield from self.answers.pop(0)(request, context)

    Scan = Watch = _next

    def BatchGet(self, request, context):
        return self.answers.pop(0)

    def StreamGet(self, requests, context):
        is_answered = self.answers.pop(0)
        for request in requests:
            if not is_answered:
                context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline is over")
            yield lookup_pb2.StreamGetResponse(tag=request.tag, response=lookup_pb2.GetResponse())


def answer(*responses, code=None):
    """Sends these responses, and then an error if there is a code."""

    def send(request, context):
        yield from responses
        if code is not None:
            context.abort(code, "as the test wants it")

    return send


@pytest.fixture
def fake():
    return Fake()


@pytest.fixture
def client(fake):
    server = grpc.server(futures.ThreadPoolExecutor(4))
    lookup_pb2_grpc.add_LookupServiceServicer_to_server(fake, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with Client(f"127.0.0.1:{port}") as client:
        yield client
    server.stop(None).wait()


def page(token, *keys):
    entries = [entry_pb2.Entry(key=key) for key in keys]
    return lookup_pb2.ScanResponse(entries=entries, next_page_token=token)


def test_a_scan_that_is_cut_off_goes_on_by_its_token(fake, client):
    fake.answers = [
        answer(page("t1", "a", "b"), code=UNAVAILABLE),
        answer(page("t2", "c"), code=grpc.StatusCode.INTERNAL),
        answer(page("t3", "d")),
    ]
    assert [entry.key for entry in client.scan("live", limit=4)] == ["a", "b", "c", "d"]
    assert (fake.requests[2].page_token, fake.requests[2].limit) == ("t2", 1)


def test_a_scan_does_not_survive_a_restart_and_says_so(fake, client):
    def refuse(request, context):
        violation = error_details_pb2.BadRequest.FieldViolation(field="page_token")
        detail = any_pb2.Any()
        detail.Pack(error_details_pb2.BadRequest(field_violations=[violation]))
        status = status_pb2.Status(code=3, message="not ours", details=[detail])
        context.set_trailing_metadata([("grpc-status-details-bin", status.SerializeToString())])
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "not ours")
        yield

    fake.answers = [answer(page("t1", "a"), code=UNAVAILABLE), refuse]
    entries = client.scan("live")
    assert next(entries).key == "a"
    with pytest.raises(MillpondError, match="restart") as raised:
        next(entries)
    assert raised.value.code is grpc.StatusCode.INVALID_ARGUMENT


def started(resumed):
    event = lookup_pb2.WatchStarted(resumed=resumed, sends_current=not resumed)
    return lookup_pb2.WatchResponse(events=[lookup_pb2.WatchEvent(started=event)])


def token(token):
    return lookup_pb2.WatchResponse(resume_token=token)


def test_a_watch_goes_on_from_its_token_and_begins_again_where_that_is_not_possible(fake, client):
    fake.answers = [
        answer(started(False), token("one"), code=UNAVAILABLE),
        answer(started(True), token("two"), code=grpc.StatusCode.ABORTED),
        # Another instance sends its entries, and is cut off before they are complete.
        answer(started(False), code=UNAVAILABLE),
        answer(started(False), token("three"), code=grpc.StatusCode.DEADLINE_EXCEEDED),
        answer(code=grpc.StatusCode.OUT_OF_RANGE),
        answer(started(False), code=grpc.StatusCode.PERMISSION_DENIED),
    ]
    watch = client.watch("live", include_current=True)
    events = [next(watch).resumed for _ in range(5)]
    with pytest.raises(MillpondError) as raised:
        next(watch)
    assert raised.value.code is grpc.StatusCode.PERMISSION_DENIED
    assert events == [False, True, False, False, False]
    assert [each.resume_token for each in fake.requests] == ["", "one", "two", "", "three", ""]


def test_a_watch_that_cannot_begin_fails(fake, client):
    fake.answers = [answer(code=grpc.StatusCode.NOT_FOUND)]
    with pytest.raises(MillpondError) as raised:
        next(client.watch("live"))
    assert raised.value.code is grpc.StatusCode.NOT_FOUND


def entry(key):
    return lookup_pb2.LookupResult(entry=entry_pb2.Entry(key=key))


def test_a_batch_asks_again_for_deferred_keys(fake, client):
    fake.answers = [
        lookup_pb2.BatchGetResponse(results=[entry("a"), entry("c")], deferred=[1, 3]),
        lookup_pb2.BatchGetResponse(results=[entry("b"), entry("d")]),
    ]
    results = client.batch_get("live", "abcd")
    assert [result.entry.key for result in results] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("results", "deferred"),
    [(["a"], [2]), (["a"], [-1]), ([], [0, 1]), (["a"], []), (["a", "b"], [1]), ([], [0, 0])],
)
def test_an_answer_that_does_not_fit_its_batch_is_an_error_and_no_loop(
    fake, client, results, deferred
):
    fake.answers = [lookup_pb2.BatchGetResponse(results=map(entry, results), deferred=deferred)]
    with pytest.raises(MillpondError):
        client.batch_get("live", "ab")


def test_lookups_of_a_stream_that_ends_may_be_tried_again(fake, client):
    fake.answers = [False, True]
    with client.lookup_stream() as stream:
        with pytest.raises(MillpondError) as raised:
            stream.get("live", "a")
        assert raised.value.is_retryable
        assert not raised.value.is_deadline
        assert stream.get("live", "a").miss
    with pytest.raises(ValueError, match="closed"):
        stream.get("live", "a")


def test_a_watch_that_another_thread_closes_ends(fake, client):
    release = threading.Event()

    def wait(request, context):
        yield started(False)
        release.wait()

    fake.answers = [wait]
    watch = client.watch("live")
    next(watch)
    threading.Timer(0.1, watch.close).start()
    assert list(watch) == []
    release.set()


def test_files_are_read_again_and_a_bad_one_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "CHECK_AFTER_SECONDS", 0)
    file = tmp_path / "token"
    file.write_text("first\n")
    sent = []
    send = connections._Token(file)
    for content in ("first", "second", "", "two words"):
        file.write_text(content)
        send(None, lambda metadata, error: sent.append(metadata[0][1]))
    assert sent == ["Bearer first", "Bearer second", "Bearer second", "Bearer second"]
    with pytest.raises(ValueError, match="one token"):
        Client("localhost:1", tls=Tls(), token_file=file)
    with pytest.raises(ValueError, match="TLS"):
        Client("localhost:1", token_file=file)


def test_a_number_of_any_size_is_no_error():
    for text in ("1" * 10_000, "1e999999999999999999999", "-0.1e-99999999999999999999"):
        assert isinstance(value_of(entry_pb2.Value(number_text=text)), Decimal)
    assert value_of(entry_pb2.Value(json_value='{"a":[1]}')) == Json('{"a":[1]}')
    assert Json('{"a":[1]}').parse() == {"a": [1]}


def test_an_error_can_be_pickled():
    error = MillpondError(UNAVAILABLE, "stopping", reason=ErrorReason.DRAINING, request_id="7")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.reason) == ("UNAVAILABLE: stopping (request 7)", error.reason)


@pytest.mark.parametrize(
    ("enum", "protocol", "prefix"),
    [
        (MissReason, lookup_pb2.MissReason, "MISS_REASON_"),
        (RemovalCause, entry_pb2.RemovalCause, "REMOVAL_CAUSE_"),
        (ErrorReason, errors_pb2.ErrorReason, "ERROR_REASON_"),
    ],
)
def test_enums_are_those_of_the_protocol(enum, protocol, prefix):
    assert {prefix + each.name: each.value for each in enum} == dict(protocol.items())
    assert enum(999) is enum.UNSPECIFIED
