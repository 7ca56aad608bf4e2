"""Text that anybody may have written on the chain, made fit for Parquet and Postgres."""


def storable(text: str) -> str:
    """The text without NULs, which Postgres refuses, and with '?' for lone surrogates, no part of UTF-8."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
