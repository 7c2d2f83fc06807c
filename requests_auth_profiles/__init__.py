"""Name an authentication once, in a file, and use it in every requests call.

::

    import requests
    from requests_auth_profiles import profile

    requests.get("https://api.acme.com/me", auth=profile("work-okta"))
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from requests_auth_profiles._build import profile

__version__ = "0.1.0"

__all__ = ["__version__", "profile"]


def __getattr__(name: str) -> Any:
    # Given on demand (PEP 562), so that importing the package costs next to nothing.
    if name == "profile":
        from requests_auth_profiles._build import profile

        globals()[name] = profile
        return profile
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
