"""What must be there once only is refused by the store itself, in the words of whoever asked for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import IntegrityError

from lib.errors import AppError


@contextmanager
def unless_taken(refusal: AppError, *constraints: str) -> Iterator[None]:
    """Raise ``refusal`` where a statement of the block breaks one of these unique constraints."""
    try:
        yield
    except IntegrityError as error:
        cause = error.orig
        if isinstance(cause, psycopg.errors.UniqueViolation) and cause.diag.constraint_name in constraints:
            raise refusal from error
        raise
