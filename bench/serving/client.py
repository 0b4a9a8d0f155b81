"""The client of the open loop: asynchronous, connections kept alive, one request a connection at a time."""

import asyncio
import collections
import dataclasses
import socket
import time

from serving.wire import parsed_head


class Broken(Exception):
    """The connection ended before the answer did."""


class Connection(asyncio.Protocol):
    """Sends one request at a time and parses its answer, with a length or in chunks."""

    def __init__(self):
        self.data = bytearray()
        self.head = None
        self.waiting = None
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, error):
        self.transport = None
        if self.waiting and not self.waiting.done():
            self.waiting.set_exception(Broken(str(error or "closed by the server")))

    def send(self, *pieces):
        """A future of (status, headers, body)."""
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.writelines(pieces)
        return self.waiting

    def data_received(self, data):
        self.data += data
        if self.head is None:
            self.head = parsed_head(self.data)
            if self.head is None:
                return
        status, headers, start = self.head
        if "chunked" in headers.get("transfer-encoding", ""):
            end, body = self.chunks(start)
        else:
            end = start + int(headers.get("content-length", 0))
            body = self.data[start:end] if len(self.data) >= end else None
        if body is None:
            return
        del self.data[:end]
        self.head = None
        if self.waiting and not self.waiting.done():
            self.waiting.set_result((status, headers, body))

    def chunks(self, position):
        """(end, body) of a chunked answer; (0, None) while it is not whole."""
        body = bytearray()
        while True:
            line = self.data.find(b"\r\n", position)
            if line < 0:
                return 0, None
            size = int(bytes(self.data[position:line]).split(b";")[0], 16)
            position = line + 2 + size + 2
            if len(self.data) < position:
                return 0, None
            if size == 0:
                return position, body
            body += self.data[line + 2:line + 2 + size]


class HTTPClient:
    """Connections to one server. Use as an asynchronous context."""

    def __init__(self, port):
        self.port = port
        self.idle = collections.deque()
        self.all = set()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for connection in self.all:
            if connection.transport:
                connection.transport.abort()

    def close_idle(self):
        while self.idle:
            connection = self.idle.pop()
            self.all.discard(connection)
            if connection.transport:
                connection.transport.close()

    async def exchange(self, *pieces):
        """(status, headers, body). A caller that is cancelled leaves a closed connection behind, as one that hangs up."""
        connection = None
        while self.idle and connection is None:
            # The one used last is the least likely to have been closed.
            candidate = self.idle.pop()
            connection = candidate if candidate.transport and not candidate.transport.is_closing() else None
        if connection is None:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, "127.0.0.1", self.port)
            self.all.add(connection)
        try:
            answer = await connection.send(*pieces)
        except BaseException:
            if connection.transport:
                connection.transport.abort()
            self.all.discard(connection)
            raise
        if answer[1].get("connection", "").lower() == "close":
            connection.transport.abort()
            self.all.discard(connection)
        else:
            self.idle.append(connection)
        return answer

    async def call(self, method, path, body=b""):
        """A small request of the kind that manages a server."""
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return await self.exchange(head.encode(), body)


REFUSALS = (429, 503, 504)


@dataclasses.dataclass
class Outcome:
    """What became of one request: `in time`, `late` (the client went away at its deadline), `refused` (well-formed), or
    what went wrong. `ms` counts from when the request was due."""

    model: str
    at: float
    kind: str
    ms: float
    status: int | None = None


async def open_loop(server, client, arrivals, refusal=None, patience=None):
    """Sends every request of [(seconds after the start, model)] when it is due, however slow the server is. The client goes
    away at the deadline, or after `patience` seconds. `refusal` looks at the answer of a refused request and says what is
    wrong with it."""
    outcomes = []
    start = time.perf_counter() + 0.1
    clock = time.time() - time.perf_counter()

    async def one(at, model):
        due = start + at
        status = None
        try:
            async with asyncio.timeout(max(due + (patience or model.deadline) - time.perf_counter(), 0)):
                status, headers, body = await server.infer(client, model, clock + due + model.deadline)
            elapsed = time.perf_counter() - due
            if status == 200:
                kind = "in time" if elapsed <= model.deadline else "late"
            elif status in REFUSALS:
                kind = (refusal and refusal(status, headers, body)) or "refused"
            else:
                kind = f"status {status}: {bytes(body[:160]).decode(errors='replace')}"
        except TimeoutError:
            kind = "no answer" if patience else "late"
        except (OSError, Broken) as error:
            kind = f"connection: {error}"[:160]
        outcomes.append(Outcome(model.name, at, kind, (time.perf_counter() - due) * 1e3, status))

    tasks = set()
    for at, model in arrivals:
        delay = start + at - time.perf_counter()
        if delay > 0:
            await asyncio.sleep(delay)
        task = asyncio.create_task(one(at, model))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return outcomes
