"""The Django OAuth Toolkit that the tests audit, run by gunicorn, with SQLite."""

import json
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

APPS = ["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"]


def create_app(file, scopes_backend):
    """
    A server of its own database beside the fleet's file.

    SettingsScopes is what the toolkit comes with: every scope that exists is every client's.
    """
    fleet = json.loads(Path(file).read_text())
    settings.configure(
        ALLOWED_HOSTS=["127.0.0.1"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": Path(file).with_name("db.sqlite3"),
                "OPTIONS": {
                    "init_command": "PRAGMA journal_mode=wal; PRAGMA synchronous=off",
                    "transaction_mode": "IMMEDIATE",
                },
            }
        },
        CONN_MAX_AGE=None,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=APPS,
        # Tables straight from the models: migrations take seconds.
        MIGRATION_MODULES={app.rpartition(".")[2]: None for app in APPS},
        OAUTH2_PROVIDER={
            "SCOPES": dict.fromkeys(fleet["scopes"], ""),
            "SCOPES_BACKEND_CLASS": scopes_backend,
        },
        # The real hashers take a tenth of a second for every request.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        ROOT_URLCONF="django_urls",
        SCOPES_OF_CLIENTS={c["client_id"]: c["scope"].split() for c in fleet["clients"]},
        SECRET_KEY="of a test",
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    _register(fleet["clients"])
    return get_wsgi_application()


def _register(clients):
    from oauth2_provider.models import Application  # noqa: PLC0415 (needs the settings)

    for client in clients:
        Application.objects.create(
            client_id=client["client_id"],
            client_secret=client["client_secret"],
            client_type=Application.CLIENT_CONFIDENTIAL,
            authorization_grant_type=client["grant_types"][0].replace("_", "-"),
        )
