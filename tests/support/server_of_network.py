"""
A token endpoint on the loopback of whatever network it is started in.

    python server_of_network.py LOG

Prints its port; writes a line of JSON to the log for every request.
"""

import base64
import json
import sys
import threading
from pathlib import Path

from harness import raw_server
from long_runs import strict

if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", buffering=1) as log:

        def answer(asked):
            credentials = base64.b64decode(asked.client.removeprefix("Basic ")).decode()
            client = credentials.partition(":")[0]
            log.write(json.dumps({"client": client, "scopes": asked.scopes}) + "\n")
            return strict(asked)

        with raw_server(answer) as server:
            print(server.port, flush=True)
            threading.Event().wait()
