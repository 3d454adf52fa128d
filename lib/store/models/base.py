"""The declarative base and the types that many tables share."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from sqlalchemy import BigInteger, DateTime, MetaData, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

big = Annotated[int, mapped_column(BigInteger)]
moment = Annotated[dt.datetime, mapped_column(DateTime(timezone=True))]
created = Annotated[dt.datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
meta_id = Annotated[int, mapped_column(BigInteger, primary_key=True, autoincrement=False)]
json_value = Annotated[Any, mapped_column(JSONB)]


class Base(DeclarativeBase):
    """What every table has in common."""

    metadata = MetaData(naming_convention=NAMES)
