"""The tables. Every key of the insight tables starts with the account."""

from lib.store.models.base import Base
from lib.store.models.clients import Account, Client, Credential, Installation
from lib.store.models.entities import Ad, AdSet, Campaign, Creative
from lib.store.models.insights import COUNTS, MONEY, UNIQUES, Insight, Slice
from lib.store.models.people import ClientGrant, SignInLink, User, UserSession
from lib.store.models.runs import RefreshRun, RefreshRunAccount

__all__ = [
    "COUNTS",
    "MONEY",
    "UNIQUES",
    "Account",
    "Ad",
    "AdSet",
    "Base",
    "Campaign",
    "Client",
    "ClientGrant",
    "Creative",
    "Credential",
    "Insight",
    "Installation",
    "RefreshRun",
    "RefreshRunAccount",
    "SignInLink",
    "Slice",
    "User",
    "UserSession",
]
