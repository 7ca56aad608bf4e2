"""Options of a session that are given as it is opened, so that no statement runs without them."""

from psycopg.conninfo import conninfo_to_dict

INBOX_STATEMENT_TIMEOUT_SECONDS = 60
"""The feed's statements take milliseconds, and it waits for each: one that hangs is made again on a new connection."""

FOLD_STATEMENT_TIMEOUT_SECONDS = 3_600
"""Reading or letting go of a whole day may take minutes, and waiting for a partition's turn is a statement as well."""


def session_options(database_url: str, statement_timeout_seconds: int) -> str:
    """libpq's `options` with a limit for every statement, followed by those `database_url` has, which therefore win.

    Raises psycopg.ProgrammingError where the address is none.
    """
    own = conninfo_to_dict(database_url).get("options") or ""
    return f"-c statement_timeout={statement_timeout_seconds}s {own}".rstrip()
