"""HTTP as every service speaks it: writes in one transaction, reads, pages, problems, health.

Service code imports the names below from here.
"""

from shared.http.app import create_app, upload
from shared.http.dead_letters import dead_letter_router
from shared.http.etags import etag, versions_of
from shared.http.fields import (
    FROM_JSON,
    Body,
    Day,
    Id,
    MajorAmount,
    Moment,
    PathId,
    PositiveAmount,
    QueryId,
    Reference,
    Text,
    minor,
    naming,
)
from shared.http.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor, page, page_of
from shared.http.port import RuntimePort, runtime_of
from shared.http.problems import Problem, ProblemOut, problem_of, problems, refuse, wrong_value
from shared.http.read import Read, Reader
from shared.http.write import Write, Writer

__all__ = [
    "DEFAULT_LIMIT",
    "FROM_JSON",
    "Body",
    "Cursor",
    "Day",
    "Id",
    "Limit",
    "MajorAmount",
    "Moment",
    "Page",
    "PathId",
    "PositiveAmount",
    "Problem",
    "ProblemOut",
    "QueryId",
    "Read",
    "Reader",
    "Reference",
    "RuntimePort",
    "Text",
    "Write",
    "Writer",
    "create_app",
    "dead_letter_router",
    "decode_cursor",
    "encode_cursor",
    "etag",
    "minor",
    "naming",
    "page",
    "page_of",
    "problem_of",
    "problems",
    "refuse",
    "runtime_of",
    "upload",
    "versions_of",
    "wrong_value",
]
