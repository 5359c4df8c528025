"""No secret is among what every process of the machine may read of the program."""

import subprocess
import time

from harness import Entry, Reply, raw_server, started, write_inputs


def test_ps_shows_no_secret(tmp_path):
    with raw_server(lambda _asked: Reply(delay=0.3)) as server:
        arguments, environment = write_inputs(
            tmp_path,
            {"s": f'token_endpoint = "{server.url}/t"'},
            [Entry("c0", "s", secret="Tr0ub4dor-and-3")],
            ["a", "b", "c"],
        )
        process = started("audit", *arguments, "-o", tmp_path / "out", env=environment)
        while not server.asked:
            time.sleep(0.02)
        seen = subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout
        process.terminate()
        process.communicate()
    assert "scopeprobe" in seen
    assert "Tr0ub4dor" not in seen
