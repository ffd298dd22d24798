"""A running `millpond demo`, used as a person would: started, read, and ended with Ctrl-C.

Knows what the demo prints (commands to paste, with its address and a real key), and nothing of
the protocol.
"""

import re
import shlex
import signal
import subprocess
import threading

START_SECONDS = 60
STOP_SECONDS = 40


class Demo:
    """`with Demo(binary) as demo`: runs until the block ends, and then must exit with success."""

    def __init__(self, binary, *options):
        self.binary = binary
        self.options = options
        self.printed = []
        self.more = threading.Condition()

    def __enter__(self):
        # It also ends by itself, in case this script is killed.
        listen = ("--rpc-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
        command = [self.binary, "demo", "--for", "180s", *listen, *self.options]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        threading.Thread(target=self.read, daemon=True).start()
        return self

    def __exit__(self, failure, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = "none: it had to be killed"
        if failure or status != 0:
            print("".join(self.printed))
        if not failure and status != 0:
            raise AssertionError(f"the demo's exit status after Ctrl-C is {status}")

    def read(self):
        for line in self.process.stdout:
            with self.more:
                self.printed.append(line)
                self.more.notify_all()

    def commands(self, program):
        """The words of each printed command of a program, as soon as there is one."""
        with self.more:
            if not self.more.wait_for(lambda: self.found(program), START_SECONDS):
                raise AssertionError(f"the demo shows no `{program}` command to paste")
            return self.found(program)

    def found(self, program):
        start = re.compile(rf"^\W*({re.escape(program)} .*)$")
        matches = [start.match(line.rstrip()) for line in self.printed]
        return [shlex.split(match[1]) for match in matches if match]

    def address(self):
        """HOST:PORT of its gRPC server, from its grpcurl command."""
        words = self.commands("grpcurl")[0]
        return next(word for word in words if re.fullmatch(r"(\[.*\]|[\w.-]+):\d+", word))

    def entry(self):
        """(table, key) of an entry that it holds, from its get command."""
        return tuple(self.commands("millpond get")[0][2:4])
