"""Page: what the loopback listener shows in the person's browser at the end of a sign-in.

Nothing in it comes from another place: one style and at most one script, each allowed by its hash alone.
"""

import base64
import hashlib
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Page", "answered", "bounce", "custom", "refused", "signed_in", "stray"]

_LONGEST_TEXT = 300

_STYLE = """
:root { color-scheme: light dark; --ground: #f3f4f6; --card: #fff; --line: #e3e6ea; --ink: #1b1f24;
  --quiet: #59616b; --good: #197a3c; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ground: #101215; --card: #191c21; --line: #2c3138;
  --ink: #e9ebee; --quiet: #a0a8b2; --good: #58c97c; --bad: #ff8f86; } }
* { box-sizing: border-box; margin: 0; }
body { min-height: 100vh; padding: 1.5rem 1rem; display: grid; place-content: center;
  grid-template-columns: minmax(0, 27rem); gap: 1.25rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere;
  text-align: center; }
main { display: grid; gap: 1.25rem; padding: clamp(1.5rem, 7vw, 2.75rem); border: 1px solid var(--line);
  border-radius: 1rem; background: var(--card); box-shadow: 0 1px 2px #0000000a, 0 12px 32px #0000000f; }
svg { display: block; width: 4rem; margin-inline: auto; fill: none; stroke: currentColor; stroke-width: 3;
  stroke-linecap: round; stroke-linejoin: round; color: var(--quiet); }
svg.good { color: var(--good); } svg.bad { color: var(--bad); }
svg.quiet path { stroke-width: 5; }
svg circle { fill: currentColor; fill-opacity: .1; transform: rotate(-90deg); transform-origin: center; }
h1 { font-size: 1.5rem; font-weight: 600; line-height: 1.25; letter-spacing: -.015em; }
h1, p { text-wrap: balance; }
dl { padding-block: 1.125rem; border-block: 1px solid var(--line); text-align: start; overflow: hidden; }
dt, footer { color: var(--quiet); font-size: .875rem; }
dd { font-weight: 500; } dd + dt { margin-top: .75rem; }
code { display: inline-block; padding: 0 .4em; border: 1px solid var(--line); border-radius: .375rem;
  background: var(--ground); font: .9em/1.7 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
  -webkit-user-select: all; user-select: all; }
@media (prefers-reduced-motion: no-preference) {
  svg * { stroke-dasharray: 1; animation: draw .5s ease-out both; }
  svg circle + * { animation-delay: .4s; animation-duration: .35s; }
}
@keyframes draw { from { stroke-dashoffset: 1; opacity: 0; } 1% { opacity: 1; } to { stroke-dashoffset: 0; } }
"""

_FORGET = 'history.replaceState(null, "", location.pathname);'

# A document made by DOMParser runs no script, so the answer page needs no place in this page's policy but its
# style, which is the same; what its script would do is done here. Styles of somebody's own, which it does
# not know, are set as rules, and scripts are not run. fetch("") is this URL without its fragment.
_BOUNCE = """
const answer = location.hash.slice(1);
const show = (page) => {
  document.title = page.querySelector("h1").textContent;
  document.querySelector("main").replaceChildren(page);
};
const dress = () => {
  for (const style of document.querySelectorAll("style")) {
    if (style.sheet) continue;
    const rules = new CSSStyleSheet();
    rules.replaceSync(style.textContent);
    document.adoptedStyleSheets.push(rules);
  }
  for (const one of document.querySelectorAll("[style]")) one.style.cssText = one.getAttribute("style");
};
const become = async (reply) => {
  const there = new DOMParser().parseFromString(await reply.text(), "text/html");
  document.documentElement.replaceWith(there.documentElement);
  dress();
  const time = reply.headers.get("X-Close-After");
  if (time) setTimeout(close, time);
};
if (answer || location.search) {
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  fetch("", { method: "POST", headers, body: answer }).then(become)
    .catch(() => show(document.getElementById("gone").content));
  history.replaceState(null, "", location.pathname);
} else {
  show(document.getElementById("stray").content);
}
"""

_MARK = """<svg class="{}" viewBox="0 0 64 64" aria-hidden="true">\
<circle cx="32" cy="32" r="30" pathLength="1"/><path d="{}" pathLength="1"/></svg>"""
_CHECK = _MARK.format("good", "M20 33l8.5 8.5L45 24")
_CROSS = _MARK.format("bad", "M23 23l18 18M41 23l-18 18")
_DOTS = _MARK.format("quiet", "M20 32h.01M32 32h.01M44 32h.01")

_STRAY_TITLE = "Nothing happened here"
_STRAY = "<p>This is not the sign-in that is awaited; it goes on waiting.</p>"
_ANSWERED = "<p>This sign-in has its answer already. You can close this tab and go back to your program.</p>"
_GONE = "<p>Your program no longer listens. Go back to it, and start the sign-in again if it asks you to.</p>"
_NO_SCRIPT = "<p>Only JavaScript can read this answer. Allow it for this page, then load it again.</p>"


@dataclass(frozen=True, slots=True)
class Page:
    """An answer to the browser.

    Args:
        status: the HTTP status code.
        headers: all that are needed, `Content-Length` and `Connection: close` included.
        body: an HTML document in UTF-8.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def signed_in(profile: str, provider: str, *, close_after: int | None = None) -> Page:
    """The page that ends a sign-in well.

    Args:
        profile: the name of the profile; empty where there is none.
        provider: the host of the provider.
        close_after: milliseconds after which it closes, where the browser lets it; None = it stays.
    """
    facts = _facts(("Profile", profile), ("Provider", provider))
    next_step = "<p>You can close this tab and go back to your program.</p>"
    return _page("You are signed in", _CHECK, facts + next_step, script=_FORGET, close_after=close_after)


def refused(profile: str, reason: str, hint: str, *, close_after: int | None = None) -> Page:
    """The page that ends a sign-in that failed (RFC 6749 section 4.1.2.1).

    Args:
        profile: the name of the profile; empty where there is none.
        reason: what the provider said, as it came.
        hint: what to do next, in which `text between backticks` is something to type.
        close_after: milliseconds after which it closes, where the browser lets it; None = it stays.
    """
    facts = _facts(("Profile", profile), ("Reason given", reason))
    # 400 rather than 200, so that who sees only the status (curl, a log, a test) sees that it failed.
    content = facts + _paragraph(hint)
    return _page("The sign-in failed", _CROSS, content, status=400, script=_FORGET, close_after=close_after)


def custom(text: str, *, status: int = 200, close_after: int | None = None) -> Page:
    """A page of somebody's own, which may have styles and scripts in it but nothing from another place.

    Args:
        text: an HTML document.
        status: the HTTP status code.
        close_after: milliseconds after which `bounce` closes it, as its scripts do not run there.
    """
    body = text.encode(errors="replace")  # what a provider said may be no text
    inline = "style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return Page(status, _headers(body, f"default-src 'none'; {inline}; img-src data:", close_after), body)


def stray(reason: str, status: int = 400) -> Page:
    """The page for a request that does not belong to the sign-in.

    Args:
        reason: why not, in our own words: nothing of the request.
        status: the HTTP status code.
    """
    return _page(_STRAY_TITLE, _DOTS, _STRAY + _paragraph(reason), status=status)


def answered() -> Page:
    """The page for an answer that comes after the answer: it changes nothing."""
    return _page(_STRAY_TITLE, _DOTS, _ANSWERED, status=409)


def bounce() -> Page:
    """The page that posts the URL's fragment to its own address and becomes the answer to that.

    Only a script in the browser can read a fragment, which is where an implicit grant's answer is
    (RFC 6749 section 4.2.2).
    """
    content = (
        f"<noscript>{_NO_SCRIPT}</noscript>"
        f'<template id="stray">{_card(_STRAY_TITLE, _DOTS, _STRAY)}</template>'
        f'<template id="gone">{_card("The sign-in did not arrive", _CROSS, _GONE)}</template>'
    )
    return _page("Finishing the sign-in", _DOTS, content, script=_BOUNCE, connect="'self'")


def _page(
    title: str,
    mark: str,
    content: str,
    *,
    status: int = 200,
    script: str = "",
    connect: str = "'none'",
    close_after: int | None = None,
) -> Page:
    script += _closing(close_after)
    element, source = (f"<script>{script}</script>", _hash(script)) if script else ("", "'none'")
    body = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<style>{_STYLE}</style>
</head>
<body>
<main>{_card(title, mark, content)}</main>
<footer>Shown by requests-auth-profiles</footer>
{element}
</body>
</html>
""".encode()
    policy = (
        f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {source}; connect-src {connect}; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Page(status, _headers(body, policy, close_after), body)


def _closing(milliseconds: int | None) -> str:
    return "" if milliseconds is None else f"setTimeout(close, {int(milliseconds)});"


def _headers(body: bytes, policy: str, close_after: int | None) -> dict[str, str]:
    closing = {} if close_after is None else {"X-Close-After": str(int(close_after))}
    return closing | {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Length": str(len(body)),
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Connection": "close",
    }


def _card(title: str, mark: str, content: str) -> str:
    return f"{mark}<h1>{title}</h1>{content}"


def _facts(*rows: tuple[str, str]) -> str:
    shown = "".join(
        f'<dt>{name}</dt><dd dir="auto">{text}</dd>' for name, raw in rows if (text := _shown(raw))
    )
    return f"<dl>{shown}</dl>" if shown else ""


def _paragraph(text: str) -> str:
    marked = re.sub("`([^`]+)`", r'<code translate="no">\1</code>', _shown(text))
    return f"<p>{marked}</p>" if marked else ""


def _shown(text: str) -> str:
    # What is not printable can hide or reorder what is: controls, bidi and zero-width characters, surrogates.
    visible = "".join(character for character in text if character.isprintable() or character.isspace())
    clean = " ".join(visible.split())
    return html.escape(clean if len(clean) <= _LONGEST_TEXT else clean[: _LONGEST_TEXT - 1] + "…")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
