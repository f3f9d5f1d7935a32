"""What holds for every reply of the gateway, whatever was asked. The runner and the Python tests check it on all of them."""
import re

from .catalogue import ERRORS

_ID = re.compile(r"[\x21-\x7e]{1,128}")
_LEAKS = re.compile(r"postgres://|password|127\.0\.0\.1:\d|/tmp/|\bSELECT \"|\bat 0x[0-9a-f]+", re.I)


def check(response, head_only=False):
    """Raises AssertionError when a reply breaks a rule that all replies share."""
    request_id = response.header("x-request-id")
    assert request_id and _ID.fullmatch(request_id), f"x-request-id: {request_id!r}"
    assert response.header("server") == "Athena", f"Server: {response.header('server')!r}"
    assert response.header("date"), "no Date header"
    assert response.header("x-content-type-options") == "nosniff"
    if response.status in (429, 503):
        retry = response.header("retry-after")
        assert retry and retry.isdigit() and int(retry) >= 1, f"Retry-After: {retry!r} on {response.status}"
    if response.status == 405:
        assert response.header("allow"), "405 without Allow"
    if head_only or response.status == 204:
        assert response.body == b""
        return
    content_type = response.header("content-type", "")
    if response.status >= 400:
        assert content_type == "application/json; charset=utf-8", f"Content-Type {content_type!r} on {response.status}"
    if not content_type.startswith("application/json"):
        return
    value = response.json()
    if response.status < 400:
        if isinstance(value, dict):
            assert value.get("status") != "error", "a success says error"
        return
    assert response.header("cache-control") == "no-store"
    _check_failure(response, value)


def _check_failure(response, value):
    assert isinstance(value, dict) and value.get("status") == "error", value
    code = value.get("code")
    assert code in ERRORS, f"code {code!r} is not in the catalogue"
    status, message = ERRORS[code]
    assert status == response.status, f"{code} came with {response.status}, the catalogue says {status}"
    assert isinstance(value.get("message"), str) and value["message"]
    if message is not None and value["message"] != value.get("error"):
        assert value["message"] == message, f"message {value['message']!r}, the catalogue says {message!r}"
    assert isinstance(value.get("error"), str) and value["error"].strip(), "no error sentence"
    assert value.get("request_id") == response.header("x-request-id"), "request_id differs from x-request-id"
    if "hint" in value:
        assert isinstance(value["hint"], str) and value["hint"].strip(), "an empty hint"
    assert isinstance(value.get("data"), dict), "no data object in a failure"
    unknown = set(value) - {"status", "code", "message", "error", "request_id", "hint", "data"}
    assert not unknown, f"members that a failure does not have: {unknown}"
    leak = _LEAKS.search(response.text)
    assert not leak, f"the failure tells {leak.group(0)!r}"
