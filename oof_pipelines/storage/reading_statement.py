"""What a DuckDB query may do here: read. One statement, no file written, nothing loaded from the network.

DuckDB has no setting that forbids COPY … TO or ATTACH and still lets a query read any local file (a folder in
`allowed_directories` may be written to), so statements are judged by the type DuckDB's own parser gives them.
"""

import re

import duckdb

READING_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
}
"""Settings of a connection that only reads; `lock_configuration` is set once everything is in place."""

# EXPLAIN ANALYZE runs what it explains. Where the head is of another form than this, what follows does not parse.
_EXPLAIN_HEAD = re.compile(r"\s*explain(\s+analyze)?(\s*\(\s*(analyze|format)\b[^()]*\))?\s", re.IGNORECASE)
_COMMENTS = re.compile(r"\s+|--[^\n]*(\n|$)|/\*.*?\*/", re.DOTALL)
# PIVOT without a list of values comes as several statements of one text.
_PIVOT_HEAD = re.compile(r"[\s(]*(pivot|unpivot|from|select|with)\b", re.IGNORECASE)
_RULE = "a query is one statement that reads: SELECT, FROM, WITH, PIVOT, DESCRIBE, SUMMARIZE, SHOW or EXPLAIN"


def why_refused(connection: duckdb.DuckDBPyConnection, statement: str) -> str | None:
    """One line that says why `statement` may not run, or None where it may. Raises `duckdb.Error` of the parser."""
    statements = connection.extract_statements(statement)
    if not statements:
        return f"the query is empty; {_RULE}"
    if len(statements) > 1:
        return f"{len(statements)} statements at once; {_RULE}"
    kind = statements[0].type
    if kind == duckdb.StatementType.SELECT:
        return None
    text = _without_leading_comments(statement)
    if kind == duckdb.StatementType.EXPLAIN:
        head = _EXPLAIN_HEAD.match(text)
        return why_refused(connection, text[head.end() :]) if head else f"this EXPLAIN is not understood; {_RULE}"
    if kind == duckdb.StatementType.MULTI and _PIVOT_HEAD.match(text):
        return None
    return f"{kind.name} is refused; {_RULE}"


def _without_leading_comments(statement: str) -> str:
    while found := _COMMENTS.match(statement):
        statement = statement[found.end() :]
    return statement
