"""Where the members of a composition may go together: the URLs that the patterns of both mean."""

from hypothesis import example, given
from hypothesis import strategies as st

from requests_auth_profiles._hosts import HostPattern

HOSTS = ["acme.com", "*.acme.com", "api.acme.com", "*.api.acme.com", "v1.api.acme.com", "other.com"]
patterns = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "https://", "http://"]),
    st.sampled_from(HOSTS),
    st.sampled_from(["", ":443", ":80", ":8443"]),
    st.sampled_from(["", "/v1", "/v1/a", "/v12"]),
)
urls = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "http"]),
    st.sampled_from([host.replace("*.", "x.") for host in HOSTS]),
    st.sampled_from(["", ":443", ":80", ":8443"]),
    st.sampled_from(["/", "/v1", "/v1/a", "/v1/b", "/v12/a"]),
)


@given(patterns, patterns, urls)
@example("api.acme.com", "https://*.acme.com/v1", "https://api.acme.com/v1/a")
@example("api.acme.com", "api.acme.com:443", "https://api.acme.com/")
@example("api.acme.com", "api.acme.com:443", "http://api.acme.com/")
def test_what_two_patterns_both_mean(one: str, other: str, url: str) -> None:
    """The pattern that two meet in means a URL if, and only if, both of them mean it."""
    first, second = HostPattern.parse(one), HostPattern.parse(other)
    met = first.meet(second)
    assert (met is not None and met.matches(url)) == (first.matches(url) and second.matches(url))


@given(patterns, patterns)
def test_it_is_one_that_can_be_written(one: str, other: str) -> None:
    """What is shown of it means the same when it is read again, and the order does not count."""
    first, second = HostPattern.parse(one), HostPattern.parse(other)
    met = first.meet(second)
    assert met == second.meet(first)
    assert met is None or HostPattern.parse(str(met)) == met
