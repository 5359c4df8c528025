"""What stands between us and a server: handshakes, backends of several, proxies."""

import asyncio
import itertools
import json
import ssl
from contextlib import closing, contextmanager, suppress

import pytest
import trustme
from faulty_ways import ALERT
from granting import grants
from harness import Entry, Reply, raw_server, reasons, rows, scopeprobe, verdicts, write_inputs
from serving import serving

FAST = 'rate = "200/s"\nclient_rate = "200/s"\ntimeout = "5s"'


@contextmanager
def listener(speak):
    """A server on bare streams; `speak` is given each connection and its number."""
    numbers = itertools.count()

    async def connected(reader, writer):
        with closing(writer), suppress(ConnectionError, asyncio.IncompleteReadError):
            await speak(reader, writer, next(numbers))

    with serving(connected) as port:
        yield port


def balancer(backend, is_broken):
    """Sends each connection on to a backend; those that are broken end the handshake."""

    async def pump(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def speak(reader, writer, number):
        if is_broken(number):
            await reader.read(1000)
            writer.write(ALERT)
            await writer.drain()
            return
        there, back = await asyncio.open_connection("127.0.0.1", backend)
        await asyncio.gather(pump(reader, back), pump(there, writer))

    return speak


@pytest.fixture
def authority(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return authority


def tls_of(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def audit(tmp_path, url, settings="", clients=4, place="token_endpoint", **environment):
    text = f'{place} = "{url}"\n{FAST}\n{settings}'
    entries = [Entry(f"c{n}", "s") for n in range(clients)]
    arguments, secrets = write_inputs(tmp_path, {"s": text}, entries, ["a", "b"])
    words = ("audit", *arguments, "-o", tmp_path / "out", "-vv", "--max-pause", "5s")
    return scopeprobe(*words, env={**secrets, **environment})


def test_a_broken_backend_of_three_costs_no_cell(tmp_path, authority):
    with (
        raw_server(grants("a"), tls=tls_of(authority)) as server,
        listener(balancer(server.port, lambda number: number % 3 == 0)) as port,
    ):
        audit(tmp_path, f"https://localhost:{port}/token", 'ca_file = "ca.pem"\nin_flight = 1')
    assert set(verdicts(tmp_path / "out").values()) == {"granted", "denied"}


@pytest.mark.parametrize("place", ["token_endpoint", "issuer"])
def test_a_ca_file_that_is_renewed_is_read_by_the_next_audit_of_a_process(tmp_path, place):
    def answer(asked):
        """Metadata, and tokens for one scope."""
        if not asked.path.startswith("/.well-known/"):
            return grants("a")(asked)
        url = f"https://localhost:{server.port}"
        return Reply(body=json.dumps({"issuer": url, "token_endpoint": f"{url}/token"}).encode())

    for _ in range(2):
        authority = trustme.CA()
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        with raw_server(answer, tls=tls_of(authority)) as server:
            url = f"https://localhost:{server.port}"
            audit(tmp_path, url, 'ca_file = "ca.pem"', place=place)
        assert set(verdicts(tmp_path / "out").values()) == {"granted", "denied"}


def test_handshakes_that_all_fail_are_found_out_with_the_first_clients_retries(tmp_path):
    numbers = itertools.count()

    async def fails(reader, writer, _number):
        next(numbers)
        await reader.read(1000)
        writer.write(ALERT)
        await writer.drain()

    with listener(fails) as port:
        audit(tmp_path, f"https://localhost:{port}/token", "in_flight = 1", clients=8)
    assert set(reasons(tmp_path / "out").values()) == {"tls_failure"}
    assert next(numbers) == 3 + 7


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_a_server_that_speaks_old_tls_only_is_told_as_such(tmp_path, authority, version):
    context = tls_of(authority)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    with raw_server(tls=context) as server:
        audit(tmp_path, f"https://localhost:{server.port}/token", 'ca_file = "ca.pem"')
    assert set(reasons(tmp_path / "out").values()) == {"tls_failure"}


# -- proxies


def proxy_that_says(answer, heard):
    async def speak(reader, writer, _number):
        heard.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(answer)
        await writer.drain()

    return speak


WANTS_CREDENTIALS = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\n"
    b"Proxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
)


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_a_proxy_that_wants_credentials_is_told_as_one_at_once(tmp_path, scheme):
    heard = []
    with listener(proxy_that_says(WANTS_CREDENTIALS, heard)) as port:
        settings = f'proxy = "http://127.0.0.1:{port}"\nallow_http = true\nretries = 1'
        audit(tmp_path, f"{scheme}://login.example/token", settings, clients=2)
    for row in rows(tmp_path / "out" / "permissions.csv"):
        assert (row["reason"], row["http_status"]) == ("unreachable", "407")
        assert "proxy" in row["error_description"]
    assert len(heard) <= 4
    assert all("User-Agent: scopeprobe/" in head for head in heard)
    assert not any("aiohttp" in head for head in heard)


@pytest.mark.parametrize(
    "garbage", ["not a url", "http://", "socks5://127.0.0.1:1", "http://a:b c"]
)
def test_garbage_in_the_proxy_of_the_environment_is_an_input_error(tmp_path, garbage):
    result = audit(tmp_path, "https://login.example/token", HTTPS_PROXY=garbage)
    assert result.returncode == 2
    assert "HTTPS_PROXY" in result.stderr


def test_a_proxy_may_be_named_without_its_scheme(tmp_path):
    heard = []
    with listener(proxy_that_says(WANTS_CREDENTIALS, heard)) as port:
        audit(tmp_path, "https://login.example/t", HTTPS_PROXY=f"127.0.0.1:{port}", clients=1)
    assert heard[0].startswith("CONNECT login.example:443")
