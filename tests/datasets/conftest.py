"""Every test here starts with no data set at hand and no network but a server on this machine."""

import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import small_sets

from cnnlab.datasets import download
from cnnlab.datasets.catalog import ENTRIES

REAL_DATA = os.environ.get("CNNLAB_DATA", "")


@pytest.fixture(autouse=True)
def nothing_at_hand(monkeypatch, tmp_path):
    """No folder, an empty cache, and a network on which no one answers."""
    for variable in ("CNNLAB_DATA", "CNNLAB_OFFLINE", "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("CNNLAB_MIRROR", "http://127.0.0.1:9/nobody")


@pytest.fixture
def cache(tmp_path):
    """Keras' cache of data sets, empty."""
    folder = tmp_path / "keras" / "datasets"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def small():
    """Small sets in the place of the real ones; gives the files of their servers."""
    yield small_sets.install()
    ENTRIES.update(small_sets.REAL)


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """An empty folder that CNNLAB_DATA names."""
    path = tmp_path / "classroom"
    path.mkdir()
    monkeypatch.setenv("CNNLAB_DATA", str(path))
    return path


@pytest.fixture
def real_data():
    """The folder of real data that the tests were started with."""
    if not REAL_DATA:
        pytest.skip("CNNLAB_DATA names no folder with real data")
    return Path(REAL_DATA)


class Server(ThreadingHTTPServer):
    """Serves `contents`, as badly as it is told to.

    Attributes:
        requests: (method, file name, Range header or None) of each request.
        ranges: answer a Range header with that range.
        cut: bytes after which each answer ends; the end of the list means whole answers.
        hang: None, or where to stop without closing: "headers" or "body".
        hold: None, or an event to wait for in the middle of each answer.
        trickle: seconds between kilobytes.
        replaced: what to send in the place of a file.
        status: an error to answer with.
    """

    daemon_threads = True

    def __init__(self, contents):
        super().__init__(("127.0.0.1", 0), Handler)
        self.contents = contents
        self.requests = []
        self.ranges = True
        self.cut = []
        self.hang = None
        self.hold = None
        self.trickle = 0
        self.replaced = {}
        self.status = 200
        self.over = threading.Event()

    def gets(self):
        """(file name, Range header) of each GET."""
        return [(name, header) for method, name, header in self.requests if method == "GET"]

    def handle_error(self, request, client_address):
        """A client that hangs up is no error here."""


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body):
        server = self.server
        name = self.path.rsplit("/", 1)[1]
        wanted = self.headers.get("Range")
        server.requests.append((self.command, name, wanted))
        if server.hang == "headers":
            server.over.wait()
            return
        if server.status != 200:
            self.send_error(server.status)
            return
        content = server.replaced.get(name, server.contents[name])
        start = 0
        if wanted and server.ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        content = content[start:]
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if not body:
            return
        if server.hang == "body":
            self.wfile.write(content[: len(content) // 2])
            server.over.wait()
        elif server.hold:
            self.wfile.write(content[: len(content) // 2])
            server.hold.wait()
            self.wfile.write(content[len(content) // 2 :])
        elif server.trickle:
            for start in range(0, len(content), 1000):
                self.wfile.write(content[start : start + 1000])
                time.sleep(server.trickle)
        else:
            self.wfile.write(content[: server.cut.pop(0)] if server.cut else content)

    def log_message(self, *arguments):
        """Keep the tests' output clean."""


@pytest.fixture
def server(small, monkeypatch):
    """A server on this machine with the small sets, in the place of Keras' servers."""
    server = Server(small)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setenv("CNNLAB_MIRROR", f"http://127.0.0.1:{server.server_port}/sets")
    monkeypatch.setattr(download, "CONNECT_SECONDS", 5.0)
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
