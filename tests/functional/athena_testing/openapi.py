"""Holds replies against openapi/openapi.yaml: the status must be documented for the route, the body must be of its schema. The case
runner does so for every reply of every case."""
import functools
import json
import re

import jsonschema
import yaml

from .gateway import ROOT

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_ALIASES = ("fetch", "insert", "update", "delete", "data", "query", "sql", "rpc")


def load(name="openapi.yaml"):
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((ROOT / "openapi" / name).read_text(), Loader=loader)


class Description:
    """A description with its references resolved and its schemas compiled once each."""

    def __init__(self, document):
        self.document = document
        self.paths = document["paths"]
        self._patterns = [(re.compile(re.sub(r"\\\{[^/]+?\\\}", "[^/]+", re.escape(path)) + "$"), path) for path in self.paths if "{" in path]
        self._resolved = {}
        self._validators = {}
        self._failure = jsonschema.Draft202012Validator(self.resolve(document["components"]["schemas"]["Failure"]))

    def resolve(self, value):
        """The value with every reference replaced by what it names. What refers to itself has no place in replies."""
        if isinstance(value, dict):
            if "$ref" in value:
                name = value["$ref"]
                if name not in self._resolved:
                    self._resolved[name] = self.resolve(self.target(name))
                return self._resolved[name]
            return {key: self.resolve(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.resolve(one) for one in value]
        return value

    def target(self, reference):
        value = self.document
        for part in reference[2:].split("/"):
            value = value[part.replace("~1", "/").replace("~0", "~")]
        return value

    def find(self, target):
        """The documented path that a request target means, or None."""
        path = re.sub(r"^[a-z]+://[^/?]*", "", target).split("?")[0] or "/"
        keeps_slash = path.startswith(("/docs/", "/db/docs/"))
        if len(path) > 1 and path.endswith("/") and not keeps_slash:
            path = path[:-1]
        found = self._exact(path)
        if found is None and path == "/db":
            return "/"
        if found is None and path.startswith("/db/"):
            found = self._exact(path[3:])
            if path.split("/")[2] in _ALIASES and (found is None or found == "/data"):
                found = self._exact("/gateway" + path[3:]) or found
        return found

    def _exact(self, path):
        if path in self.paths:
            return path
        return next((name for pattern, name in self._patterns if pattern.match(path)), None)

    def operation(self, method, target):
        path = self.find(target)
        if path is None:
            return None
        item = self.paths[path]
        method = {"HEAD": "get"}.get(method, method.lower())
        if path == "/gateway/data" and method in ("get", "head"):
            item = self.paths["/data"]  # GET /db/data
        return item.get(method)

    def check(self, method, target, response):
        """Raises AssertionError when the reply is not documented."""
        operation = self.operation(method, target)
        if operation is None:
            self.check_unrouted(method, response)
            return
        documented = operation["responses"].get(str(response.status))
        assert documented is not None, f"{operation['operationId']}: the status {response.status} is not documented"
        key = (operation["operationId"], response.status)
        if key not in self._validators:
            resolved = self.resolve(documented)
            self._validators[key] = (resolved, {media: jsonschema.Draft202012Validator(content["schema"])
                                                for media, content in resolved.get("content", {}).items()})
        resolved, validators = self._validators[key]
        for name, header in resolved.get("headers", {}).items():
            assert response.header(name) is not None or not header.get("required"), f"{key}: no header {name}"
        if method == "HEAD":
            return
        if not validators:
            assert not response.body, f"{key}: a body that is not documented"
            return
        media = response.header("content-type", "").split(";")[0]
        assert media in validators, f"{key}: the type {media!r} is not documented"
        value = response.text if media != "application/json" else json.loads(response.text)
        self._assert_valid(validators[media], value, str(key))

    def check_unrouted(self, method, response):
        """A reply that belongs to no operation: unknown path, other method, OPTIONS, bytes that are no request."""
        if response.status < 400 or method == "HEAD":
            return
        self._assert_valid(self._failure, json.loads(response.text), f"{response.status}")

    @staticmethod
    def _assert_valid(validator, value, what):
        error = jsonschema.exceptions.best_match(validator.iter_errors(value))
        assert error is None, f"{what}: the reply is not of its schema, at {error.json_path}: {error.message[:600]}"


@functools.lru_cache(None)
def description():
    return Description(load())


def check(request, response):
    """`request` is (method, target), or None where it could not be told which of several it was."""
    if request is None:
        description().check_unrouted("GET", response)
    else:
        description().check(*request, response)
