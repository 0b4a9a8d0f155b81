"""A contender's process: one JSON object a line in, one out."""

import json
import os
import pathlib
import select
import subprocess

from places import ROOT, WORK


class ContenderError(Exception):
    """A contender could not do what it was asked."""


class ContenderDied(ContenderError):
    """Its process ended, or gave no answer in time and was ended."""


class Contender:
    """Starts at the first command, and again after it has died."""

    def __init__(self, name, command, settings, inside=None):
        """`settings` go with `start`; `inside` is called in the new process before the program begins."""
        self.name = name
        self.command = [str(part) for part in command]
        self.settings = settings
        self.inside = inside
        self.process = None
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    @property
    def pid(self):
        return self.process.pid

    @property
    def disk_bytes(self):
        """What the process has had read from the disk so far."""
        lines = pathlib.Path(f"/proc/{self.pid}/io").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes:"))

    def begin(self):
        """Starts the process; returns what it says of itself."""
        logs = WORK / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        with open(logs / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOT, bufsize=0,
                preexec_fn=self.inside)
        self.rest = b""
        try:
            return self.ask("start", **self.settings)
        except ContenderError:
            self.end(at_once=True)
            raise

    def ask(self, command, timeout=900, **arguments):
        """Sends a command and waits for its answer."""
        if self.process is None:
            self.begin()
        line = json.dumps({"command": command, **arguments}) + "\n"
        try:
            self.process.stdin.write(line.encode())
            answer = json.loads(self.line(timeout))
        except (BrokenPipeError, ContenderDied, json.JSONDecodeError) as error:
            self.end(at_once=True)
            raise ContenderDied(f"{self.name}: '{command}': {error}") from error
        if "error" in answer:
            raise ContenderError(answer["error"])
        return answer

    def line(self, timeout):
        while b"\n" not in self.rest:
            if not select.select([self.process.stdout], [], [], timeout)[0]:
                raise ContenderDied(f"no answer in {timeout} s")
            part = os.read(self.process.stdout.fileno(), 1 << 20)
            if not part:
                raise ContenderDied(f"the process ended with status {self.process.wait()}")
            self.rest += part
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def end(self, at_once=False):
        """Ends the process, if there is one."""
        if self.process is None:
            return
        try:
            if at_once:
                self.process.kill()
            else:
                self.process.stdin.write(b'{"command": "quit"}\n')
            self.process.wait(20)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.process = None
