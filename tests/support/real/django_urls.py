"""Django OAuth Toolkit at the root; by its namespace its metadata finds the endpoints."""

from django.urls import include, path

urlpatterns = [path("", include("oauth2_provider.urls"))]
