#!/usr/bin/env python3
"""Makes the API reference, one HTML page without any outside resource, of openapi/openapi.yaml.

    tools/docs_page.py openapi.yaml page.html page.policy

The second file gets the Content-Security-Policy that allows this page's own style and script, by their hashes, and nothing else."""
import base64
import hashlib
import html
import json
import pathlib
import re
import sys

import yaml

METHODS = ("get", "post", "put", "patch", "delete")


def text(value):
    """Escaped, with `code`, **bold**, *emphasis* and paragraphs."""
    out = []
    for paragraph in re.split(r"\n\s*\n", str(value).strip()):
        escaped = html.escape(" ".join(paragraph.split()), quote=False)
        parts = re.split(r"(`[^`]*`)", escaped)
        for index, part in enumerate(parts):
            if index % 2:
                parts[index] = f"<code>{part[1:-1]}</code>"
            else:
                part = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", part)
                parts[index] = re.sub(r"\*(.+?)\*", r"<em>\1</em>", part)
        out.append("".join(parts))
    return out


def inline(value):
    return " ".join(text(value)) if value else ""


def paragraphs(value):
    return "".join(f"<p>{part}</p>" for part in text(value)) if value else ""


def shown(value):
    """A JSON value as a reader likes it: short things on one line."""
    return html.escape(pretty(value), quote=False)


def pretty(value, depth=0):
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + 2 * depth <= 78 or not isinstance(value, (dict, list)):
        return flat
    pad = "  " * (depth + 1)
    if isinstance(value, dict):
        inner = [f"{pad}{json.dumps(name)}: {pretty(one, depth + 1)}" for name, one in value.items()]
        return "{\n" + ",\n".join(inner) + "\n" + "  " * depth + "}"
    return "[\n" + ",\n".join(pad + pretty(one, depth + 1) for one in value) + "\n" + "  " * depth + "]"


def anchor(*parts):
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


class Page:
    def __init__(self, document):
        self.document = document

    def resolve(self, value):
        while isinstance(value, dict) and "$ref" in value:
            target = self.document
            for part in value["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            value = target
        return value

    # -- schemas --------------------------------------------------------------------------------------------------
    def type_of(self, schema):
        """One line that says what a value may be, with links to named schemas."""
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            return f'<a href="#{anchor("schema", name)}">{name}</a>'
        for key in ("oneOf", "anyOf"):
            if key in schema:
                return " or ".join(self.type_of(one) for one in schema[key])
        if "allOf" in schema:
            return self.type_of(schema["allOf"][0])
        if "const" in schema:
            return f"<code>{shown(schema['const'])}</code>"
        if "enum" in schema:
            return " ".join(f"<code>{shown(one)}</code>" for one in schema["enum"])
        types = schema.get("type", "any")
        words = []
        for one in types if isinstance(types, list) else [types]:
            if one == "array":
                one = "array of " + (self.type_of(schema["items"]) if "items" in schema else "any")
            words.append(one)
        line = " or ".join(words)
        limits = []
        for key, word in (("minimum", "≥"), ("maximum", "≤"), ("minLength", "length ≥"), ("maxLength", "length ≤"), ("maxItems", "items ≤")):
            if key in schema:
                limits.append(f"{word} {schema[key]}")
        if "format" in schema:
            limits.append(schema["format"])
        if "default" in schema:
            limits.append(f"default <code>{shown(schema['default'])}</code>")
        return line + (f' <span class="limits">{", ".join(limits)}</span>' if limits else "")

    def members(self, schema, depth=0):
        """The members of an object as a list; inline objects are opened, named ones linked."""
        schema_here = schema
        properties = schema_here.get("properties")
        if not properties:
            return ""
        required = set(schema_here.get("required", ()))
        out = ['<ul class="members">']
        for name, member in properties.items():
            inner = member
            if inner.get("type") == "array" and "$ref" not in inner.get("items", {}):
                inner = inner.get("items", {})
            nested = self.members(inner, depth + 1) if "$ref" not in inner and depth < 6 else ""
            star = '<b title="required">*</b>' if name in required else ""
            about = inline(member.get("description"))
            out.append(f"<li><code>{html.escape(name)}</code>{star} <span>{self.type_of(member)}</span>"
                       f"{f' – {about}' if about else ''}{nested}</li>")
        out.append("</ul>")
        return "".join(out)

    def schema_section(self, name, schema):
        body = paragraphs(schema.get("description"))
        if schema.get("properties"):
            body += self.members(schema)
        else:
            body += f"<p>{self.type_of(schema)}</p>"
        if "example" in schema:
            body += f"<pre>{shown(schema['example'])}</pre>"
        return (f'<section class="schema" id="{anchor("schema", name)}" data-find="{html.escape(name.lower())}">'
                f"<h3>{html.escape(name)}</h3>{body}</section>")

    # -- operations -----------------------------------------------------------------------------------------------
    def parameters(self, operation):
        rows = []
        for parameter in map(self.resolve, operation.get("parameters", ())):
            star = '<b title="required">*</b>' if parameter.get("required") else ""
            rows.append(f'<li><code>{html.escape(parameter["name"])}</code>{star} <span>{parameter["in"]}, '
                        f'{self.type_of(parameter["schema"])}</span> {inline(parameter.get("description"))}</li>')
        return f'<h4>Parameters</h4><ul class="members">{"".join(rows)}</ul>' if rows else ""

    def command(self, path, method, operation, example=None):
        """A curl line that does it."""
        query, headers = [], []
        for parameter in map(self.resolve, operation.get("parameters", ())):
            if "example" not in parameter:
                continue
            value = parameter["example"]
            if parameter["in"] == "header":
                headers.append(f"-H '{parameter['name']}: {value}'")
            elif parameter["in"] == "path":
                path = path.replace("{" + parameter["name"] + "}", str(value))
            elif isinstance(value, dict):
                query += [f"{name}={one}" for name, one in value.items()]
            else:
                query += [f"{parameter['name']}={one}" for one in (value if isinstance(value, list) else [value])]
        if any("adminKey" in one for one in operation.get("security", ())) and {} not in operation.get("security", ()):
            headers.append("-H 'X-Athena-Admin-Key: …'")
        line = "curl -s"
        if method not in ("get", "post") or (method == "post" and example is None):
            line += f" -X {method.upper()}"
        target = "http://localhost:4052" + path + ("?" + "&".join(query) if query else "")
        line += f" '{target}'" if query else f" {target}"
        line += "".join(" " + header for header in headers)
        if example is not None:
            body = json.dumps(example, ensure_ascii=False).replace("'", "'\\''")
            line += f" \\\n -d '{body}'"
        return f"<pre>{html.escape(line, quote=False)}</pre>"

    def body(self, path, method, operation):
        request = self.resolve(operation.get("requestBody", {}))
        if not request:
            return f"<h4>Example</h4>{self.command(path, method, operation)}" if method == "get" else ""
        media = request["content"]["application/json"]
        schema = media["schema"]
        out = [f'<h4>Body</h4><p>{self.type_of(schema)}{"" if request.get("required") else ", optional"}</p>']
        out.append(f"<details><summary>Members</summary>{self.members(self.resolve(schema))}</details>"
                   if self.resolve(schema).get("properties") else "")
        for example in media.get("examples", {}).values():
            out.append(f"<h4>{inline(example.get('summary', 'Example'))}</h4>{self.command(path, method, operation, example['value'])}")
        return "".join(out)

    def responses(self, operation):
        good, bad = [], []
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                bad.append(f'<a class="bad" href="#failure-{status}">{status}</a>')
                continue
            response = self.resolve(response)
            forms = [f"{media}: {self.type_of(content['schema'])}" if media == "application/json" else media
                     for media, content in response.get("content", {}).items()]
            good.append(f'<li><b class="good">{status}</b> {inline(response["description"])}'
                        f'{"<br>" if forms else ""}<span>{"<br>".join(forms)}</span></li>')
        return f'<h4>Replies</h4><ul class="replies">{"".join(good)}<li>Failures: {" ".join(bad)}</li></ul>'

    def failures(self):
        """The statuses of failures with their codes, once for all routes."""
        found = {status: self.resolve(response) for item in self.document["paths"].values() for operation in item.values()
                 for status, response in operation["responses"].items() if int(status) >= 400}
        out = []
        for status, response in sorted(found.items()):
            codes = response["content"]["application/json"]["schema"]["allOf"][1]["properties"]["code"]["enum"]
            out.append(f'<section class="schema" id="failure-{status}" data-find="{status} {" ".join(codes)}"><h3>'
                       f'<span class="bad">{status}</span> {inline(response["description"])}</h3>'
                       f'<p>{" ".join(f"<code>{code}</code>" for code in codes)}</p></section>')
        return "".join(out)

    def operation_section(self, path, method, operation):
        find = " ".join((method, path, operation["summary"], operation["operationId"])).lower()
        return (f'<section class="operation" id="{anchor("route", operation["operationId"])}" data-find="{html.escape(find)}">'
                f'<h3><span class="method {method}">{method.upper()}</span> <code>{html.escape(path)}</code></h3>'
                f'<p class="summary">{inline(operation["summary"])}</p>{paragraphs(operation.get("description"))}'
                f"{self.parameters(operation)}{self.body(path, method, operation)}{self.responses(operation)}</section>")

    # -- the page -------------------------------------------------------------------------------------------------
    def render(self, style, script):
        info = self.document["info"]
        navigation, content = [], []
        for tag in self.document["tags"]:
            links, sections = [], []
            for path, item in self.document["paths"].items():
                for method in METHODS:
                    operation = item.get(method)
                    if operation is None or tag["name"] not in operation["tags"]:
                        continue
                    section = self.operation_section(path, method, operation)
                    sections.append(section)
                    find = re.search(r'data-find="([^"]*)"', section).group(1)
                    links.append(f'<li data-find="{find}"><a href="#{anchor("route", operation["operationId"])}"><span class="method {method}">'
                                 f"{method.upper()}</span> {html.escape(path)}</a></li>")
            identity = anchor("tag", tag["name"])
            navigation.append(f'<div><h2><a href="#{identity}">{tag["name"]}</a></h2><ul>{"".join(links)}</ul></div>')
            content.append(f'<div class="group" id="{identity}"><h2>{tag["name"]}</h2>{paragraphs(tag.get("description"))}'
                           f'{"".join(sections)}</div>')
        navigation.append('<div><h2><a href="#failures">Failures</a></h2></div>')
        content.append(f'<div class="group" id="failures"><h2>Failures</h2><p>Every failure is a <a href="#schema-failure">Failure</a> '
                       f"with one of these codes.</p>{self.failures()}</div>")
        schemas = sorted(self.document["components"]["schemas"].items())
        links = "".join(f'<li data-find="{name.lower()}"><a href="#{anchor("schema", name)}">{name}</a></li>' for name, _ in schemas)
        navigation.append(f'<div><h2><a href="#schemas">Schemas</a></h2><ul>{links}</ul></div>')
        content.append('<div class="group" id="schemas"><h2>Schemas</h2>'
                       + "".join(self.schema_section(name, schema) for name, schema in schemas) + "</div>")
        return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{html.escape(info["title"])} {html.escape(info["version"])} – API reference</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<header>
<a class="title" href="#top">{html.escape(info["title"])} <small>{html.escape(info["version"])}</small></a>
<input id="find" type="search" placeholder="Find a route or schema" aria-label="Find a route or schema" autocomplete="off">
<button id="theme" type="button" title="Light or dark" aria-label="Light or dark">◐</button>
</header>
<nav id="nav" aria-label="Routes and schemas">{"".join(navigation)}</nav>
<main id="top">
<h1>API reference</h1>
<p class="summary">{inline(info.get("summary"))}</p>
{paragraphs(info.get("description"))}
<p>The same as a document: <a href="/openapi.yaml">openapi.yaml</a>; the WebSocket gateway: <a href="/openapi-wss.yaml">openapi-wss.yaml</a>.</p>
<p id="nothing" hidden>Nothing is called so.</p>
{"".join(content)}
</main>
<script>{script}</script>
</body>
</html>
"""


def source_hash(source):
    return "'sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode() + "'"


def main():
    source, page, policy = map(pathlib.Path, sys.argv[1:4])
    beside = source.parent
    style = (beside / "page.css").read_text().strip()
    script = (beside / "page.js").read_text().strip()
    document = yaml.load(source.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    page.write_text(Page(document).render(style, script))
    policy.write_text(f"default-src 'none'; style-src {source_hash(style)}; script-src {source_hash(script)}; img-src data:; "
                      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")


if __name__ == "__main__":
    main()
