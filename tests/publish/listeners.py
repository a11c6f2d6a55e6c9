"""Small servers of this test run: one that speaks STOMP's frames, one that takes JSON by HTTP."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, TCPServer, ThreadingTCPServer
from typing import Any, TypeVar

Headers = dict[str, str]
T = TypeVar("T", bound=TCPServer)


class Broker(ThreadingTCPServer):
    """Takes frames as ActiveMQ does, and keeps what it was sent.

    `objects` says why it takes no message, if it does not; `login` who may connect; `mute` until
    which command it answers nothing; `delay` how long each receipt takes.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.frames: list[tuple[str, Headers, bytes]] = []
        self.objects: Callable[[bytes], str | None] = lambda body: None
        self.login: tuple[str, str] | None = None
        self.mute: str | None = None
        self.delay = 0.0
        self.tls: ssl.SSLContext | None = None

    @property
    def url(self) -> str:
        return f"stomp://127.0.0.1:{self.server_address[1]}/topic/probes"

    @property
    def sent(self) -> list[tuple[Headers, bytes]]:
        """Headers and bodies of the messages that were taken."""
        return [(headers, body) for command, headers, body in self.frames if command == "SEND"]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.sent]

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of the test."""


class _Session(StreamRequestHandler):
    server: Broker

    def handle(self) -> None:
        while frame := self._frame():
            command, headers, body = frame
            if self.server.mute == command:
                time.sleep(30)
            if command == "CONNECT":
                self.server.frames.append(frame)
                wanted = self.server.login
                if wanted and wanted != (headers.get("login"), headers.get("passcode")):
                    return self._error(
                        f"User name [{headers.get('login')}] or password is invalid."
                    )
                self.wfile.write(b"CONNECTED\nversion:1.2\nserver:test\n\n\0\n")
            elif command == "SEND":
                words = self.server.objects(body)
                if words:
                    return self._error(words, headers.get("receipt"))
                time.sleep(self.server.delay)
                self.server.frames.append(frame)
                self.wfile.write(f"\nRECEIPT\nreceipt-id:{headers['receipt']}\n\n\0\n".encode())
            else:
                return None
        return None

    def _error(self, words: str, receipt: str | None = None) -> None:
        about = f"receipt-id:{receipt}\n" if receipt else ""
        told = words.replace("\\", "\\\\").replace(":", "\\c")
        self.wfile.write(f"ERROR\n{about}message:{told}\n\n{words}\n\tat Broker.java\0\n".encode())

    def _frame(self) -> tuple[str, Headers, bytes] | None:
        command = self.rfile.readline().decode().strip()
        if not command:
            return None
        headers: Headers = {}
        while line := self.rfile.readline().decode().rstrip("\n"):
            name, _, value = line.partition(":")
            headers[name] = value.replace("\\c", ":").replace("\\n", "\n")
        body = self.rfile.read(int(headers.get("content-length", 0)))
        assert self.rfile.read(1) == b"\0"
        return command, headers, body


class Server(ThreadingHTTPServer):
    """Takes JSON arrays; `answers` gives status and words for what was posted."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.posts: list[tuple[str, Headers, list[dict[str, Any]]]] = []
        self.answers: Callable[[list[dict[str, Any]]], tuple[int, str]] = lambda posted: (204, "")
        self.drip = 0.0  # seconds before each of the first bytes of an answer

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/events?from=probe"

    @property
    def records(self) -> list[dict[str, Any]]:
        """What was taken."""
        return [record for _, _, posted in self.posts for record in posted]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of the test."""


class _Post(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        posted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, words = self.server.answers(posted)
        if status // 100 == 2:
            self.server.posts.append((self.path, dict(self.headers.items()), posted))
        body = b"" if status == 204 else words.encode()
        for letter in b"HTTP/1.1 " if self.server.drip else b"":
            time.sleep(self.server.drip)
            self.wfile.write(bytes([letter]))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(server: T) -> Iterator[T]:
    """Serve in a thread."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
