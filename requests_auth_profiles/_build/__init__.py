"""The only place that joins a profile, its secrets, a grant and a store into an auth."""

from requests_auth_profiles._build.builder import Builder
from requests_auth_profiles._build.reading import profile

__all__ = ["Builder", "profile"]
