"""Who is let in."""

import ast
import hashlib
import hmac
import inspect

import pytest
from starlette.datastructures import Headers

from oof_pipelines.api import webhook_authentication
from oof_pipelines.api.webhook_authentication import BodySignature, HeaderSecret

SECRET = "a secret, with spaces"
BODY = b'[{"signature": "x"}]'
SIGNATURE = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("shown", "is_right"),
    [
        ({"Authorization": SECRET}, True),
        ({"authorization": SECRET}, True),
        ({}, False),
        ({"Authorization": ""}, False),
        ({"Authorization": SECRET[:-1]}, False),
        ({"Authorization": SECRET + "x"}, False),
        ({"Authorization": SECRET.upper()}, False),
        ({"Authorization": f"Bearer {SECRET}"}, False),
        ({"Authorization": "é" * 5_000}, False),
        ({"X-Authorization": SECRET}, False),
    ],
)
def test_the_header_is_the_secret(shown: dict[str, str], is_right: bool) -> None:
    authentication = HeaderSecret(SECRET)
    assert authentication.may_be_read(Headers(shown)) is is_right
    assert authentication.is_authentic(Headers(shown), BODY) is is_right


@pytest.mark.parametrize(
    ("shown", "may_be_read", "is_right"),
    [
        ({"X-Signature": SIGNATURE}, True, True),
        ({"X-Helius-Signature": SIGNATURE}, True, True),
        ({"X-Helius-Signature": f"sha256={SIGNATURE}"}, True, True),
        ({"X-Signature": SIGNATURE.upper()}, True, True),
        ({"X-Helius-Signature": "0" * 64, "X-Signature": SIGNATURE}, True, False),
        ({"X-Signature": "0" * 64}, True, False),
        ({"X-Signature": hashlib.sha256(BODY).hexdigest()}, True, False),
        ({"X-Signature": hmac.new(b"other", BODY, "sha256").hexdigest()}, True, False),
        ({"X-Signature": SIGNATURE[:-1]}, False, False),
        ({"X-Signature": SIGNATURE + "0"}, False, False),
        ({"X-Signature": f"sha1={SIGNATURE}"}, False, False),
        ({"X-Signature": "é" * 64}, False, False),
        ({"X-Signature": ""}, False, False),
        ({"Authorization": SECRET}, False, False),
        ({}, False, False),
    ],
)
def test_the_signature_is_over_the_body(shown: dict[str, str], may_be_read: bool, is_right: bool) -> None:
    authentication = BodySignature(SECRET)
    assert authentication.may_be_read(Headers(shown)) is may_be_read
    assert authentication.is_authentic(Headers(shown), BODY) is is_right
    assert not authentication.is_authentic(Headers(shown), BODY + b" ")


def test_secrets_are_compared_in_constant_time_alone() -> None:
    """No `==`, no `in`, no `startswith` in the module touches what is secret: `compare_digest` is called, once a class."""
    tree = ast.parse(inspect.getsource(webhook_authentication))
    compared = [node for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    assert all(isinstance(operator, ast.IsNot | ast.Is) for node in compared for operator in node.ops)
    calls = [
        node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    assert calls.count("compare_digest") == 2
    assert not {"startswith", "endswith", "find", "index", "__eq__"} & set(calls)
