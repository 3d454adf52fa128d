"""The tables. Every key of the insight tables starts with the account."""

from lib.store.models.audit import AuditLog
from lib.store.models.base import Base
from lib.store.models.clients import Account, Client, Credential, Installation
from lib.store.models.entities import Ad, AdSet, Campaign, Creative, CreativePicture
from lib.store.models.exports import ExportLog
from lib.store.models.gate import Invitation, Team, TeamGrant, TeamMember, UserIdentity
from lib.store.models.groups import Group
from lib.store.models.insights import (
    ATTRIBUTED,
    COUNTS,
    MONEY,
    UNIQUES,
    Insight,
    InsightActions,
    InsightAttribution,
    InsightBreakdown,
    InsightBreakdownActions,
    Slice,
)
from lib.store.models.learned import ApiPause, LearnedSpan
from lib.store.models.people import ClientGrant, SignInLink, User, UserSession
from lib.store.models.periods import PeriodInsight, PeriodSlice
from lib.store.models.runs import RefreshRun, RefreshRunAccount
from lib.store.models.tokens import PersonalToken
from lib.store.models.views import SavedView

__all__ = [
    "ATTRIBUTED",
    "COUNTS",
    "MONEY",
    "UNIQUES",
    "Account",
    "Ad",
    "AdSet",
    "ApiPause",
    "AuditLog",
    "Base",
    "Campaign",
    "Client",
    "ClientGrant",
    "Creative",
    "CreativePicture",
    "Credential",
    "ExportLog",
    "Group",
    "Insight",
    "InsightActions",
    "InsightAttribution",
    "InsightBreakdown",
    "InsightBreakdownActions",
    "Installation",
    "Invitation",
    "LearnedSpan",
    "PeriodInsight",
    "PeriodSlice",
    "PersonalToken",
    "RefreshRun",
    "RefreshRunAccount",
    "SavedView",
    "SignInLink",
    "Slice",
    "Team",
    "TeamGrant",
    "TeamMember",
    "User",
    "UserIdentity",
    "UserSession",
]
