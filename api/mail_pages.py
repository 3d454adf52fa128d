"""The pages behind links in mails: choose a password, ask for a new one, confirm an address."""

from __future__ import annotations

from html import escape

from api.sign_in_page import told
from lib.access.passwords import MIN_LENGTH

_CHOOSE = """<form method="post" action="/{action}">
<input type="hidden" name="token" value="{token}">
<label for="email">E-mail</label>
<input id="email" name="email" type="text" autocomplete="username" value="{email}" readonly>
<label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" minlength="{least}" required autofocus>
<label for="again">The same again</label>
<input id="again" name="again" type="password" autocomplete="new-password" minlength="{least}" required>
<button type="submit">{button}</button>
</form>"""
_ASK = """<form method="post" action="/forgotten">
<label for="email">E-mail</label>
<input id="email" name="email" type="text" inputmode="email" autocomplete="username" value="{email}" required autofocus>
<button type="submit">Send me a link</button>
</form>
<p class="after"><a href="/sign-in">Back to the sign-in</a></p>"""
_CONFIRM = """<form method="post" action="/verify">
<input type="hidden" name="token" value="{token}">
<button type="submit">Yes, this address is mine</button>
</form>"""


def invitation(token: str, email: str, *, problem: str = "") -> str:
    """The form that makes an account for this address."""
    sentence = f"You are invited. Choose a password of {MIN_LENGTH} characters or more for your account."
    form = _choose("invitation", token, email, "Make my account")
    return told("Welcome to Ads Administrator", sentence, form, problem=problem)


def reset(token: str, email: str, *, problem: str = "") -> str:
    """The form that takes a new password for this address."""
    sentence = f"Choose a password of {MIN_LENGTH} characters or more. Every sign-in of yours ends with it."
    return told("A new password", sentence, _choose("reset", token, email, "Change my password"), problem=problem)


def _choose(action: str, token: str, email: str, button: str) -> str:
    return _CHOOSE.format(action=action, token=escape(token), email=escape(email), least=MIN_LENGTH, button=button)


def forgotten(*, email: str = "", problem: str = "") -> str:
    """The form that asks for a link to a new password."""
    sentence = "Name the address of your account. If there is one with a password, it is sent a link to a new one."
    return told("Forgotten your password?", sentence, _ASK.format(email=escape(email)), problem=problem)


def verify(token: str, email: str) -> str:
    """The button that confirms this address."""
    return told("Confirm your address", f"Is {email} yours?", _CONFIRM.format(token=escape(token)))
