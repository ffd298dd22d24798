"""Tests against a service that test.sh is told of."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import grpc
import pytest
from conftest import PATIENCE_SECONDS, names, variable

from millpond_client import (
    Client,
    CurrentEntry,
    ErrorReason,
    Field,
    Freshness,
    Json,
    MillpondError,
    MissReason,
    Position,
    RemovalCause,
    RemovedEntry,
    SnapshotComplete,
    StoredEntry,
    Tls,
    WatchProgress,
    WatchStarted,
)

LARGE = "x" * 10_000


def until_missed(client, table, key):
    """Waits until a key misses, and returns the miss."""
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if miss := client.get(table, key).miss:
            return miss
        time.sleep(0.1)
    pytest.fail(f"{key} is still in {table}")


def test_get_returns_an_entry_with_its_origin_and_how_fresh_it_is(client, control):
    before = datetime.now(UTC) - timedelta(minutes=1)
    position = control.put("live", "py-get", {"name": "first", "size": 7})
    result = client.get("live", "py-get")
    assert result.miss is None
    entry = result.entry
    assert (entry.key, entry.fields) == ("py-get", {"name": "first", "size": 7})
    assert entry.origin.position == position
    assert before < entry.origin.time < entry.expire_time
    assert result.as_of.ready
    assert result.as_of.newest_record_time > before
    assert result.as_of.staleness < timedelta(minutes=1)
    freshness = Freshness(require_ready=True, max_staleness=timedelta(minutes=1))
    result = client.get("live", "py-get", fields=["size"], freshness=freshness)
    assert result.entry.fields == {"size": 7}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("null", None),
        ("true", True),
        ("-42", -42),
        (str(2**64 - 1), 2**64 - 1),
        ("1.50", 1.5),
        ('"text \u20ac"', "text \u20ac"),
        ('{ "a": [1, 2.50] }', Json('{"a":[1,2.50]}')),
        ("[]", Json("[]")),
        ("123456789012345678901234567890", Decimal(123456789012345678901234567890)),
        ("1e400", Decimal("1e400")),
    ],
)
def test_every_kind_of_value_arrives_without_loss(client, control, text, value):
    control.put("live", "py-value", f'{{"data": {text}}}')
    data = client.get("live", "py-value").entry.fields["data"]
    assert data == value
    assert type(data) is type(value)


def test_a_batch_of_any_size_has_its_results_in_the_order_of_the_keys(client, control):
    # 6 MB, which is more than one answer holds, so keys are deferred.
    control.fill("live", "py-batch", 600, {"data": LARGE})
    keys = names("py-batch", 2500)
    results = client.batch_get("live", keys)
    assert [result.entry.key for result in results[:600]] == keys[:600]
    assert len(results) == 2500
    assert all(result.miss for result in results[600:])


def test_a_thousand_lookups_share_a_stream_and_fail_alone(client, control):
    control.put("live", "py-stream", {"name": "here"})
    begin = threading.Barrier(1000)

    def look_up(number):
        begin.wait()
        try:
            table = "nowhere" if number == 500 else "live"
            return stream.get(table, "py-stream").entry.fields["name"]
        except MillpondError as error:
            return error.reason

    with client.lookup_stream() as stream, ThreadPoolExecutor(1000) as threads:
        answers = list(threads.map(look_up, range(1000)))
    assert answers.pop(500) is ErrorReason.TABLE_NOT_FOUND
    assert answers == ["here"] * 999


def test_a_lookup_stream_opens_again_after_a_restart(client, control):
    position = control.put("live", "py-again", {"name": "here"})
    far = Freshness(min_positions=[Position(position.partition, position.offset + 1_000_000)])
    with client.lookup_stream() as stream, ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(stream.get, "live", "py-again", freshness=far)
        assert stream.get("live", "py-again").entry
        control.order("restart")
        error = waiting.exception()
        assert isinstance(error, MillpondError)
        assert error.is_retryable
        assert stream.get("live", "py-again").entry


def test_a_scan_sends_each_entry_once(client, control):
    filled = control.fill("live", "py-scan", 500, {"name": "n", "size": 1})
    control.put("live", "py-other", {})
    freshness = Freshness(require_ready=True)
    all_keys = [entry.key for entry in client.scan("live", freshness=freshness, timeout=60)]
    assert len(all_keys) == len(set(all_keys))
    assert {*filled, "py-other"} <= set(all_keys)
    some = list(client.scan("live", prefix="py-scan-", fields=["name"]))
    assert sorted(entry.key for entry in some) == filled
    assert some[0].fields == {"name": "n"}
    assert len(list(client.scan("live", prefix="py-scan-", limit=7))) == 7
    assert list(client.scan("live", prefix="py-nothing-")) == []


def test_a_scan_that_a_restart_cuts_off_says_so(client, control):
    # More than the connection holds, so the scan is not over when the service restarts.
    control.fill("live", "py-cut", 600, {"data": LARGE})
    entries = client.scan("live", prefix="py-cut-")
    next(entries)
    control.order("restart")
    with pytest.raises(MillpondError, match="restart") as raised:
        list(entries)
    assert raised.value.code is grpc.StatusCode.INVALID_ARGUMENT


def until(watch, kind, matches=lambda event: True):
    """Reads events until one matches, and leaves out all that are of no concern."""
    return next(event for event in watch if isinstance(event, kind) and matches(event))


def test_a_watch_sends_current_entries_and_changes_and_goes_on_after_a_restart(client, control):
    for key in ("py-watch-b", "py-watch-c"):
        control.delete("live", key)
    control.put("live", "py-watch-a", {"name": "current"})
    watch = client.watch(
        "live",
        prefix="py-watch-",
        include_current=True,
        progress_interval=timedelta(milliseconds=100),
        fields=["name"],
    )
    with watch:
        started = until(watch, WatchStarted)
        assert (started.resumed, started.sends_current, started.as_of.ready) == (False, True, True)
        entry = until(watch, CurrentEntry).entry
        assert (entry.key, entry.fields) == ("py-watch-a", {"name": "current"})
        until(watch, SnapshotComplete)

        position = control.put("live", "py-watch-a", {"name": "changed"})
        stored = until(watch, StoredEntry)
        assert stored.replaced
        assert stored.entry.fields == {"name": "changed"}
        assert stored.entry.origin.position == position
        until(watch, WatchProgress, lambda progress: position in progress.positions)
        tombstone = control.delete("live", "py-watch-a")
        removed = until(watch, RemovedEntry)
        assert (removed.key, removed.cause) == ("py-watch-a", RemovalCause.DELETED)
        assert (removed.deleted_by, removed.origin.position) == (tombstone, position)

        control.put("live", "py-watch-b", {"name": "before"})
        until(watch, StoredEntry)
        with ThreadPoolExecutor(1) as threads:
            restarted = threads.submit(control.order, "restart")
            started = until(watch, WatchStarted)
            restarted.result()
        assert (started.resumed, started.sends_current) == (False, True)
        control.put("live", "py-watch-c", {"name": "after"})
        until(watch, StoredEntry, lambda stored: stored.entry.key == "py-watch-c")


def test_a_watch_of_keys_sees_an_entry_expire(client, control):
    with client.watch("brief", keys=["py-expires"]) as watch:
        assert not until(watch, WatchStarted).sends_current
        position = control.put("brief", "py-expires", {"name": "short"})
        until(watch, StoredEntry)
        removed = until(watch, RemovedEntry)
        assert removed.cause is RemovalCause.EXPIRED
        assert (removed.origin.position, removed.deleted_by) == (position, None)


def test_misses_have_their_reasons(client, control):
    miss = until_missed(client, "live", "py-never")
    assert (miss.reason, miss.time, miss.deleted_by) == (MissReason.NEVER_SEEN, None, None)
    control.put("live", "py-deleted", {})
    tombstone = control.delete("live", "py-deleted")
    miss = until_missed(client, "live", "py-deleted")
    assert (miss.reason, miss.deleted_by) == (MissReason.DELETED, tombstone)
    control.put("brief", "py-expired", {})
    miss = until_missed(client, "brief", "py-expired")
    assert miss.reason is MissReason.EXPIRED
    assert miss.time


def test_a_miss_says_that_the_table_was_full(client, control):
    # 2 MB, and the table takes half of it.
    keys = control.fill("small", "py-small", 200, {"data": LARGE})
    results = client.batch_get("small", keys, fields=["name"])
    assert MissReason.EVICTED in {result.miss.reason for result in results if result.miss}


def test_a_table_that_is_loading_says_so():
    # Its health keeps it out of the balancing, so calls to it need a configuration without health
    # checks.
    with Client(variable("MILLPOND_TEST_LOADING"), service_config="{}") as client:
        result = client.get("live", "py-any")
        assert result.miss.reason is MissReason.LOADING
        assert (result.as_of.ready, result.as_of.staleness) == (False, None)
        with pytest.raises(MillpondError) as raised:
            client.get("live", "py-any", freshness=Freshness(require_ready=True))
        assert raised.value.reason is ErrorReason.TABLE_LOADING
        assert raised.value.is_retryable
        assert raised.value.retry_delay > timedelta()


def test_a_deadline_is_recognised(client, control):
    client.get("live", "py-any")
    with client.lookup_stream() as stream:
        control.order("pause")
        try:
            for get in (client.get, stream.get):
                with pytest.raises(MillpondError) as raised:
                    # The service stands still a moment after it was told so.
                    while True:
                        get("live", "py-any", timeout=0.3)
                assert raised.value.is_deadline
        finally:
            control.order("continue")


def test_a_program_reads_its_own_writes(client, control):
    for number in range(20):
        position = control.produce("live", "py-own", {"size": number})
        result = client.get("live", "py-own", freshness=Freshness(min_positions=[position]))
        assert result.entry.fields["size"] == number
    far = Freshness(min_positions=[Position(0, 2**40)])
    with pytest.raises(MillpondError) as raised:
        client.get("live", "py-own", freshness=far, timeout=1)
    assert raised.value.is_deadline


def test_errors_say_what_is_wrong(client):
    with pytest.raises(MillpondError, match="nowhere") as raised:
        client.get("nowhere", "py-any")
    error = raised.value
    assert error.code is grpc.StatusCode.NOT_FOUND
    assert error.reason is ErrorReason.TABLE_NOT_FOUND
    assert error.metadata["table"] == "nowhere"
    assert error.request_id
    assert not error.is_retryable
    with pytest.raises(MillpondError) as raised:
        client.get("live", "")
    assert raised.value.reason is ErrorReason.INVALID_REQUEST
    assert [violation.field for violation in raised.value.violations] == ["key"]


def test_tables_are_listed(client):
    tables = {table.name: table for table in client.list_tables()}
    assert tables["brief"].ttl == timedelta(seconds=2)
    assert Field("name", "/name") in tables["brief"].fields


def test_a_token_is_sent():
    endpoint, tls = variable("MILLPOND_TEST_TLS_ENDPOINT"), Tls(ca=variable("MILLPOND_TEST_CA"))
    with Client(endpoint, tls=tls) as client, pytest.raises(MillpondError) as raised:
        client.get("live", "py-any")
    assert raised.value.reason is ErrorReason.UNAUTHENTICATED
    with Client(endpoint, tls=tls, token_file=variable("MILLPOND_TEST_TOKEN_FILE")) as client:
        client.get("live", "py-any")


def test_a_shed_call_is_recognised():
    endpoint, tls = variable("MILLPOND_TEST_TLS_ENDPOINT"), Tls(ca=variable("MILLPOND_TEST_CA"))
    token_file = variable("MILLPOND_TEST_SHED_TOKEN_FILE")
    with (
        Client(endpoint, tls=tls, token_file=token_file) as client,
        pytest.raises(MillpondError) as raised,
    ):
        for _ in range(100):
            client.get("live", "py-any")
    assert raised.value.is_shed
    assert raised.value.reason is ErrorReason.SHARE_EXHAUSTED


def test_rotated_certificates_are_taken_without_a_restart(control):
    tls = Tls(
        ca=variable("MILLPOND_TEST_CA"),
        certificate=variable("MILLPOND_TEST_CERTIFICATE"),
        key=variable("MILLPOND_TEST_KEY"),
    )
    with Client(variable("MILLPOND_TEST_TLS_ENDPOINT"), tls=tls, timeout=30) as client:
        client.get("live", "py-any")
        before = client._connector.connection()
        control.order("rotate")
        end = time.monotonic() + PATIENCE_SECONDS
        while client._connector.connection() is before and time.monotonic() < end:
            time.sleep(0.1)
        # A new connection, to a service that has the new certificate alone.
        assert client._connector.connection() is not before
        client.get("live", "py-any")
