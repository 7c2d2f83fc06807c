"""The keys of a profile."""

from requests_auth_profiles._config import addresses, kinds
from requests_auth_profiles._config.browser import BROWSER
from requests_auth_profiles._config.flows import FLOWS, Flow
from requests_auth_profiles._config.keys import Key, by_name
from requests_auth_profiles._config.token_types import TOKEN_TYPE

__all__ = ["NOT_TWICE", "PROFILE", "key_of", "known_keys"]

PROFILE = by_name(
    Key(
        "flow",
        kinds.choice("a flow", '"client-credentials"', FLOWS),
        "how the credential is won",
        common=True,
    ),
    Key(
        "compose",
        kinds.NAMES,
        "the profiles that sign each request together, instead of a flow",
        '["gateway-key", "work-okta"]',
        common=True,
    ),
    Key(
        "extends",
        kinds.TEXT,
        "the profile whose keys hold where this one has none",
        '"work-okta"',
        common=True,
    ),
    Key(
        "when",
        kinds.TABLE,
        "what holds instead in continuous integration",
        "[profiles.NAME.when.ci]",
        common=True,
        entries=(Key("ci", kinds.TABLE, "keys that hold in their place there", "[profiles.NAME.when.ci]"),),
    ),
    Key("description", kinds.ANY_TEXT, "what it is for, for people", common=True),
    Key("hosts", addresses.HOSTS, "where the credential may go; absent = any https host", common=True),
    Key("allow_http", kinds.BOOLEAN, "whether it may go over plain http", common=True, default=False),
    Key(
        "http",
        kinds.TABLE,
        "how the provider is called, in place of what the environment says",
        "[profiles.NAME.http]",
        merged=True,
        entries=(
            Key("proxy", addresses.PROXY, "the proxy for it, a password in it as in any secret", secret=True),
            Key("ca_bundle", kinds.FILE, "who vouches for it (PEM)", '"acme-ca.pem"'),
            Key("client_cert", kinds.FILE, "the certificate that it is shown (PEM)", '"client.pem"'),
            Key("client_key", kinds.FILE, "the key of that; absent = it is in the same file", '"client.key"'),
            Key(
                "retries",
                kinds.RETRIES,
                "how often a call is made again where it failed and that is safe; absent = twice at most",
            ),
        ),
    ),
    Key("provider", kinds.TEXT, "a provider whose endpoints are known", '"okta"'),
    Key("issuer", addresses.ISSUER, "the provider's issuer; its endpoints are discovered there"),
    Key(
        "authorization_url",
        addresses.URL,
        "the provider's authorization endpoint",
        '"https://login.acme.com/authorize"',
    ),
    Key("token_url", addresses.URL, "the provider's token endpoint", '"https://login.acme.com/token"'),
    Key(
        "device_authorization_url",
        addresses.URL,
        "the provider's device authorization endpoint",
        '"https://login.acme.com/device"',
    ),
    Key(
        "revocation_url",
        addresses.URL,
        "the provider's revocation endpoint",
        '"https://login.acme.com/revoke"',
    ),
    Key("jwks_url", addresses.URL, "the provider's keys", '"https://login.acme.com/keys"'),
    Key("client_id", kinds.TEXT, "the client's id at the provider"),
    Key("client_secret", kinds.SECRET, "the client's secret at the provider", secret=True),
    Key(
        "client_auth",
        kinds.choice(
            "a client authentication",
            '"post"',
            ("basic", "post", "client_secret_jwt", "private_key_jwt", "client_assertion", "tls", "none"),
        ),
        "how the client proves itself; absent = by what there is: basic for a secret, else none",
    ),
    Key(
        "private_key",
        kinds.SECRET,
        "the key that signs: PEM or JWK, or a service account's key file for jwt-bearer",
        '{ file = "private.pem" }',
        secret=True,
    ),
    Key("key_id", kinds.TEXT, "which of the keys at the provider that is; absent = as a JWK or file says"),
    Key(
        "client_assertion",
        kinds.SECRET,
        "a signed statement of who the client is, by somebody whom the provider trusts",
        '{ ci_identity = "api://AzureADTokenExchange" }',
        secret=True,
    ),
    Key(
        "assertion_audience",
        kinds.TEXT,
        "whom the client's own statement is for; endpoint = the URL it is sent to; "
        "absent = the issuer, or token_url where none is known",
        '"https://login.acme.com/token"',
    ),
    Key("scopes", kinds.SCOPES, "what is asked for"),
    Key("audience", kinds.TEXT, "the API that the token is for, at providers that ask for it"),
    Key("resource", addresses.URI, "the API that the token is for (RFC 8707)"),
    Key("authorize_params", kinds.PARAMETERS, "more parameters of the authorization request", merged=True),
    Key("token_params", kinds.PARAMETERS, "more parameters of the token request", merged=True),
    Key(
        "redirect_port",
        addresses.PORTS,
        "the port of the redirect URI; 0 = any free one; a list = tried in order",
        default=5000,
    ),
    Key("redirect_host", addresses.REDIRECT_HOST, "the host of the redirect URI", default="localhost"),
    Key("redirect_path", addresses.PATH, "the path of the redirect URI", default="/"),
    Key(
        "browser",
        BROWSER,
        "the browser that opens, by name, or a program and its arguments, with %s for the address; "
        "absent = the person's own",
    ),
    Key(
        "response_type",
        kinds.TEXT,
        "what the authorization request asks for; absent = code, or what the token of an implicit flow needs",
        '"code"',
    ),
    Key(
        "par",
        kinds.BOOLEAN,
        "whether the request goes to the provider itself, and the browser gets a reference (RFC 9126); "
        "absent = where the provider announces that it has to",
    ),
    Key(
        "dpop",
        kinds.BOOLEAN,
        "whether tokens are bound to a key, so that whoever finds one can do nothing with it (RFC 9449)",
        default=False,
    ),
    Key("code_field_name", kinds.TEXT, "where in the answer the code is", '"code"', default="code"),
    Key(
        "token_field_name",
        kinds.TEXT,
        "where in the answer the token is; absent = access_token, or what an implicit flow asks for",
        '"access_token"',
    ),
    Key("header_name", kinds.HEADER_NAME, "the header that carries the token", default="Authorization"),
    Key("header_value", kinds.HEADER_VALUE, "how the token is written in it", default="Bearer {token}"),
    Key("early_expiry", kinds.SECONDS, "how long before its end a token is renewed", default=30),
    Key("timeout", kinds.TIMEOUT, "how long the provider, or the person, may take", default=60),
    Key("api_key", kinds.SECRET, "the key", secret=True),
    Key(
        "in",
        kinds.choice("header or query", '"header"', ("header", "query")),
        "where the key goes",
        default="header",
    ),
    Key(
        "name",
        kinds.TEXT,
        "the header's or parameter's name; absent = X-API-Key or api_key",
        '"X-API-Key"',
    ),
    Key(
        "command",
        kinds.NAMES,
        "the program and its arguments, without a shell; it prints a token",
        '["gcloud", "auth", "print-access-token"]',
    ),
    Key("class", kinds.CLASS, "the class of a requests auth, imported when it is first used"),
    Key("args", kinds.ARGUMENTS, "what it is made with, secrets as references"),
    Key("options", kinds.OPTIONS, "what it is made with by name, secrets as references", merged=True),
    Key("issuer_claim", kinds.TEXT, "who signs; absent = whom the key file names"),
    Key("subject", kinds.TEXT, "for whom the token is; absent = for who signs", '"ada@acme.com"'),
    Key(
        "subject_token",
        kinds.SECRET,
        "the token that is given for the new one",
        '{ env = "NAME" }',
        secret=True,
    ),
    Key(
        "subject_token_type",
        TOKEN_TYPE,
        "its type, in short or a URI",
        '"jwt"',
        default="access_token",
    ),
    Key("actor_token", kinds.SECRET, "a token of who acts for the subject", secret=True),
    Key("actor_token_type", TOKEN_TYPE, "its type, in short or a URI", default="access_token"),
    Key(
        "requested_token_type",
        TOKEN_TYPE,
        "the type of the new one; absent = what the provider thinks fit",
    ),
    Key("username", kinds.SECRET, "the user's name"),
    Key("password", kinds.SECRET, "the user's password", secret=True),
    Key("token", kinds.SECRET, "the token", secret=True),
)

NOT_TWICE = {"extends", "when"}
"""What an overlay cannot say."""


def known_keys(flow: Flow) -> dict[str, Key]:
    """Whatever a profile of a flow may say, by name, but for the variables of its provider."""
    known = {name: key for name, key in PROFILE.items() if key.common or name in flow.keys}
    return known | by_name(*flow.own)


def key_of(name: str, flow: object) -> Key | None:
    """What a key is in a profile of a flow; None where it is a variable of a provider, or nothing at all."""
    own = FLOWS[flow].own if isinstance(flow, str) and flow in FLOWS else ()
    return next((key for key in own if key.name == name), PROFILE.get(name))
