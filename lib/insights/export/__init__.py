"""Answers as files: every row, ids as text, money never through a float. A percent is a fraction: 0.0123 is 1.23 %.

CSV and Excel are for spreadsheets, in which no text of an answer is run as a formula; Parquet, Arrow and JSON are for
programs and hold each text as it is. All are written part by part, in memory that does not grow with the answer.
"""

from lib.insights.export.cells import FORMULA_STARTS, defused
from lib.insights.export.formats import FORMATS, Format
from lib.insights.export.log import LoggedExport, NotLogged, export_logged, log_export, may_export, newest_exports
from lib.insights.export.names import file_name
from lib.insights.export.question import command_words
from lib.insights.export.run import ExportResult, export_to
from lib.insights.export.sink import nameless
from lib.insights.export.workbook import SHEET_ROWS
from lib.insights.export.writers import Writer, write_csv, write_json, writer

__all__ = [
    "FORMATS",
    "FORMULA_STARTS",
    "SHEET_ROWS",
    "ExportResult",
    "Format",
    "LoggedExport",
    "NotLogged",
    "Writer",
    "command_words",
    "defused",
    "export_logged",
    "export_to",
    "file_name",
    "log_export",
    "may_export",
    "nameless",
    "newest_exports",
    "write_csv",
    "write_json",
    "writer",
]
