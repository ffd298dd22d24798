"""Looks up keys by the Python package. See ../README.md."""

import collections
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from millpond_client import Client, MillpondError

LOOPS = 8
PAUSE_SECONDS = 0.025


class Caller:
    def __init__(self, client, table, keys):
        self.client, self.table, self.keys = client, table, keys
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.outcomes = collections.Counter()

    def call_until_input_ends(self):
        with ThreadPoolExecutor(LOOPS) as threads:
            loops = [threads.submit(self.loop, first) for first in range(LOOPS)]
            sys.stdin.read()
            self.stop.set()
        for loop in loops:
            loop.result()

    def loop(self, call):
        while not self.stop.wait(PAUSE_SECONDS):
            self.look_up(call)
            call += 1

    def look_up(self, call):
        outcome = self.outcome(self.keys[call % len(self.keys)])
        with self.lock:
            self.outcomes[outcome] += 1

    def outcome(self, key):
        try:
            result = self.client.get(self.table, key)
        except MillpondError as error:
            return f"failed {error}"
        if result.miss:
            return f"missed {result.miss.reason.name}"
        return f"answered {result.entry.fields.get('instance')}"


def main():
    address, table, *keys = sys.argv[1:]
    with Client(f"dns:///{address}") as client:
        caller = Caller(client, table, keys)
        caller.look_up(0)
        print("calling", flush=True)
        caller.call_until_input_ends()
    for outcome, count in caller.outcomes.items():
        print(count, outcome)


if __name__ == "__main__":
    main()
