"""DisplaySettings: what the browser shows at the end of a sign-in."""

import html
from dataclasses import dataclass
from typing import Any

from requests_auth_profiles._oauth2.page import Page, custom, refused, signed_in
from requests_auth_profiles.errors import ConfigurationError

__all__ = ["DisplaySettings"]


@dataclass(slots=True, kw_only=True)
class DisplaySettings:
    """What the browser shows at the end of a sign-in.

    Args:
        success_display_time: milliseconds after which the page of a success closes, if the browser lets it.
        success_html: a page of your own, with `{display_time}` in it; None = ours.
        failure_display_time: milliseconds after which the page of a failure closes.
        failure_html: a page of your own, with `{information}` and `{display_time}` in it; None = ours.

    Other braces in these pages are doubled, as in `p {{ color: green }}`. Each can be set later too, as in
    `OAuth2.display.success_display_time = 5000`.

    Raises:
        ConfigurationError: they are not, or a time or a page is something else; also when it is set later.
    """

    success_display_time: int = 1
    success_html: str | None = None
    failure_display_time: int = 10_000
    failure_html: str | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        # Now, and not when a person has signed in.
        if name.endswith("_time"):
            _check_time(name, value)
        elif name.endswith("_html") and value is not None:
            _check_page(name, value)
        object.__setattr__(self, name, value)

    def signed_in(self, profile: str, provider: str) -> Page:
        """The page that ends a sign-in well."""
        if self.success_html is None:
            return signed_in(profile, provider, close_after=self.success_display_time)
        time = self.success_display_time
        text = _filled("success_html", self.success_html, display_time=time)
        return custom(text, close_after=_said(self.success_html, time))

    def refused(self, profile: str, reason: str, hint: str) -> Page:
        """The page that ends a sign-in that failed."""
        if self.failure_html is None:
            return refused(profile, reason, hint, close_after=self.failure_display_time)
        # Escaped: the reason may be a stranger's words.
        information, time = html.escape(reason), self.failure_display_time
        text = _filled("failure_html", self.failure_html, information=information, display_time=time)
        return custom(text, status=400, close_after=_said(self.failure_html, time))


def _check_time(name: str, value: Any) -> None:
    try:
        int(value)
    except (TypeError, ValueError, OverflowError):
        raise ConfigurationError(f"{name} is no number of milliseconds", hint=f"{name}=1000") from None


def _check_page(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} is not text", hint=f"{name}=Path(…).read_text()")
    information = {} if name == "success_html" else {"information": ""}
    _filled(name, value, display_time=0, **information)


def _said(page: str, time: int) -> int | None:
    """The time, if a page says when it is to be closed."""
    return time if "{display_time" in page else None


def _filled(name: str, page: str, **values: object) -> str:
    try:
        return page.format(**values)
    except (LookupError, ValueError, AttributeError, TypeError) as error:
        raise ConfigurationError(
            f"{name} has braces that mean nothing: {error}", hint="double them, as in p {{ color: green }}"
        ) from None
