"""What the HTTP client makes of answers that are cut off, and of those nobody asked for."""

import asyncio
import contextlib
import socket
import threading
import time

import anyio
import pytest
from harness import Entry, free_port, scopeprobe, verdicts, write_inputs
from reading import NOW, client_of

from scopeprobe.engine import connections
from scopeprobe.engine.connections import CarefulConnector
from scopeprobe.engine.http_client import HttpClient, connect
from scopeprobe.engine.open_files import UNLIMITED
from scopeprobe.engine.resolver import Resolver
from scopeprobe.model.answer import Issued, Refused, TooLarge, Unanswered
from scopeprobe.model.cell import Reason
from scopeprobe.model.failed_authentication import may_be_failed_authentication
from scopeprobe.model.http import HttpRequest, HttpResponse
from scopeprobe.model.question import Question
from scopeprobe.model.scope_names import Scope
from scopeprobe.oauth.token_response import Reader

READ = Question((Scope("read"),))
GRANTS = b'{"access_token":"t-opaque","token_type":"Bearer","scope":"read"}'
SILENT = b'{"access_token":"t-opaque","token_type":"Bearer"}'
REFUSES = b'{"error":"invalid_scope"}'


PROXY = "a proxy on the way wants credentials of its own"


def whole(status, body, headers=b""):
    return b"HTTP/1.1 %d X\r\n%sContent-Length: %d\r\n\r\n%s" % (status, headers, len(body), body)


@contextlib.contextmanager
def socket_server(speak):
    """A server on bare sockets: `speak` is given each connection and its number."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)
    accepted = []

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                accepted.append(connection)
                number = len(accepted)
                threading.Thread(target=serve, args=(connection, number), daemon=True).start()

    def serve(connection, number):
        with contextlib.suppress(OSError), connection:
            speak(connection, number)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/token", accepted
    finally:
        listener.close()


def heard(connection):
    """One request, whole; nothing once the client hung up."""
    text = b""
    while b"\r\n\r\n" not in text:
        if not (more := connection.recv(65536)):
            return b""
        text += more
    head, _, body = text.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(body) < length:
        body += connection.recv(65536)
    return body


def sent(url, *bodies, pause=0.05, between=lambda: None):
    """The responses to requests that one session sends one after another."""
    client = client_of()

    async def send():
        responses = []
        async with connect([client]) as http:
            for body in bodies:
                request = HttpRequest(url, body, (("Content-Type", "text/plain"),))
                responses.append(await http.send(client, request))
                await anyio.sleep(pause)
                between()
        return responses

    return anyio.run(send)


def read(response):
    client = client_of()
    assert isinstance(response, HttpResponse)
    return Reader.of(client, client.targets[0]).read(READ, response, NOW)


# -- answers that nobody asked for


def answers_twice(late):
    """Refuses `write` and grants `read`, and answers the first request twice."""

    def speak(connection, number):
        first = number == 1
        while body := heard(connection):
            answer = whole(200, GRANTS) if body == b"read" else whole(400, REFUSES)
            if first and late:
                connection.sendall(answer)
                time.sleep(late)
                connection.sendall(answer)
            else:
                connection.sendall(answer * (2 if first else 1))
            first = False

    return speak


@pytest.mark.parametrize("late", [0, 0.02], ids=["at-once", "while-idle"])
def test_a_second_answer_to_one_request_is_never_the_answer_to_the_next(late):
    with socket_server(answers_twice(late)) as (url, accepted):
        first, second, third = sent(url, b"read", b"write", b"write", pause=0.3)
    assert isinstance(read(first), Issued)
    assert isinstance(read(second), Refused)
    assert isinstance(read(third), Refused)
    assert len(accepted) >= 2


def test_half_an_answer_that_nobody_asked_for_is_not_made_whole_by_the_next():
    def speak(connection, number):
        heard(connection)
        connection.sendall(whole(400, REFUSES))
        if number == 1:
            time.sleep(0.1)
            connection.sendall(whole(200, GRANTS)[:20])
            if heard(connection):
                connection.sendall(whole(200, GRANTS)[20:])

    with socket_server(speak) as (url, accepted):
        first, second = sent(url, b"write", b"write", pause=0.3)
    assert isinstance(read(first), Refused)
    assert isinstance(read(second), Refused)
    assert len(accepted) == 2


def test_bytes_that_nobody_has_read_yet_are_seen():
    """The stray answer arrives while the program is busy with something else."""
    with socket_server(answers_twice(0.1)) as (url, accepted):
        first, second = sent(url, b"read", b"write", between=lambda: time.sleep(0.5))
    assert isinstance(read(first), Issued)
    assert isinstance(read(second), Refused)
    assert len(accepted) == 2


def test_a_connection_on_which_all_was_read_is_used_again():
    def speak(connection, _number):
        while heard(connection):
            connection.sendall(whole(400, REFUSES))

    with socket_server(speak) as (url, accepted):
        sent(url, b"read", b"write", b"read")
    assert len(accepted) == 1


@pytest.mark.parametrize("lost", [0, 6], ids=["all-made", "after-some-that-could-not-be-made"])
async def test_where_connections_are_few_they_are_used_again_too(lost):
    def speak(connection, _number):
        while heard(connection):
            connection.sendall(whole(400, REFUSES))

    client = client_of()
    resolver = Resolver(1)
    with socket_server(speak) as (url, accepted):
        async with CarefulConnector(resolver, 3) as connector:
            http = HttpClient(connector, resolver, UNLIMITED)
            await http.admit([client])
            nobody = f"http://127.0.0.1:{free_port()}/token"
            for where in (*[nobody] * lost, *[url] * 8):
                request = HttpRequest(where, b"read", (("Content-Type", "text/plain"),))
                await http.send(client, request)
                await anyio.sleep(0.05)
        await resolver.close()
    assert len(accepted) == 1


async def test_no_more_than_so_many_connections_of_a_server_rest(monkeypatch):
    monkeypatch.setattr(connections, "REST", 60.0)
    client = client_of()
    accepted = 0

    async def speak(reader, writer):
        nonlocal accepted
        accepted += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(len(b"read"))
                writer.write(whole(400, REFUSES))
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server, connect([client]) as http:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/token"
        request = HttpRequest(url, b"read", (("Content-Type", "text/plain"),))
        for _ in range(2 * connections.MOST_RESTING):
            assert isinstance(await http.send(client, request), HttpResponse)
    assert accepted == connections.MOST_RESTING + 1


def test_a_closed_connection_is_not_used_again():
    def speak(connection, _number):
        heard(connection)
        connection.sendall(whole(400, REFUSES))

    with socket_server(speak) as (url, accepted):
        responses = sent(url, b"read", b"read", pause=0.3)
    assert [response.status for response in responses] == [400, 400]
    assert len(accepted) == 2


def test_an_audit_is_not_misled_by_an_answer_that_was_sent_twice(tmp_path):
    def speak(connection, _number):
        while body := heard(connection):
            scope = body.partition(b"scope=")[2]
            answer = whole(400, REFUSES) if scope and scope != b"read" else whole(200, SILENT)
            connection.sendall(answer)
            time.sleep(0.01)
            if scope == b"read":
                connection.sendall(answer)

    with socket_server(speak) as (url, _):
        settings = f'token_endpoint = "{url}"\nrate = "5/s"\nclient_rate = "5/s"'
        arguments, environment = write_inputs(
            tmp_path, {"s": settings}, [Entry("c", "s")], ["read", "write", "delete"]
        )
        scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=environment)
    found = verdicts(tmp_path / "out")
    assert found["c", "write"] == found["c", "delete"] == "denied"


# -- answers that are cut off


def cut_off(status, *, headers=b"", reset=False):
    """Promises more than it sends."""

    def speak(connection, _number):
        heard(connection)
        head = b"HTTP/1.1 %d X\r\n%sContent-Length: 900\r\n\r\n" % (status, headers)
        connection.sendall(head + b'{"error":')
        time.sleep(0.05)
        if reset:
            linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    return speak


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize(
    ("status", "headers", "answer"),
    [
        (200, b"", Unanswered(Reason.MALFORMED_ANSWER, 200)),
        (400, b"", Unanswered(Reason.MALFORMED_ANSWER, 400)),
        (401, b"", Unanswered(Reason.MALFORMED_ANSWER, 401)),
        (401, b"Retry-After: 7\r\n", Unanswered(Reason.MALFORMED_ANSWER, 401)),
        (403, b"", Unanswered(Reason.MALFORMED_ANSWER, 403)),
        (302, b"", Unanswered(Reason.REDIRECTED, 302)),
        (413, b"", TooLarge(413)),
        (429, b"Retry-After: 7\r\n", Unanswered(Reason.THROTTLED, 429, wait=7.0)),
        (503, b"", Unanswered(Reason.SERVER_ERROR, 503)),
        (407, b"", Unanswered(Reason.UNREACHABLE, 407, description=PROXY)),
    ],
)
def test_a_status_counts_whose_body_was_lost(status, headers, reset, answer):
    with socket_server(cut_off(status, headers=headers, reset=reset)) as (url, _):
        (response,) = sent(url, b"read")
    assert read(response) == answer


def test_a_status_counts_whose_body_is_too_long():
    def speak(connection, _number):
        heard(connection)
        connection.sendall(whole(401, b" " * 1_200_000))

    with socket_server(speak) as (url, _):
        (response,) = sent(url, b"read")
    assert read(response) == Unanswered(Reason.MALFORMED_ANSWER, 401)


@pytest.mark.parametrize("headers", [b"", b"Retry-After: 7\r\n"], ids=["plain", "retry-after"])
@pytest.mark.parametrize("status", [401, 403])
def test_a_rejection_whose_body_was_lost_may_be_a_failed_authentication(status, headers):
    with socket_server(cut_off(status, headers=headers)) as (url, _):
        (response,) = sent(url, b"read")
    for is_proved in (False, True):
        assert may_be_failed_authentication(read(response), is_proved=is_proved)


def test_a_client_whose_401s_are_all_cut_off_is_left_alone(tmp_path):
    with socket_server(cut_off(401)) as (url, accepted):
        settings = f'token_endpoint = "{url}"\nrate = "50/s"\nclient_rate = "50/s"'
        arguments, environment = write_inputs(
            tmp_path, {"s": settings}, [Entry("c", "s")], [f"scope{n}" for n in range(9)]
        )
        ended = scopeprobe("audit", *arguments, "-o", tmp_path / "out", env=environment)
    assert 1 <= len(accepted) <= 3
    assert ended.returncode == 4
    assert set(verdicts(tmp_path / "out").values()) == {"unknown"}
