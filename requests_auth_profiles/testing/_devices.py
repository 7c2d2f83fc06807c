"""Devices that wait for a person who signs in somewhere else (RFC 8628)."""

import secrets
from dataclasses import dataclass
from typing import Any

from requests_auth_profiles.testing._ledger import Authorization, Refused

__all__ = ["Devices"]

_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 section 6.1: no vowels, so no words
_LIFETIME_SECONDS = 600


@dataclass(slots=True)
class _Device:
    authorization: Authorization
    user_code: str
    interval_seconds: float
    polled_at: float = 0
    is_approved: bool | None = None  # None = nobody has said yet


class Devices:
    """What devices were told, and what people have said of it."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Device] = {}

    def begin(self, authorization: Authorization, verification_uri: str, interval: float) -> dict[str, Any]:
        """What a device is told that begins to wait, and asks at this interval (RFC 8628 section 3.2)."""
        user_code = "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(2))
        device_code = secrets.token_urlsafe(32)
        self._waiting[device_code] = _Device(authorization, user_code, interval)
        return {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": verification_uri,
            "verification_uri_complete": f"{verification_uri}?user_code={user_code}",
            "expires_in": _LIFETIME_SECONDS,
            "interval": interval,
        }

    def waiting(self, user_code: str) -> Authorization | None:
        """What a device waits for that shows this code; None where none does."""
        device = self._of(user_code)
        return None if device is None else device.authorization

    def answer(self, user_code: str, *, approve: bool) -> None:
        """What the person says to the device that shows this code."""
        if (device := self._of(user_code)) is not None:
            device.is_approved = approve

    def take(self, device_code: str, client_id: str, now: float) -> Authorization:
        """What a device was given, once (RFC 8628 section 3.5).

        Raises:
            Refused: nothing yet, or nothing any more.
        """
        device = self._waiting.get(device_code)
        if device is None or device.authorization.client_id != client_id:
            raise Refused("invalid_grant", "no device of this client waits with this device_code")
        if now >= device.authorization.granted_at + _LIFETIME_SECONDS:
            del self._waiting[device_code]
            raise Refused("expired_token", "the device_code is expired")
        too_soon, device.polled_at = now < device.polled_at + device.interval_seconds, now
        if device.is_approved is None:
            if too_soon:
                device.interval_seconds += 5  # "for this and all subsequent requests"
                raise Refused("slow_down", f"ask every {device.interval_seconds} seconds")
            raise Refused("authorization_pending", "nobody has answered yet")
        del self._waiting[device_code]
        if not device.is_approved:
            raise Refused("access_denied", "the person said no")
        return device.authorization

    def _of(self, user_code: str) -> _Device | None:
        # People type what they see in their own way (RFC 8628 section 6.1).
        plain = user_code.upper().replace("-", "").replace(" ", "")
        found = (one for one in self._waiting.values() if one.user_code.replace("-", "") == plain)
        return next(found, None)
