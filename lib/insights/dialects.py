"""What PostgreSQL and DuckDB write differently, so that one statement runs on both.

``among``            value = ANY (list)               value IN list
``holds``            value = ANY (column)             list_contains(column, value)
``rounded_quotient`` div(numeric, numeric)            hugeint // hugeint
``by_code_point``    value COLLATE "C"                value
``Wide``             numeric                          hugeint
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, String, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, UserDefinedType
from sqlalchemy.util import LRUCache


class Wide(UserDefinedType[int]):
    """Whole numbers with room for the product of two bigints and a few more digits."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "NUMERIC"


class among(FunctionElement[bool]):  # noqa: N801 (SQLAlchemy's functions are lower case)
    """``value`` is one of the values of a bound list."""

    type = Boolean()
    inherit_cache = True


class holds(FunctionElement[bool]):  # noqa: N801
    """A column of lists holds a value; DuckDB makes a join of its own of each ``ANY``."""

    type = Boolean()
    inherit_cache = True


class rounded_quotient(FunctionElement[int]):  # noqa: N801
    """``top / bottom`` as a whole number, halves away from zero; NULL where ``bottom`` is zero or either is NULL."""

    type = Wide()
    inherit_cache = True


class by_code_point(FunctionElement[str]):  # noqa: N801
    """A text that sorts by its code points, whatever the database's own order of letters is."""

    type = String()
    inherit_cache = True


def is_among(value: ColumnElement[Any], values: Any) -> ColumnElement[bool]:
    """``value`` is one of ``values`` (ids or texts), which go as one bound list however many they are."""
    listed = list(values)
    kind = String() if listed and isinstance(listed[0], str) else BigInteger()
    return among(value, bindparam(None, listed, type_=ARRAY(kind)))


class _Compiler(PGCompiler):
    """Reads a table from the one that stands in for it."""

    dialect: DuckDB

    def visit_table(self, table: Any, asfrom: Any = False, **options: Any) -> Any:  # type: ignore[override]  # the rest is passed on
        written = super().visit_table(table, asfrom=asfrom, **options)  # type: ignore[no-untyped-call]  # SQLAlchemy's own
        instead = self.dialect.instead.get(table.name) if asfrom else None
        return f"{instead} AS {written}" if instead else written


class DuckDB(PGDialect):
    """PostgreSQL's grammar as DuckDB reads it, with parameters by number.

    ``instead`` names the tables that stand in for others with the same columns.
    """

    name = "duckdb"
    supports_statement_cache = True
    statement_compiler = _Compiler

    def __init__(self, instead: Mapping[str, str] | None = None) -> None:
        super().__init__(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy's own
        self.instead = instead or {}


_WRITTEN: LRUCache[Any, Any] = LRUCache(200)
"""The texts of statements by their form: those that differ in values alone are written once."""


@lru_cache
def _dialect(instead: tuple[tuple[str, str], ...]) -> DuckDB:
    return DuckDB(dict(instead))


def duckdb_sql(statement: Select[Any], instead: Mapping[str, str] | None = None) -> tuple[str, list[Any]]:
    """The statement as DuckDB's text with ``$1`` …, and the values in that order.

    ``instead`` names the table to read in place of another. The text is kept as SQLAlchemy's own engines keep theirs:
    that takes 20 to 40 % of the time of writing it anew, and a new view of a page asks some ten statements.
    """
    dialect = _dialect(tuple(sorted((instead or {}).items())))
    # What SQLAlchemy's Connection.execute does; it offers it by no public name.
    compiled, own, _ = statement._compile_w_cache(dialect, compiled_cache=_WRITTEN, column_keys=[])
    assert isinstance(compiled, SQLCompiler)  # noqa: S101 (of a select; for the type checker)
    values = compiled.construct_params(extracted_parameters=own) or {}
    return str(compiled), [values[name] for name in compiled.positiontup or ()]


def _parts(element: FunctionElement[Any], compiler: SQLCompiler, **options: Any) -> list[str]:
    return [compiler.process(part, **options) for part in element.clauses]


@compiles(among)
def _any(element: among, compiler: SQLCompiler, **options: Any) -> str:
    value, values = _parts(element, compiler, **options)
    return f"{value} = ANY ({values})"


@compiles(among, "duckdb")
def _in(element: among, compiler: SQLCompiler, **options: Any) -> str:
    value, values = _parts(element, compiler, **options)
    return f"{value} IN {values}"


@compiles(holds)
def _any_of_column(element: holds, compiler: SQLCompiler, **options: Any) -> str:
    column, value = _parts(element, compiler, **options)
    return f"{value} = ANY ({column})"


@compiles(holds, "duckdb")
def _list_contains(element: holds, compiler: SQLCompiler, **options: Any) -> str:
    column, value = _parts(element, compiler, **options)
    return f"list_contains({column}, {value})"


def _quotient(top: str, bottom: str, divided: str) -> str:
    sign = f"CASE WHEN ({top} < 0) <> ({bottom} < 0) THEN -1 ELSE 1 END"
    return f"CASE WHEN {bottom} <> 0 THEN {sign} * {divided} END"


@compiles(rounded_quotient)
def _div(element: rounded_quotient, compiler: SQLCompiler, **options: Any) -> str:
    top, bottom = (f"({part})" for part in _parts(element, compiler, **options))
    return _quotient(top, bottom, f"div(2 * abs({top}) + abs({bottom}), 2 * abs({bottom}))")


@compiles(rounded_quotient, "duckdb")
def _whole(element: rounded_quotient, compiler: SQLCompiler, **options: Any) -> str:
    top, bottom = (f"({part})" for part in _parts(element, compiler, **options))
    return _quotient(top, bottom, f"((2 * abs({top}) + abs({bottom})) // (2 * abs({bottom})))")


@compiles(by_code_point)
def _collated(element: by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    (value,) = _parts(element, compiler, **options)
    return f'{value} COLLATE "C"'


@compiles(by_code_point, "duckdb")
def _plain(element: by_code_point, compiler: SQLCompiler, **options: Any) -> str:
    (value,) = _parts(element, compiler, **options)
    return value


@compiles(Wide, "duckdb")
def _hugeint(element: Wide, compiler: Any, **options: Any) -> str:
    return "HUGEINT"
