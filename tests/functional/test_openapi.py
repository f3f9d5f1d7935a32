"""The documents: openapi.yaml is valid and describes the routes of the program, no more and no less; what is served is what stands in
the tree; the reference page asks for nothing; HEAD answers as GET; failures are the catalogue's; each example works.

That replies are of their schemas is checked by the case runner, on every case (athena_testing/openapi.py)."""
import html.parser
import re
import uuid

import jsonschema
import pytest
import yaml

from athena_testing import openapi
from athena_testing.gateway import ADMIN_KEY, ROOT, Gateway, run_command

ADMIN = {"X-Athena-Admin-Key": ADMIN_KEY}
METHODS = openapi.METHODS


@pytest.fixture(scope="module")
def sample():
    gateway = Gateway({}, command="dev", arguments=("--log-level", "info"))
    yield gateway
    gateway.close()


@pytest.fixture(scope="module")
def document():
    return openapi.load()


def operations(document):
    return [(path, method, operation) for path, item in document["paths"].items() for method, operation in item.items() if method in METHODS]


def references(value):
    if isinstance(value, dict):
        for key, one in value.items():
            yield from [one] if key == "$ref" else references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def listed(gateway):
    return {route["path"]: {method.lower() for method in route["methods"]} for route in gateway.request("GET", "/").json()["routes"]}


# -- the description and the program ------------------------------------------------------------------------------------

def test_every_route_is_described_and_nothing_else(gateway, document):
    described = {}
    for path, method, _ in operations(document):
        described.setdefault(path, set()).add(method)
    assert described == listed(gateway)


def test_the_routes_are_sorted_and_listed_once(gateway):
    paths = [route["path"] for route in gateway.request("GET", "/").json()["routes"]]
    assert paths == sorted(paths) and len(set(paths)) == len(paths)


def test_a_route_has_the_summary_of_its_description(gateway, document):
    summaries = {route["path"]: route["summary"] for route in gateway.request("GET", "/").json()["routes"]}
    for path, item in document["paths"].items():
        assert summaries[path] in {operation["summary"] for operation in item.values()}, path


@pytest.mark.parametrize("name", ["openapi.yaml", "openapi-wss.yaml"])
def test_the_version_is_the_programs(gateway, name):
    version = openapi.load(name)["info"]["version"]
    assert version == gateway.request("GET", "/").json()["version"]
    assert version in run_command("version").stdout


def test_failures_are_those_of_the_catalogue(gateway, document):
    catalogue = {}
    for entry in gateway.request("GET", "/admin/errors/catalog", ADMIN).json()["data"]["errors"]:
        catalogue.setdefault(str(entry["http_status"]), set()).add(entry["code"])
    seen = {}
    for path, method, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                resolved = openapi.description().resolve(response)
                codes = set(resolved["content"]["application/json"]["schema"]["allOf"][1]["properties"]["code"]["enum"])
                assert codes == catalogue[status], f"{method} {path} {status}"
                seen[status] = response
    assert set(catalogue) - set(seen) <= {"429", "499"}, "no route can answer these yet: too many requests, caller has left"


# -- the description itself ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["openapi.yaml", "openapi-wss.yaml"])
def test_the_description_is_well_formed(name):
    document = openapi.load(name)
    assert document["openapi"].startswith("3.1.")
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    described = openapi.Description.__new__(openapi.Description)
    described.document = document
    for reference in references(document):
        described.target(reference)
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for path, _, operation in operations(document):
        assert operation["summary"] and operation["responses"], path
        parameters = [described.target(one["$ref"]) if "$ref" in one else one for one in operation.get("parameters", ())]
        assert {one["name"] for one in parameters if one["in"] == "path"} == set(re.findall(r"\{(\w+)\}", path)), path
        assert all(one["required"] is True for one in parameters if one["in"] == "path"), path
        keys = [(one["in"], one["name"].lower()) for one in parameters]
        assert len(set(keys)) == len(keys), f"{path}: a parameter is described twice"


def test_no_component_is_unused(document):
    used = set(references(document))
    for kind in ("parameters", "headers", "responses", "schemas"):
        for name in document["components"][kind]:
            assert f"#/components/{kind}/{name}" in used, f"{kind}/{name}"
    tags = {tag for _, _, operation in operations(document) for tag in operation["tags"]}
    assert tags == {tag["name"] for tag in document["tags"]}


def keywords(value, path=()):
    """Words that no JSON Schema has: what a comma in an unquoted text turns into."""
    if isinstance(value, dict):
        for key, one in value.items():
            if one is None and not {"example", "examples", "value"} & set(path):
                yield path + (key,)
            yield from keywords(one, path + (str(key),))
    elif isinstance(value, list):
        for one in value:
            yield from keywords(one, path)


@pytest.mark.parametrize("name", ["openapi.yaml", "openapi-wss.yaml"])
def test_no_text_is_cut_by_yaml(name):
    assert not list(keywords(openapi.load(name)))


def test_examples_of_schemas_are_of_their_schema(document):
    described = openapi.description()
    for name, schema in document["components"]["schemas"].items():
        if "example" in schema:
            jsonschema.Draft202012Validator(described.resolve(schema)).validate(schema["example"])


EXAMPLES = [pytest.param(path, method, name, example["value"], id=f"{method}{path}-{name}")
            for path, method, operation in operations(openapi.load())
            for name, example in operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("examples", {}).items()
            if not name.startswith("postgresql")]


def with_parameters(gateway, path):
    """The path with something that is there in place of its parameters: a backend, or a key, right or client made for it."""
    if "{id}" in path:
        kind = path.split("/")[2]
        made = gateway.request("POST", f"/admin/{kind}", ADMIN, {"name": f"example-{uuid.uuid4().hex}"}).json()["data"]
        path = path.replace("{id}", made["record" if kind == "api-keys" else "right"]["id"])
    if "{client_name}" in path:
        name = f"example-{uuid.uuid4().hex}"
        made = gateway.request("POST", "/admin/clients", ADMIN, {"client_name": name, "engine": "sqlite", "connection": {"path": "example.db"}})
        assert made.status == 201, made
        path = path.replace("{client_name}", name)
    return path.replace("{client}", "local")


@pytest.mark.parametrize("path, method, name, body", EXAMPLES)
def test_the_example_works(sample, path, method, name, body):
    schema = openapi.load()["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
    described = openapi.description()
    jsonschema.Draft202012Validator(described.resolve(schema)).validate(body)
    headers = {"X-Athena-Client": "local", "X-Company-Id": "c1", "X-Organization-Id": "o1"}
    if path.startswith("/admin"):
        headers.update(ADMIN)
    target = with_parameters(sample, path)
    response = sample.request(method.upper(), target, headers, body)
    if path.endswith("/offline"):
        sample.request("POST", target.replace("/offline", "/reset"), headers)
    assert response.status in (200, 201), response
    described.check(method.upper(), target, response)


# -- the checker can fail -----------------------------------------------------------------------------------------------

class Reply:
    def __init__(self, status, text, content_type="application/json; charset=utf-8", headers=()):
        self.status, self.text, self.body = status, text, text.encode()
        self.headers = {"content-type": content_type, "x-request-id": "r1", **dict(headers)}

    def header(self, name, default=None):
        return self.headers.get(name.lower(), default)


@pytest.mark.parametrize("reply, word", [
    (Reply(200, '{"status":"ok","more":1}'), "more"),
    (Reply(200, '{"status":"fine"}'), "status"),
    (Reply(200, "{}"), "status"),
    (Reply(200, "ok", "text/plain"), "text/plain"),
    (Reply(201, '{"status":"ok"}'), "201"),
    (Reply(404, "{}"), "404"),
    (Reply(503, '{"status":"error"}', headers={"retry-after": "1"}), "required"),
    (Reply(503, '{"status":"error","code":"not_found","message":"m","error":"e","request_id":"r","data":{}}', headers={"retry-after": "1"}), "code"),
    (Reply(503, '{"status":"error","code":"overloaded","message":"m","error":"e","request_id":"r","data":{}}'), "Retry-After"),
])
def test_a_reply_that_is_not_documented_is_noticed(reply, word):
    with pytest.raises(AssertionError, match=word):
        openapi.description().check("GET", "/live", reply)


@pytest.mark.parametrize("target, path", [
    ("/gateway/fetch", "/gateway/fetch"), ("/db/fetch", "/gateway/fetch"), ("/db/gateway/fetch?x=1", "/gateway/fetch"), ("/rpc/a.b", "/rpc/{function}"),
    ("/db", "/"), ("/", "/"), ("/db/", "/"), ("/ping/", "/ping"), ("/docs", "/docs"), ("/docs/", "/docs/"), ("/db/docs/", "/docs/"),
    ("/rpc/a/b", None), ("/nothing", None), ("/db/db/ping", None), ("/docs/x", None)])
def test_targets_are_told_apart(target, path):
    assert openapi.description().find(target) == path


# -- what is served -----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["openapi.yaml", "openapi-wss.yaml"])
def test_the_document_is_served_as_it_stands_in_the_tree(gateway, name):
    response = gateway.request("GET", f"/{name}")
    assert response.body == (ROOT / "openapi" / name).read_bytes()
    assert response.header("content-type") == "application/yaml; charset=utf-8"
    assert "no-store" not in response.header("cache-control")
    yaml.safe_load(response.text)


@pytest.mark.parametrize("target", ["/openapi.yaml", "/openapi-wss.yaml", "/docs/"])
def test_a_document_is_sent_once(gateway, target):
    response = gateway.request("GET", target)
    tag = response.header("etag")
    assert re.fullmatch(r'W/"[0-9a-f]{32}"', tag)
    for sent in (tag, tag[2:], f'"other", {tag}', "*"):
        for method in ("GET", "HEAD"):
            again = gateway.request(method, target, {"If-None-Match": sent})
            assert (again.status, again.body, again.header("etag")) == (304, b"", tag), sent
            assert again.header("cache-control") == response.header("cache-control")
            assert again.header("content-length") is None and again.header("content-type") is None
    for sent in ('"other"', tag[2:-1], "", tag.upper()):
        assert gateway.request("GET", target, {"If-None-Match": sent}).status == 200, sent


def test_the_tag_changes_with_the_document(gateway):
    tags = {gateway.request("GET", target).header("etag") for target in ("/openapi.yaml", "/openapi-wss.yaml", "/docs/")}
    assert len(tags) == 3


@pytest.mark.parametrize("target", [path for path, item in openapi.load()["paths"].items() if "get" in item])
@pytest.mark.parametrize("prefix", ["", "/db"])
def test_head_answers_as_get(gateway, target, prefix):
    target = prefix + target.replace("{function}", "x").replace("{api_registry_id}", "01939f0e-6a1c-7cc1-9b1e-0c7f0a5d1f20")
    headers = {"X-Athena-Client": "lite", "X-Request-Id": "r1", **ADMIN}
    get, head = (gateway.request(method, target, headers) for method in ("GET", "HEAD"))
    changing = {"date", "content-length"} if target.endswith(("/metrics", "/data", "/backends", "/health", "/capabilities")) else {"date"}

    def of(response):
        return [pair for pair in response.headers if pair[0] not in changing]
    assert (head.status, of(head)) == (get.status, of(get))
    assert head.body == b""


# -- the reference page -------------------------------------------------------------------------------------------------

class Page(html.parser.HTMLParser):
    VOID = {"meta", "link", "input", "br", "hr", "img"}

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.identities, self.links, self.outside, self.open, self.raw = [], [], [], [], {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in self.VOID:
            self.open.append(tag)
        if "id" in attributes:
            self.identities.append(attributes["id"])
        if tag == "a":
            self.links.append(attributes["href"])
        else:
            self.outside += [attributes[name] for name in ("src", "href", "action", "srcset", "data") if name in attributes]
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> ends nothing"

    def handle_data(self, data):
        if self.open and self.open[-1] in ("script", "style"):
            self.raw[self.open[-1]] = self.raw.get(self.open[-1], "") + data


@pytest.fixture(scope="module")
def page(world):
    return Page(world.gateway().request("GET", "/docs/").text)


def test_the_page_is_whole(page, document):
    assert not page.open, "elements are not ended"
    assert len(set(page.identities)) == len(page.identities)
    for link in page.links:
        assert link in ("/openapi.yaml", "/openapi-wss.yaml") or link.startswith("#") and link[1:] in page.identities, link
    for _, _, operation in operations(document):
        assert any(identity == "route-" + re.sub("[^a-z0-9]+", "-", operation["operationId"].lower()) for identity in page.identities), operation["operationId"]
    for name in document["components"]["schemas"]:
        assert f"#schema-{name.lower()}" in page.links, name


def test_the_page_asks_for_nothing(page):
    assert page.outside == ["data:,"]
    for source in page.raw.values():
        assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttp|import\(", source)


def test_the_policy_allows_the_pages_own_style_and_script(gateway, page):
    import base64
    import hashlib
    response = gateway.request("GET", "/docs/")
    assert response.header("content-type") == "text/html; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in response.header("content-security-policy").split(";"))
    assert policy["default-src"] == "'none'" and policy["frame-ancestors"] == "'none'" and policy["base-uri"] == "'none'"
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.raw[kind].encode()).digest()).decode()
        assert policy[f"{kind}-src"] == f"'sha256-{digest}'"


def test_the_page_is_where_the_redirect_leads(gateway, start_gateway):
    assert gateway.request("GET", "/docs").header("location") == "/docs/"
    elsewhere = start_gateway({"api": {"docs_url": "https://docs.example.com/athena"}})
    response = elsewhere.request("GET", "/docs")
    assert (response.status, response.header("location"), response.body) == (308, "https://docs.example.com/athena", b"")
    assert elsewhere.request("GET", "/docs/").status == 200
