"""Serves the sandbox over real HTTP, threaded and with connections kept alive."""

import socket
import threading
from typing import TYPE_CHECKING

from typing_extensions import override
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Server:
    """A running server; `url` is where, `close` ends it and every connection to it."""

    def __init__(self, app: "WSGIApplication", port: int, host: str) -> None:
        self._connections = _Connections()
        handler = type("Handler", (_Handler,), {"connections": self._connections})
        self._server: BaseWSGIServer = make_server(
            host, port, app, threaded=True, request_handler=handler
        )
        self.url = f"http://{host}:{self._server.port}"
        self.thread = threading.Thread(target=self._serve, daemon=True, name="sandbox-http")
        self.thread.start()

    def close(self) -> None:
        """Stop listening, hang up on everybody, and wait until that is done."""
        self._server.shutdown()
        self.thread.join()
        self._server.server_close()
        self._connections.hang_up()

    def _serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)


def serve(app: "WSGIApplication", port: int = 0, host: str = "127.0.0.1") -> Server:
    """Start serving in a thread; port 0 takes any free one."""
    return Server(app, port, host)


class _Connections:
    """Who is connected: clients keep connections open, and closing must not leave them so."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def add(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)

    def discard(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)

    def hang_up(self) -> None:
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # it had gone by itself


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are written apart: without this each answer waits for the client's ACK.
    disable_nagle_algorithm = True
    connections: _Connections

    @override
    def setup(self) -> None:
        super().setup()
        self.connections.add(self.connection)

    @override
    def finish(self) -> None:
        self.connections.discard(self.connection)
        super().finish()

    @override
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: tests make thousands of requests."""
