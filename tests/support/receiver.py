"""A traveller's own server, real and on this machine: it keeps what it is sent and answers badly."""

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    def verified(self, secret: str) -> dict[str, Any]:
        """Check the signature as a receiver's library does, and return what was said."""
        found: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return found


@dataclass
class Receiver:
    """`answers` are the statuses of the next calls, 204 after them."""

    url: str
    port: int
    calls: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    sick: str = ""
    """Calls whose path holds this are answered with 500."""
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    body_bytes: int = 0
    written_bytes: int = 0
    """How much of such a body was taken: what is in nobody's hands yet counts too."""


@contextmanager
def receiving(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.calls.append(Received(self.path, headers, body))
            time.sleep(receiver.delay_seconds)
            status = receiver.answers.pop(0) if receiver.answers else 204
            if receiver.sick and receiver.sick in self.path:
                status = 500
            with suppress(OSError):  # whoever calls may have had enough
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                for _ in range(receiver.body_bytes // 65536):
                    self.wfile.write(b"x" * 65536)
                    receiver.written_bytes += 65536

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    port = server.server_address[1]
    scheme = "https" if tls else "http"
    receiver = Receiver(f"{scheme}://127.0.0.1:{port}/hooks?of=mine", port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
