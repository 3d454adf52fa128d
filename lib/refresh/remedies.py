"""Why an account failed and what to do about it; where it was its token, in words that name its client."""

from __future__ import annotations

import datetime as dt

from lib.errors import MetaError
from lib.meta.errors import NoAccess, TokenDead
from lib.store.models import Account


def explained(error: MetaError, account: Account) -> MetaError:
    """The same error, whose sentence and remedy name the client whose token it was."""
    name = account.client.name
    if isinstance(error, TokenDead):
        ended = _ended_on(error, account)
        error.message = (
            f"The token of {name} expired on {ended.day} {ended:%B %Y}."
            if ended
            else error.message.replace("The token", f"The token of {name}", 1)
        )
        error.remedy = (
            "Create a new system-user token with ads_read and paste it under Clients, or store it with"
            f" `python -m lib client token {account.client.slug} --token-stdin`. What was stored before stays."
        )
    elif isinstance(error, NoAccess):
        error.message = error.message.replace("this token", f"the token of {name}", 1)
    return error


def _ended_on(error: TokenDead, account: Account) -> dt.date | None:
    """The day that Meta named, else the one that it told of this token before, where that is over."""
    if error.expired_on:
        return error.expired_on
    told = account.client.credential and account.client.credential.expires_at
    return told.date() if told and told <= dt.datetime.now(dt.UTC) else None


def given_up(takes: int) -> MetaError:
    """What is told of a job that was taken up so often."""
    return MetaError(
        f"The refresh of this account was broken off {takes} times and never got any further.",
        "What was stored is whole. The log of the worker has the reason; refresh again once that is mended.",
    )


def defect() -> MetaError:
    """What is told of an error that nobody expected."""
    return MetaError(
        "An unexpected fault of this program ended the refresh of this account.",
        "What was stored until then is whole and stays. The log of the worker has the details: report them. Refreshing"
        " again may meet the same fault.",
    )
