"""Answers of a token endpoint that grants some scopes to everybody."""

from harness import Reply

FAST = 'rate = "500/s"\nclient_rate = "500/s"'


def grants(*granted):
    def answer(asked):
        if asked.scopes is None or asked.scopes in granted:
            listed = (asked.scopes or "").encode()
            return Reply(body=b'{"access_token":"opaque","scope":"%s"}' % listed)
        return Reply(400, b'{"error":"invalid_scope"}')

    return answer
