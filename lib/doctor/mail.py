"""Does the mail server take us."""

from __future__ import annotations

from lib.doctor.finding import Finding, failed, ok, skipped
from lib.errors import MailError
from lib.mail import greet, postbox_of
from lib.settings import Settings

MAIL = "Mail"


async def mail(settings: Settings) -> Finding:
    """Greet it and sign in there; nothing is sent. SettingsError where it is half-configured."""
    postbox = postbox_of(settings)
    if postbox is None:
        return skipped(MAIL, "No mail server is set up; links to accounts are handed over by hand.")
    try:
        await greet(postbox)
    except MailError as error:
        remedy = "Correct MAIL_HOST, MAIL_PORT, MAIL_SECURITY, MAIL_USER and MAIL_PASSWORD."
        return failed(MAIL, f"{postbox.host}:{postbox.port} does not take us ({_reason(error)}).", remedy)
    return ok(MAIL, f"{postbox.host}:{postbox.port} takes mails of {postbox.sender}.")


def _reason(error: MailError) -> str:
    return type(error.__cause__).__name__
