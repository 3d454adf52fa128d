"""The columnar mirror: a DuckDB file of the insight rows for each process, filled from PostgreSQL through ADBC."""

from lib.insights.mirror.catch_up import CatchUp
from lib.insights.mirror.files import ROLES, mirror_path
from lib.insights.mirror.mirror import Mirror
from lib.insights.mirror.opening import mirror_of, opened_mirror
from lib.insights.mirror.status import MirrorStatus

__all__ = ["ROLES", "CatchUp", "Mirror", "MirrorStatus", "mirror_of", "mirror_path", "opened_mirror"]
