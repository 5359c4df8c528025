"""Serves a folder as a CI server serves its reports."""

import threading
from contextlib import contextmanager
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler


class Quiet(SimpleHTTPRequestHandler):
    headers_to_send = ()

    def end_headers(self):
        for name, value in self.headers_to_send:
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def served(folder, *headers):
    """Serve a folder as a CI server serves its reports: with its own headers."""
    handler = type("Handler", (Quiet,), {"headers_to_send": headers})
    server = HTTPServer(("127.0.0.1", 0), partial(handler, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
