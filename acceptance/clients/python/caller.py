"""A Python caller of millpond, with grpcio. See ../README.md."""

import collections
import random
import sys
import threading
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from lookup import lookup
from millpond.v1 import lookup_pb2, lookup_pb2_grpc

IMPATIENT_CALLS = 2000
AT_ONCE = 60
GZIP_CALLS = 50
PATIENCE_SECONDS = 20
# Long enough for some pings.
WATCH_SECONDS = 8
OPTIONS = [
    ("grpc.keepalive_time_ms", 1000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
]


class HealthWatch:
    """A watch of the health, held open."""

    def __init__(self, channel):
        self.ended = None
        stub = health_pb2_grpc.HealthStub(channel)
        self.call = stub.Watch(health_pb2.HealthCheckRequest())
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for _ in self.call:
                pass
            self.ended = "it has ended"
        except grpc.RpcError as error:
            self.ended = self.ended or f"{error.code()}: {error.details()}"

    def failures(self):
        return [f"the health watch ended: {self.ended}"] if self.ended else []


class Caller:
    """Looks up one key."""

    def __init__(self, channel, table, key):
        self.stub = lookup_pb2_grpc.LookupServiceStub(channel)
        self.request = lookup_pb2.GetRequest(table=table, key=key)

    def get_in_gzip(self, what, times):
        try:
            for _ in range(times):
                self.stub.Get(
                    self.request, timeout=PATIENCE_SECONDS, compression=grpc.Compression.Gzip
                )
        except grpc.RpcError as error:
            return [f"{what}: {error.code()}: {error.details()}"]
        return []

    def give_up(self):
        """Makes calls with deadlines that few can meet, many at once."""
        counts = collections.Counter()
        for _ in range(0, IMPATIENT_CALLS, AT_ONCE):
            calls = [
                self.stub.Get.future(self.request, timeout=random.randint(1, 5) / 1000)
                for _ in range(AT_ONCE)
            ]
            counts.update(call.code().name for call in calls)
        print("impatient calls:", dict(counts))
        odd = set(counts) - {"OK", "DEADLINE_EXCEEDED"}
        return [f"calls with a short deadline ended with {sorted(odd)}"] if odd else []


def impatience(address, table, key):
    start = time.monotonic()
    with grpc.insecure_channel(address, options=OPTIONS) as channel:
        watch, caller = HealthWatch(channel), Caller(channel, table, key)
        failures = caller.get_in_gzip("a call in gzip", GZIP_CALLS)
        failures += caller.give_up()
        time.sleep(max(0, WATCH_SECONDS - (time.monotonic() - start)))
        failures += caller.get_in_gzip("the call after all others", 1)
        failures += watch.failures()
    return failures


def main():
    match sys.argv[1:]:
        case ["impatience", address, table, key]:
            failures = impatience(address, table, key)
        case ["lookup", address, table, key]:
            failures = lookup(address, table, key)
        case _:
            failures = ["usage: see README.md"]
    for failure in failures:
        print("FAILED ", failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
