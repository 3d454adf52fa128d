"""Looks at everything that has to work, changes nothing, and says what to do about what does not."""

from lib.doctor.examination import Examination, examine
from lib.doctor.finding import Finding, State

__all__ = ["Examination", "Finding", "State", "examine"]
