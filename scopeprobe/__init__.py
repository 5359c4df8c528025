"""Which scopes does each OAuth 2.0 client really have, and why does the token endpoint say 401?"""

__version__ = "0.1.0"
