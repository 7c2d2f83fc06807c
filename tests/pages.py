"""A page of each kind that the loopback listener shows, and what a person must be able to read on it."""

import pytest

from requests_auth_profiles._oauth2.page import answered, bounce, refused, signed_in, stray

PAGES = {
    "signed_in": signed_in("work-okta", "acme.okta-emea.com"),
    "refused": refused("work-okta", "access_denied (no such user)", "Type `requests-auth login work-okta`."),
    "stray": stray("It is for another path.", 404),
    "answered": answered(),
    "bounce": bounce(),
}
READABLE = {
    "signed_in": "Profile\nwork-okta\nProvider\nacme.okta-emea.com",
    "refused": "requests-auth login work-okta",
    "stray": "It is for another path.",
    "answered": "This sign-in has its answer already.",
    "bounce": "Allow it for this page",
}

every_page = pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
