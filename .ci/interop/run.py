"""Calls a running demo from Python and grpcurl, and checks the promises of the protocol.

Usage: run.py BINARY. Each function below is a behaviour that callers rely on, and is named for it.
Knows the protocol and what the demo prints, and nothing of the inside.
"""

import os
import subprocess
import sys
import time

import grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.reflection_pb2 import (
    ServerReflectionRequest,
    ServerReflectionResponse,
)
from grpc_status import rpc_status
from opentelemetry.proto.trace.v1.trace_pb2 import Span

import stubs
from collector import Collector
from demo import Demo

stubs.generate()
from millpond.v1 import (  # noqa: E402
    errors_pb2,
    lookup_pb2,
    lookup_pb2_grpc,
    maintenance_pb2,
    maintenance_pb2_grpc,
    stats_pb2,
    stats_pb2_grpc,
)

BATCH = 500
WAIT_SECONDS = 60
SERVING = health_pb2.HealthCheckResponse.SERVING


class Service:
    """A channel to the demo, its collector, and the address and key that it printed."""

    def __init__(self, demo, binary, channel, collector):
        self.demo, self.binary, self.channel = demo, binary, channel
        self.collector = collector
        self.table, self.key = demo.entry()
        self.lookup = lookup_pb2_grpc.LookupServiceStub(channel)

    def get(self, key, table=None):
        return self.lookup.Get(lookup_pb2.GetRequest(table=table or self.table, key=key))

    def batch(self, keys):
        return self.lookup.BatchGet(lookup_pb2.BatchGetRequest(table=self.table, keys=keys))


def it_becomes_ready_by_its_health_and_is_live(service):
    health = health_pb2_grpc.HealthStub(service.channel)
    states = health.Watch(health_pb2.HealthCheckRequest(), timeout=WAIT_SECONDS)
    assert any(state.status == SERVING for state in states)
    states.cancel()
    live = health.Check(health_pb2.HealthCheckRequest(service="millpond.live"))
    assert live.status == SERVING, live


def reflection_lists_the_services_in_both_its_versions(service):
    ours = ("LookupService", "MaintenanceService", "StatsService")
    wanted = {"grpc.health.v1.Health", *(f"millpond.v1.{name}" for name in ours)}
    for version in ("v1", "v1alpha"):
        # The two versions differ only in their names, so the messages of one serve both.
        call = service.channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            ServerReflectionRequest.SerializeToString,
            ServerReflectionResponse.FromString,
        )
        answer = next(call(iter([ServerReflectionRequest(list_services="")]), timeout=10))
        listed = {one.name for one in answer.list_services_response.service}
        assert wanted <= listed, (version, listed)


def the_commands_that_it_shows_can_be_pasted(service):
    for program in ("millpond get", "grpcurl"):
        for words in service.demo.commands(program):
            words[0] = service.binary if words[0] == "millpond" else words[0]
            output = subprocess.run(words, check=True, capture_output=True, text=True).stdout
            assert output.strip(), words


def grpcurl_needs_no_proto_file(service):
    command = ["grpcurl", "-plaintext", service.demo.address(), "list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "millpond.v1.LookupService" in listed, listed


def a_key_that_is_there_is_an_entry(service):
    # A tombstone may have deleted it a moment ago. The next event restores it.
    answer = once(lambda: service.get(service.key), lambda answer: answer.result.HasField("entry"))
    entry = answer.result.entry
    assert entry.key == service.key and entry.fields["description"].string_value, answer
    assert entry.HasField("origin") and entry.HasField("expire_time"), answer
    assert answer.as_of.ready, answer


def a_key_that_was_never_there_is_a_miss_that_says_so(service):
    answer = service.get("no such key")
    assert answer.result.WhichOneof("outcome") == "miss", answer
    assert answer.result.miss.reason == lookup_pb2.MISS_REASON_NEVER_SEEN, answer


def a_batch_of_500_mixed_keys_is_answered_in_order(service):
    keys = [f"svc-{i:05}" if i % 2 else f"no such key {i}" for i in range(BATCH)]
    # The stream fills the table during the test, and deletes a service now and then.
    results = once(lambda: service.batch(keys).results, lambda results: entries(results) > 100)
    assert len(results) == BATCH
    assert all(result.HasField("miss") for result in results[::2])
    found = [(key, one.entry.key) for key, one in zip(keys, results) if one.HasField("entry")]
    assert all(asked == answered for asked, answered in found), found


def entries(results):
    return sum(result.HasField("entry") for result in results)


def the_tables_are_listed_with_their_fields(service):
    tables = service.lookup.ListTables(lookup_pb2.ListTablesRequest()).tables
    table = next(table for table in tables if table.name == service.table)
    assert "description" in [field.name for field in table.fields], table
    assert table.key_sources and table.ttl.seconds > 0, table


def an_answer_has_only_the_fields_that_the_caller_names(service):
    def get(fields):
        request = lookup_pb2.GetRequest(table=service.table, key=service.key, fields=fields)
        return service.lookup.Get(request)

    answer = once(lambda: get(["description"]), lambda answer: answer.result.HasField("entry"))
    assert set(answer.result.entry.fields) == {"description"}, answer
    code, details = error_of(lambda: get(["no_such_field"]))
    assert code == grpc.StatusCode.INVALID_ARGUMENT, code
    assert details["BadRequest"].field_violations[0].field == "fields[0]", details


def the_largest_entries_are_listed_in_pages(service):
    stub = maintenance_pb2_grpc.MaintenanceServiceStub(service.channel)
    request = maintenance_pb2.ListLargestEntriesRequest(table=service.table, page_size=2)
    first = once(lambda: stub.ListLargestEntries(request), lambda page: page.next_page_token)
    request.page_token = first.next_page_token
    second = stub.ListLargestEntries(request)
    assert len(first.entries) == 2 and second.entries, (first, second)
    assert first.entries[1].weight_bytes >= second.entries[0].weight_bytes, (first, second)


def an_unknown_table_is_not_found(service):
    code, details = error_of(lambda: service.get("any", table="no-such-table"))
    assert code == grpc.StatusCode.NOT_FOUND, code
    assert details["ErrorInfo"].reason == "ERROR_REASON_TABLE_NOT_FOUND", details
    assert details["RequestInfo"].request_id, details
    assert details["ErrorInfo"].reason in errors_pb2.ErrorReason.keys(), details


def an_empty_key_is_an_invalid_argument(service):
    code, details = error_of(lambda: service.get(""))
    assert code == grpc.StatusCode.INVALID_ARGUMENT, code
    assert details["ErrorInfo"].reason == "ERROR_REASON_INVALID_REQUEST", details
    violations = details["BadRequest"].field_violations
    assert [violation.field for violation in violations] == ["key"], details


def an_oversized_batch_is_an_invalid_argument(service):
    code, details = error_of(lambda: service.batch(["any"] * 1001))
    assert code == grpc.StatusCode.INVALID_ARGUMENT, code
    assert details["BadRequest"].field_violations[0].field == "keys", details


def the_record_counters_balance(service):
    stub = stats_pb2_grpc.StatsServiceStub(service.channel)
    stats = stub.GetStats(stats_pb2.GetStatsRequest())
    assert stats.memory.rss_bytes > 0 and stats.partitions, stats
    for partition in stats.partitions:
        assert sum(one.count for one in partition.records) == partition.polled_count, partition


def the_statistics_are_streamed(service):
    stub = stats_pb2_grpc.StatsServiceStub(service.channel)
    request = stats_pb2.WatchStatsRequest()
    request.interval.seconds = 1
    watch = stub.WatchStats(request, timeout=WAIT_SECONDS)
    first, second = next(watch).snapshot, next(watch).snapshot
    assert first.start_time == second.start_time, (first, second)
    assert second.uptime.ToNanoseconds() > first.uptime.ToNanoseconds(), (first, second)
    watch.cancel()


def a_call_is_a_span_of_its_callers_trace_at_a_collector(service):
    trace_id, span_id = os.urandom(16), os.urandom(8)
    traceparent = f"00-{trace_id.hex()}-{span_id.hex()}-01"
    request = lookup_pb2.GetRequest(table=service.table, key=service.key)
    service.lookup.Get(request, metadata=[("traceparent", traceparent)])
    (span,) = service.collector.spans_of(trace_id)
    assert span.parent_span_id == span_id and span.span_id != span_id, span
    assert span.name == "millpond.v1.LookupService/Get", span
    assert span.kind == Span.SPAN_KIND_SERVER, span
    assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano, span
    attributes = {one.key: one.value.string_value for one in span.attributes}
    assert attributes["rpc.response.status_code"] == "OK", attributes
    assert attributes["millpond.table"] == service.table, attributes
    resource = {one.key: one.value.string_value for one in service.collector.resources[0].attributes}
    assert resource["service.name"] == "millpond", resource


def the_metrics_come_to_a_collector_too(service):
    # The first metrics may be older than the first record.
    stored = once(
        lambda: service.collector.metric("millpond_table_stored_total").sum,
        lambda stored: stored.data_points[0].as_int > 0,
    )
    assert stored.is_monotonic, stored
    assert stored.data_points[0].attributes[0].value.string_value == service.table, stored
    durations = service.collector.metric("grpc_server_handling_seconds").histogram
    point = durations.data_points[0]
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1, point


def once(call, good):
    """Repeats a call until its answer is good, and returns that answer."""
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if good(answer := call()):
            return answer
        time.sleep(0.1)
    raise AssertionError(f"no good answer came within {WAIT_SECONDS} s, the last one: {answer}")


def error_of(call):
    """The status code of a call that must fail, and its details by their type."""
    try:
        call()
    except grpc.RpcError as error:
        details = {}
        for packed in rpc_status.from_call(error).details:
            kind = packed.type_url.rpartition(".")[2]
            details[kind] = getattr(error_details_pb2, kind)()
            assert packed.Unpack(details[kind])
        return error.code(), details
    raise AssertionError("the call did not fail")


BEHAVIOURS = [
    it_becomes_ready_by_its_health_and_is_live,
    reflection_lists_the_services_in_both_its_versions,
    the_commands_that_it_shows_can_be_pasted,
    grpcurl_needs_no_proto_file,
    a_key_that_is_there_is_an_entry,
    a_key_that_was_never_there_is_a_miss_that_says_so,
    a_batch_of_500_mixed_keys_is_answered_in_order,
    the_tables_are_listed_with_their_fields,
    an_answer_has_only_the_fields_that_the_caller_names,
    the_largest_entries_are_listed_in_pages,
    an_unknown_table_is_not_found,
    an_empty_key_is_an_invalid_argument,
    an_oversized_batch_is_an_invalid_argument,
    the_record_counters_balance,
    the_statistics_are_streamed,
    a_call_is_a_span_of_its_callers_trace_at_a_collector,
    the_metrics_come_to_a_collector_too,
]


def main():
    binary = sys.argv[1]
    with (
        Collector() as collector,
        Demo(binary, "--otlp", collector.endpoint) as demo,
        grpc.insecure_channel(demo.address()) as channel,
    ):
        service = Service(demo, binary, channel, collector)
        for behaviour in BEHAVIOURS:
            behaviour(service)
            print(f"ok: {behaviour.__name__.replace('_', ' ')}")


if __name__ == "__main__":
    main()
