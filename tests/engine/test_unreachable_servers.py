"""Why a server cannot be reached: the true cause, in one line, wherever people or programs look."""

import json
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from harness import Entry, Reply, free_port, raw_server, rows, scopeprobe, summary, write_inputs
from lxml import html

FAST = 'rate = "200/s"\nclient_rate = "200/s"\nretries = 0\n'
EXPIRED = datetime.now(UTC) - timedelta(days=3)
REFUSES = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def server(speak):
    """A server of blocking sockets, as most are: what TLS says of a failure is sent."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                speak(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def tls(context):
    """Servers that refuse a handshake read what comes until the other side has their alert."""

    def speak(connection):
        stream = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with stream:
            try:
                stream.do_handshake()
                stream.recv(1000)
            except ssl.SSLError:
                with socket.socket(fileno=stream.detach()) as below:
                    below.settimeout(10)
                    below.shutdown(socket.SHUT_WR)
                    while below.recv(1000):
                        pass

    return speak


def says(answer):
    def speak(connection):
        connection.recv(1000)
        connection.sendall(answer)

    return speak


def is_silent(connection):
    connection.settimeout(10)
    while connection.recv(1000):
        pass


@pytest.fixture
def authority(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return authority


def context_of(authority, *names, **options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names or ("localhost",), **options).configure_cert(context)
    return context


def audit(folder, endpoint, settings="", clients=2, *words):
    entries = [Entry(f"c{n}", "corp") for n in range(clients)]
    text = f'token_endpoint = "{endpoint}"\n{FAST}{settings}'
    arguments, secrets = write_inputs(folder, {"corp": text}, entries, ["a", "b"])
    where = ("-o", folder / "out", "--max-pause", "1s", "-f", "markdown")
    return scopeprobe("audit", *arguments, *where, *words, env=secrets)


def told(folder):
    """The code in the cells that were tried, and the one line about the server."""
    codes = {row["error"] for row in rows(folder / "out" / "permissions.csv")} - {""}
    (finding,) = rows(folder / "out" / "findings.csv")
    return codes, finding["detail"]


def test_the_page_names_a_server_that_is_away_once(tmp_path):
    audit(tmp_path, "https://login.invalid/token")
    page = html.fromstring((tmp_path / "out" / "report.html").read_bytes())
    [told] = page.xpath("//section[@id='findings']//li")
    assert " ".join(told.text_content().split()).startswith(
        "unknown (warning) corp, 2 clients all 2 clients: unreachable: "
    )


def check(folder, code, reason, words):
    assert told(folder) == ({code}, f"corp: all 2 clients: {reason}: {words} (c0, c1)")


def test_a_name_that_is_not_found(tmp_path):
    audit(tmp_path, "https://login.invalid/token")
    check(tmp_path, "name_not_found", "unreachable", "the name login.invalid is not found")


def test_a_port_that_refuses(tmp_path):
    port = free_port()
    audit(tmp_path, f"https://127.0.0.1:{port}/token")
    check(tmp_path, "connection_refused", "unreachable", f"127.0.0.1:{port} refuses connections")


def test_a_handshake_that_takes_too_long(tmp_path):
    with server(is_silent) as port:
        audit(tmp_path, f"https://127.0.0.1:{port}/token", 'timeout = "200ms"')
    words = f"no connection to 127.0.0.1:{port} within 0.2 s"
    check(tmp_path, "connection_timed_out", "unreachable", words)


def test_an_answer_that_takes_too_long(tmp_path):
    with raw_server(lambda _asked: Reply(delay=2)) as slow:
        audit(tmp_path, f"{slow.url}/token", 'timeout = "200ms"')
    words = f"no answer of 127.0.0.1:{slow.port} within 0.2 s"
    check(tmp_path, "answer_timed_out", "timed_out", words)


def test_a_connection_that_is_closed_instead_of_answered(tmp_path):
    with server(says(b"")) as port:
        audit(tmp_path, f"http://127.0.0.1:{port}/token")
    words = f"127.0.0.1:{port} closes the connection instead of answering"
    check(tmp_path, "connection_closed", "unreachable", words)


def test_an_answer_that_is_no_http(tmp_path):
    with server(says(b"220 mail.example ESMTP\r\n")) as port:
        audit(tmp_path, f"http://127.0.0.1:{port}/token")
    words = f"the answer of 127.0.0.1:{port} is no HTTP"
    check(tmp_path, "not_http", "malformed_answer", words)


def test_a_certificate_that_expired_is_told_with_its_day(tmp_path, authority):
    context = context_of(authority, not_after=EXPIRED)
    with server(tls(context)) as port:
        audit(tmp_path, f"https://localhost:{port}/token", 'ca_file = "ca.pem"')
    words = f"the certificate of localhost expired on {EXPIRED.date()}"
    check(tmp_path, "certificate_expired", "tls_failure", words)


def test_a_certificate_of_an_unknown_ca(tmp_path, authority):
    with server(tls(context_of(authority))) as port:
        audit(tmp_path, f"https://localhost:{port}/token")
    words = (
        "the certificate of localhost is of a CA that is not trusted here (`ca_file` names a CA of"
        " your own)"
    )
    check(tmp_path, "unknown_ca", "tls_failure", words)


def test_a_certificate_for_another_host(tmp_path, authority):
    with server(tls(context_of(authority, "login.example"))) as port:
        audit(tmp_path, f"https://localhost:{port}/token", 'ca_file = "ca.pem"')
    words = "the certificate of localhost is for another host name"
    check(tmp_path, "wrong_host_name", "tls_failure", words)


def test_plain_http_on_the_port(tmp_path):
    with server(says(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")) as port:
        audit(tmp_path, f"https://localhost:{port}/token")
    words = f"localhost:{port} does not speak TLS: it may be plain HTTP"
    check(tmp_path, "not_tls", "tls_failure", words)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_a_server_of_old_tls_only(tmp_path, authority):
    context = context_of(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with server(tls(context)) as port:
        audit(tmp_path, f"https://localhost:{port}/token", 'ca_file = "ca.pem"')
    words = "localhost speaks no TLS version that is allowed here (1.2 or newer)"
    check(tmp_path, "tls_version", "tls_failure", words)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_wants_a_certificate_of_ours(tmp_path, authority, version):
    context = context_of(authority)
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    with server(tls(context)) as port:
        audit(tmp_path, f"https://localhost:{port}/token", 'ca_file = "ca.pem"')
    codes, line = told(tmp_path)
    # Of TLS 1.2 the alert is that the handshake failed, for whatever cause.
    of_1_2 = {"tls_handshake", "client_certificate"}
    assert codes <= (of_1_2 if version is ssl.TLSVersion.TLSv1_2 else {"client_certificate"})
    assert "tls_failure" in line


def test_a_proxy_that_is_not_there(tmp_path):
    port = free_port()
    audit(tmp_path, "https://login.example/token", f'proxy = "http://u:p@127.0.0.1:{port}"')
    codes, line = told(tmp_path)
    assert codes == {"proxy_unreachable"}
    assert f"unreachable: the proxy 127.0.0.1:{port} cannot be reached: " in line
    assert "u:p" not in line


def test_a_proxy_that_refuses(tmp_path):
    with server(says(REFUSES)) as port:
        audit(tmp_path, "https://login.example/token", f'proxy = "http://127.0.0.1:{port}"')
    words = f"the proxy 127.0.0.1:{port} refuses the way to login.example:443: 403"
    check(tmp_path, "proxy_refused", "unreachable", words)


# -- wherever somebody looks

WORDS = "the name login.invalid is not found"


def test_it_is_told_on_the_terminal_and_in_every_summary(tmp_path):
    ended = audit(tmp_path, "https://login.invalid/token", "", 2, "--log-format", "console")
    flat = " ".join(ended.stderr.split())
    assert f"corp warning, unknown: all 2 clients: unreachable: {WORDS} (c0, c1)" in flat
    assert WORDS in (tmp_path / "out" / "report.md").read_text()
    told_of = {one["client"]: one["detail"] for one in summary(tmp_path / "out")["not_tested"]}
    assert told_of["c0"] == WORDS


def test_it_is_told_in_logs(tmp_path):
    ended = audit(tmp_path, "https://login.invalid/token")
    events = [json.loads(line) for line in ended.stderr.splitlines()]
    assert any(one["event"] == "finding" and WORDS in one["detail"] for one in events)
    of_server = [one for one in events if one["event"].startswith("endpoint_")]
    assert of_server
    assert {one["detail"] for one in of_server} == {WORDS}


def test_metadata_that_cannot_be_read_is_told_likewise(tmp_path):
    entries = [Entry("c0", "corp"), Entry("c1", "corp")]
    servers = {"corp": 'issuer = "https://login.invalid"\nretries = 0'}
    arguments, secrets = write_inputs(tmp_path, servers, entries, ["a", "b"])
    where = ("-o", tmp_path / "out", "--max-pause", "1s")
    scopeprobe("audit", *arguments, *where, env=secrets)
    (finding,) = rows(tmp_path / "out" / "findings.csv")
    assert finding["detail"] == f"corp: all 2 clients: unreachable: {WORDS} (c0, c1)"


def test_servers_that_are_away_for_different_causes_get_a_line_each(tmp_path):
    port = free_port()
    servers = {
        "one": f'token_endpoint = "https://login.invalid/token"\n{FAST}',
        "two": f'token_endpoint = "https://127.0.0.1:{port}/token"\n{FAST}',
    }
    entries = [Entry(f"c{n}", name) for n, name in enumerate(("one", "one", "two", "two"))]
    arguments, secrets = write_inputs(tmp_path, servers, entries, ["a"])
    scopeprobe("audit", *arguments, "-o", tmp_path / "out", "--max-pause", "1s", env=secrets)
    details = [row["detail"] for row in rows(tmp_path / "out" / "findings.csv")]
    assert details == [
        f"one: all 2 clients: unreachable: {WORDS} (c0, c1)",
        f"two: all 2 clients: unreachable: 127.0.0.1:{port} refuses connections (c2, c3)",
    ]


def test_a_certificate_is_looked_at_once_for_its_day(tmp_path, authority):
    handshakes = []

    def speak(connection):
        handshakes.append(connection)
        tls(context)(connection)

    context = context_of(authority, not_after=EXPIRED)
    with server(speak) as port:
        audit(tmp_path, f"https://localhost:{port}/token", 'ca_file = "ca.pem"', 5)
    assert len(handshakes) == 5 + 1


def test_a_server_that_stays_away_is_not_said_to_throttle(tmp_path):
    """Its pauses grow beyond --max-pause, and requests wait that were never given up."""
    port = free_port()
    audit(tmp_path, f"https://127.0.0.1:{port}/token", "#", 12, "--retries", "5")
    detail = rows(tmp_path / "out" / "findings.csv")[0]["detail"]
    assert detail.startswith(
        f"corp: all 12 clients: unreachable: 127.0.0.1:{port} refuses connections (c0, "
    )


def test_a_night_without_any_server_says_so_last(tmp_path):
    servers = {
        name: f'token_endpoint = "https://{name}.invalid/token"\n{FAST}' for name in ("one", "two")
    }
    entries = [Entry(f"c{n}", name) for n, name in enumerate(("one", "one", "two", "two"))]
    arguments, secrets = write_inputs(tmp_path, servers, entries, ["a"])
    where = ("-o", tmp_path / "out", "--max-pause", "1s", "--log-format", "console")
    ended = scopeprobe("audit", *arguments, *where, env=secrets)
    assert ended.returncode == 4
    assert ended.stderr.splitlines()[-1] == "no server can be reached"
    (finding,) = rows(tmp_path / "out" / "findings.csv")
    assert finding["detail"].startswith("every server: all 4 clients: unreachable: name_not_found")
