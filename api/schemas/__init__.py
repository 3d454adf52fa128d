"""What /api/v1 takes and answers, as pydantic models.

Bodies are strict and take no unknown field. Ids are text: they are longer than what every program counts exactly.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MetaId = Annotated[
    str,
    Field(
        description="Meta's id of an ad account, without act_",
        examples=["1234567890123456"],
        json_schema_extra={"pattern": "^[0-9]{1,19}$"},
    ),
]


class Body(BaseModel):
    """What a request sends."""

    model_config = ConfigDict(extra="forbid", strict=True)
