"""The sign-in pages: plain HTML with one inline style, light and dark; all they fetch is the pages' own font."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from importlib.util import find_spec
from pathlib import Path


def _font() -> str:
    """The face of Streamlit's pages from where this server has it; none where that version has another."""
    package = find_spec("streamlit")
    folder = Path(package.origin if package and package.origin else "").parent / "static"
    found = sorted(folder.glob("static/media/SourceSansVF-Upright*.woff2"))
    if not found:
        return ""
    address = found[0].relative_to(folder).as_posix()
    return f'@font-face{{font-family:"Source Sans";font-weight:200 900;src:url("/{address}") format("woff2")}}\n'


STYLE = (
    _font()
    + """
:root{color-scheme:light dark;--paper:#f4f6f6;--card:#fff;--ink:#1d2626;--soft:#5d6a69;--line:#8b9694;
--accent:#0b6e63;--on-accent:#fff;--bad:#9b231d}
@media(prefers-color-scheme:dark){:root{--paper:#0d1312;--card:#1b2423;--ink:#e6eceb;--soft:#aab7b5;--line:#6d7b79;
--accent:#3fbfae;--on-accent:#0d1312;--bad:#f6a39c}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;background:var(--paper);color:var(--ink);
font:1rem/1.5 "Source Sans",system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:24rem;padding:2rem;border-radius:12px;background:var(--card);box-shadow:0 1px 4px #0003}
h1{margin:0 0 .25rem;font-size:1.4rem;line-height:1.25}
p{margin:0 0 1.25rem;color:var(--soft)}
p.bad{color:var(--bad)}
p.after{margin:1rem 0 0;text-align:center}
a:not(.button){color:var(--accent)}
label{display:block;margin:0 0 .25rem;font-weight:600}
input{width:100%;margin:0 0 1rem;padding:.65rem .75rem;border:1px solid var(--line);border-radius:8px;font:inherit;
color:inherit;background:transparent}
button,a.button{display:block;width:100%;padding:.7rem;border:0;border-radius:8px;font:inherit;font-weight:600;
text-align:center;text-decoration:none;color:var(--on-accent);background:var(--accent);cursor:pointer}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
""".strip()
)

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Ads Administrator</title>
<style>{style}</style>
</head>
<body><main>{body}</main></body>
</html>
"""
_FORM = """<h1>Ads Administrator</h1>
<p{mark}>{note}</p>
<form method="post" action="/sign-in">
<input type="hidden" name="next" value="{next}">
<label for="email">E-mail</label>
<input id="email" name="email" type="text" inputmode="email" autocomplete="username" value="{email}" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button type="submit">Sign in</button>
</form>{after}"""
_FORGOTTEN = '<p class="after"><a href="/forgotten">Forgotten your password?</a></p>'
_NOTE = """<h1>{title}</h1>
<p>{note}</p>
<a class="button" href="/sign-in">Sign in</a>"""
_LINK = """<form method="post" action="/sign-in">
<input type="hidden" name="token" value="{token}">
<button type="submit" autofocus>Sign in</button>
</form>"""
_TOLD = """<h1>{title}</h1>
<p{mark}>{note}</p>
{form}"""


def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; font-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    )


POLICY = _policy()
"""The Content-Security-Policy that lets these pages do what they do and nothing else."""


def page(title: str, body: str) -> str:
    """A whole page; ``title`` is text and ``body`` markup."""
    return _PAGE.format(title=escape(title), style=STYLE, body=body)


def told(title: str, sentence: str, form: str, *, problem: str = "") -> str:
    """A page with a form, which is markup; ``problem`` says in place of ``sentence`` why it is shown again."""
    mark = ' class="bad" role="alert"' if problem else ""
    return page(title, _TOLD.format(title=escape(title), mark=mark, note=escape(problem or sentence), form=form))


def form(next_path: str, *, email: str = "", problem: str = "", has_mail: bool = False) -> str:
    """The e-mail and password form; ``problem`` says why it is shown again."""
    body = _FORM.format(
        mark=' class="bad" role="alert"' if problem else "",
        note=escape(problem or "Sign in to see your clients' numbers."),
        next=escape(next_path),
        email=escape(email),
        after=_FORGOTTEN if has_mail else "",
    )
    return page("Sign in", body)


def link(token: str, email: str) -> str:
    """The button that uses a sign-in link up."""
    sentence = f"This link signs you in as {email}, once."
    return told("Ads Administrator", sentence, _LINK.format(token=escape(token)))


def note(title: str, sentence: str) -> str:
    """A page that says one thing and leads to the sign-in."""
    return page(title, _NOTE.format(title=escape(title), note=escape(sentence)))
