"""Scopes of single clients, which Django OAuth Toolkit leaves to those who deploy it."""

from django.conf import settings
from oauth2_provider.scopes import SettingsScopes


class PerClientScopes(SettingsScopes):
    def get_available_scopes(self, application=None, *_, **__):
        """The metadata asks without an application: for what exists."""
        if application is None:
            return list(self.get_all_scopes())
        return settings.SCOPES_OF_CLIENTS[application.client_id]

    def get_default_scopes(self, application=None, *_, **__):
        return self.get_available_scopes(application)
