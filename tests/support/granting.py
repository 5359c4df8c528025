"""Answers of a token endpoint that grants some scopes to everybody."""

from harness import Reply, token_body

FAST = 'rate = "500/s"\nclient_rate = "500/s"'


def grants(*granted):
    def answer(asked):
        if asked.scopes is None or asked.scopes in granted:
            return Reply(body=token_body(scope=asked.scopes or ""))
        return Reply(400, b'{"error":"invalid_scope"}')

    return answer
