"""docs/api.md names what there is: settings, codes, checks and metrics, and no other."""

import re

from recorded_data import REPOSITORY_ROOT

from oof_pipelines.api import hint_writer, request_log, server, webhook, webhook_body, webhook_hints
from oof_pipelines.source_settings import ApiSettings

PAGE = (REPOSITORY_ROOT / "docs" / "api.md").read_text(encoding="utf-8")
SOURCES = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((REPOSITORY_ROOT / "oof_pipelines" / "api").glob("*.py"))
)


def test_every_code_of_the_webhook_is_explained() -> None:
    raised = set(re.findall(r'(?:ApiError\(\s*\d+, |_end\(b"[^"]+", |send_error\(\d+, )"(\w+)"', SOURCES))
    raised |= set(hint_writer.REASONS)
    # Those that are no webhook's own: a request that is no HTTP, and an error of ours.
    explained = set(re.findall(r"`(\w+)`", PAGE))
    assert len(raised) > 10
    assert raised - explained == {"bad_request"}


def test_every_metric_is_listed_and_every_listed_one_is_there() -> None:
    made = set(re.findall(r'"(oof_\w+)"', SOURCES))
    listed = {name.removesuffix("_total") for name in re.findall(r"`(oof_\w+)`", PAGE)}
    assert made == listed


def test_settings_and_bounds_are_as_the_page_says() -> None:
    default = ApiSettings()
    assert f"| `OOF_WEBHOOK_MOST_BYTES` | {default.webhook_most_bytes} |" in PAGE
    assert f"| `OOF_API_HOST`, `OOF_API_PORT` | {default.host}, {default.port} |" in PAGE
    for bound, text in (
        (webhook_hints.MOST_ENTRIES, "5,000 entries"),
        (hint_writer.MOST_QUEUED, "200,000 hints"),
        (hint_writer.MOST_WAITING, "20,000 hints"),
        (request_log.MOST_AT_A_TIME, "512 requests"),
        (server.MOST_CONNECTIONS, "1,000 connections"),
        (webhook.SLOTS_OF_GRACE, "5,000,000"),
    ):
        assert f"{bound:,}" in text
        assert text in PAGE
    assert webhook_body.MOST_BYTES_OF_ALL == 128 * 1024**2
    assert webhook_body.MOST_SECONDS == server.MOST_HEAD_SECONDS == 10
    assert hint_writer.WRITE_SECONDS == 4
