"""The error catalogue that the program serves is the documented one."""
from athena_testing.catalogue import ERRORS
from athena_testing.gateway import ADMIN_KEY


def test_the_served_catalogue_is_the_documented_one(gateway):
    response = gateway.request("GET", "/admin/errors/catalog", {"X-Athena-Admin-Key": ADMIN_KEY})
    assert response.status == 200, response
    served = {entry["code"]: entry for entry in response.json()["data"]["errors"]}
    codes = list(served)
    assert codes == sorted(codes), "sorted by code"
    for code, (status, message) in ERRORS.items():
        if code == "plan_too_expensive" or code == "idempotency_conflict":
            continue  # of features that come later
        assert code in served, code
        assert served[code]["http_status"] == status, code
        if message is not None:
            assert served[code]["title"] == message, code
    for code, entry in served.items():
        assert entry["description"] and isinstance(entry["retryable"], bool), code
