"""What is mailed to people. Each letter holds one link, and says what to do where it was not asked for."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlencode

from lib.mail import Letter

NAME = "Ads Administrator"


def address_of(base_url: str, page: str, token: str) -> str:
    """The address of a page that takes this token; ``page`` is invitation, reset, verify or sign-in."""
    return f"{base_url}/{page}?{urlencode({'token': token})}"


def invitation(base_url: str, token: str, invited_by: str, expires_at: dt.datetime, *, has_passwords: bool) -> Letter:
    """To someone who may make an account here, or sign in at the provider where nobody ``has_passwords``."""
    until = f"{expires_at:%Y-%m-%d}"
    if has_passwords:
        link = address_of(base_url, "invitation", token)
        how = f"Choose a password here until {until}:\n\n{link}\n\nThe link works once."
    else:
        how = f"Sign in with this e-mail address until {until}:\n\n{base_url}\n\nYou need no password of the dashboard."
    return Letter(
        f"You are invited to {NAME}",
        f"{invited_by} invites you to {NAME}, the dashboard of your clients' numbers.\n\n{how}"
        " If you expected no invitation, leave this mail alone: nothing happens by itself.\n",
    )


def reset(base_url: str, token: str) -> Letter:
    """To someone who forgot their password."""
    return Letter(
        f"Choose a new password for {NAME}",
        f"Someone, probably you, asked for a new password for {NAME}.\n\n"
        f"Choose it here within an hour:\n\n{address_of(base_url, 'reset', token)}\n\n"
        "The link works once, and the new password ends every sign-in of yours. If you asked for nothing, leave this"
        " mail alone: your password stays as it is.\n",
    )


def verification(base_url: str, token: str) -> Letter:
    """To someone whose address is to be confirmed."""
    return Letter(
        f"Confirm your address for {NAME}",
        f"An account with this address was made at {NAME}.\n\n"
        f"Confirm that the address is yours within two days:\n\n{address_of(base_url, 'verify', token)}\n\n"
        "If you made none, leave this mail alone, and tell the administrator of the dashboard.\n",
    )


def changed(base_url: str) -> Letter:
    """To someone whose password was set anew, so that they hear of it where it was not them."""
    return Letter(
        f"Your password for {NAME} was changed",
        f"Your password for {NAME} ({base_url}) was changed by a link in a mail to you, and every sign-in of yours was"
        " ended.\n\n"
        "If that was not you, tell the administrator of the dashboard at once.\n",
    )
