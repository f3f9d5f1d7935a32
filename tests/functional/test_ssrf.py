"""Targets that callers name: what must be refused, whatever is listed, and that nothing is connected to, repeated or told."""
import socket
import threading
import time

import pytest

from athena_testing import invariants
from athena_testing.gateway import ADMIN_KEY

BODY = {"table_name": "people", "limit": 1}
PRIVATE = [
    "127.0.0.1", "127.0.0.1.", "127.1.2.3", "0.0.0.0", "10.1.2.3", "100.64.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.254",
    "192.0.0.8", "192.168.1.1", "198.18.0.1", "198.19.255.255", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[fc00::1]", "[fd12::1]", "[fe80::1]", "[ff02::1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:169.254.169.254]", "[::127.0.0.1]", "[::ffff:0:10.0.0.1]",
    "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[64:ff9b::7f00:1]", "[64:ff9b::169.254.169.254]", "[64:ff9b:1::808:808]",
    "localhost", "LOCALHOST.", "%6cocalhost", "127%2E0.0.1",
]
NUMBERS = ["2130706433", "0x7f000001", "0X7F.1", "0x7f.0.0.1", "127.1", "127.0.1", "0177.0.0.1", "017700000001", "127.0.0.0x1",
           "127.0.0.01", "0", "1.2.3.4.5", "256.0.0.1", "2852039166", "2130706433."]
NO_NAMES = ["a..b", "-%20-", "b%C3%BC.example", "[fe80::1%25eth0]", "[127.0.0.1]", "[::1%25lo]", "a%5Cb", "example.com%23", "a%40b",
            "%EF%BC%91"]


@pytest.fixture(scope="module")
def enforced(databases):
    """A gateway that asks for keys, so that an empty allow-list lets every public host in."""
    from athena_testing import runner
    from athena_testing.gateway import Gateway
    from conftest import base_config
    gateway = Gateway(runner.merge(base_config(databases), {"api": {"bind": "0.0.0.0"}}), wait=False)
    wait_listening(gateway)
    yield gateway
    gateway.close()


def wait_listening(gateway):
    end = time.monotonic() + 20
    while "Listening on http://0.0.0.0:" not in gateway.log():
        assert gateway.process.poll() is None and time.monotonic() < end, gateway.log()
        time.sleep(0.01)
    gateway.port = int(gateway.log().split("Listening on http://0.0.0.0:")[1].split()[0])


def direct(gateway, host, port=5432, headers=(), target="/gateway/fetch"):
    response = gateway.request("POST", target, [("x-pg-uri", f"postgres://u:TOPSECRET@{host}:{port}/d"),
                                                ("X-Athena-Key", ADMIN_KEY), *headers], BODY)
    invariants.check(response)
    assert "TOPSECRET" not in response.text
    return response


@pytest.mark.parametrize("host", PRIVATE)
def test_private_addresses_are_refused(enforced, host):
    response = direct(enforced, host)
    assert (response.status, response.code) == (403, "target_not_allowed"), response
    assert response.json()["error"] == "The host of x-pg-uri is not allowed: private address."
    assert response.json()["data"]["details"] == {"rule": "private_address"}


@pytest.mark.parametrize("host", NUMBERS)
def test_other_forms_of_addresses_are_refused(enforced, host):
    response = direct(enforced, host)
    assert (response.status, response.code) == (403, "target_not_allowed"), response
    assert response.json()["data"]["details"] == {"rule": "number_form"}


@pytest.mark.parametrize("host", NO_NAMES)
def test_what_is_no_host_is_refused(enforced, host):
    response = direct(enforced, host)
    assert (response.status, response.code) == (403, "target_not_allowed"), response
    assert response.json()["data"]["details"] == {"rule": "bad_name"}


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_listing_does_not_make_an_address_public(start_gateway, host):
    gateway = start_gateway({"gateway": {"jdbc_allowed_hosts": [host.strip("[]")]}})
    response = direct(gateway, host)
    assert response.json()["data"]["details"] == {"rule": "private_address"}, response


def test_only_what_is_listed(start_gateway):
    gateway = start_gateway({"gateway": {"jdbc_allowed_hosts": ["example.com", "127.0.0.1"], "jdbc_allow_private_hosts": True}})
    for host in ("example.org", "badexample.com", "example.com.evil.org", "127.0.0.2", "[::ffff:127.0.0.1]", "localhost", "8.8.8.8"):
        assert direct(gateway, host).json()["data"]["details"] == {"rule": "not_listed"}, host
    for host in NUMBERS:
        assert direct(gateway, host).json()["data"]["details"] == {"rule": "number_form"}, host
    assert direct(gateway, "127.0.0.1", 1).code == "backend_unreachable"
    assert gateway.metric("athena_direct_rejected_total", reason="not_listed") == 7
    assert gateway.metric("athena_direct_rejected_total", reason="number_form") == len(NUMBERS)


def test_refused_targets_are_never_connected_to(enforced):
    """A listener on 127.0.0.1 and [::1] that nobody may reach."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    reached = []

    def accept():
        try:
            while True:
                reached.append(listener.accept()[1])
        except OSError:
            pass
    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    for host in ("127.0.0.1", "localhost", "0.0.0.0", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "[::1]", "127.1", "0177.0.0.1"):
        assert direct(enforced, host, port).code == "target_not_allowed"
    time.sleep(0.2)
    listener.close()
    assert not reached


def test_without_a_key_the_policy_is_not_even_asked(enforced):
    for headers in ([], [("X-Athena-Key", "wrong")]):
        response = enforced.request("POST", "/gateway/fetch", [("x-pg-uri", "postgres://u@127.0.0.1/d"), *headers], BODY)
        assert response.status == 401, response
        response = enforced.request("POST", "/gateway/fetch", [("x-pg-uri", "postgres://u@127.0.0.1/d"), *headers], "{broken")
        assert response.status == 401, response


def test_the_refusal_tells_no_address(enforced):
    response = direct(enforced, "localhost")
    for text in ("127.0.0.1", "::1", "localhost"):
        assert text not in response.text


def test_unresolvable_names(enforced):
    response = direct(enforced, "no-such-host.invalid")
    assert (response.status, response.code) == (503, "backend_unreachable"), response
    assert "no-such-host" not in response.text and response.header("Retry-After")


@pytest.mark.parametrize("target", ["/gateway/insert", "/gateway/update", "/gateway/delete", "/gateway/query", "/gateway/rpc/f",
                                    "/rpc/f", "/gateway/data"])
def test_every_route_has_the_policy(enforced, target):
    body = {"table_name": "people", "insert_body": {"id": 1}, "update_body": {"id": 1}, "conditions": [{"column": "id", "value": 1}],
            "query": "SELECT 1", "args": {}}
    response = enforced.request("POST", target, [("x-pg-uri", "postgres://u@127.0.0.1/d"), ("X-Athena-Key", ADMIN_KEY),
                                                 ("X-Company-Id", "c"), ("X-Organization-Id", "o")], body)
    assert (response.status, response.code) == (403, "target_not_allowed"), response
