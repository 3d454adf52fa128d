"""Lists in pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from api.envelope import Page, PageMeta

T = TypeVar("T")
MAX_PAGE = 1_000_000
MAX_PER_PAGE = 500


class Paging(BaseModel):
    """Which page is asked for."""

    model_config = ConfigDict(extra="forbid")

    page: int = Field(1, ge=1, le=MAX_PAGE, description="which page, from 1", examples=[1])
    per_page: int = Field(50, ge=1, le=MAX_PER_PAGE, description="how many on a page", examples=[50])

    @property
    def offset(self) -> int:
        """How many come before this page."""
        return (self.page - 1) * self.per_page

    def of(self, things: Sequence[T]) -> Page[T]:
        """The page of a list that is at hand."""
        return self.holding(things[self.offset : self.offset + self.per_page], len(things))

    def holding(self, things: Sequence[T], total: int) -> Page[T]:
        """The page with these of ``total`` things."""
        return Page(data=list(things), meta=PageMeta(page=self.page, per_page=self.per_page, total=total))
