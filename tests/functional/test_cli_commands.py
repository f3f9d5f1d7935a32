"""fetch against a gateway, clients.json, completion and the manual page."""
import http.server
import json
import os
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import threading

import pytest

from athena_testing import gateway as gateways
from athena_testing.gateway import run_command


# -- fetch --------------------------------------------------------------------------------------------------------
BODY = json.dumps({"table_name": "items", "columns": "id", "sort_by": {"field": "id", "direction": "ascending"}, "limit": 2})


def url(gateway, path="/gateway/fetch"):
    return f"http://127.0.0.1:{gateway.port}{path}"


def test_fetch_prints_the_reply_as_it_came_but_for_the_blanks(gateway):
    done = run_command("fetch", "--client", "lite", "--body-json", BODY, "--url", url(gateway))
    assert done.returncode == 0 and done.stderr == "", done
    assert done.stdout.startswith('{\n  "status": "success",\n') and done.stdout.endswith("}\n")
    assert [row["id"] for row in json.loads(done.stdout)["data"]["rows"]] == [1, 2]


def test_fetch_takes_its_body_from_a_file_and_from_stdin(gateway, folder):
    (folder / "body.json").write_text(BODY)
    expected = run_command("fetch", "--client", "lite", "--body-json", BODY, "--url", url(gateway))
    rows = json.loads(expected.stdout)["data"]
    for arguments, stdin in ((["--body-file", str(folder / "body.json")], None), (["--body-file", "-"], BODY), (["--body-json", "-"], BODY)):
        done = run_command("fetch", "--client", "lite", *arguments, "--url", url(gateway), stdin=stdin)
        assert done.returncode == 0 and json.loads(done.stdout)["data"] == rows, done


def test_fetch_finds_client_url_and_key_in_that_order(gateway, folder):
    (folder / "config").mkdir()
    (folder / "config" / "clients.json").write_text('{"default": "lite", "clients": {"lite": "postgres://h/d"}}')
    env = {"ATHENA_URL": url(gateway, "/")}
    assert run_command("fetch", "--body-json", BODY, cwd=folder, env=env).returncode == 0
    done = run_command("fetch", "--body-json", BODY, cwd=folder, env={**env, "ATHENA_CLIENT": "frozen"})
    assert done.returncode == 1 and done.stderr.startswith("fetch failed (423)\n") and "client_frozen" in done.stderr, done
    done = run_command("fetch", "--body-json", BODY, "-c", "lite", cwd=folder, env={**env, "ATHENA_CLIENT": "frozen"})
    assert done.returncode == 0, done
    (folder / "other.json").write_text('{"default": "frozen", "clients": {}}')
    done = run_command("fetch", "--body-json", BODY, "--clients-path", "other.json", cwd=folder, env=env)
    assert done.returncode == 1 and "client_frozen" in done.stderr, done


@pytest.fixture
def recorder():
    """A server that notes requests and answers as `replies[path]` = (status, headers, body) says."""
    seen, replies = [], {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append((self.path, dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            status, headers, body = replies.get(self.path, (200, {}, b"{}"))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", seen, replies
    server.shutdown()
    server.server_close()


def test_fetch_sends_the_body_as_it_is_with_client_and_key(recorder):
    base, seen, replies = recorder
    replies["/x"] = (200, {}, b'{"n":1.50,"big":12345678901234567890,"t":"a\\u00e4 {,:\\""}')
    done = run_command("fetch", "-c", "app", "--body-json", '{ "a" : 1.0 }', "--url", base + "/x", "--key", "ath_k.s")
    assert done.returncode == 0
    assert done.stdout == '{\n  "n": 1.50,\n  "big": 12345678901234567890,\n  "t": "a\\u00e4 {,:\\""\n}\n'
    path, headers, body = seen[0]
    assert body == b'{ "a" : 1.0 }'
    assert headers["X-Athena-Client"] == "app" and headers["X-Athena-Key"] == "ath_k.s" and headers["Content-Type"] == "application/json"
    run_command("fetch", "-c", "app", "--body-json", "{}", "--url", base + "/x", env={"ATHENA_API_KEY": "from_environment"})
    assert seen[1][1]["X-Athena-Key"] == "from_environment"
    run_command("fetch", "-c", "app", "--body-json", "{}", "--url", base + "/x")
    assert "X-Athena-Key" not in seen[2][1]


def test_fetch_follows_no_redirect_and_never_ends_with_0_then(recorder):
    base, seen, replies = recorder
    replies["/from"] = (302, {"Location": base + "/to"}, b"moved")
    done = run_command("fetch", "-c", "app", "--body-json", "{}", "--url", base + "/from", "--key", "k")
    assert done.returncode == 1 and done.stdout == "" and done.stderr == "fetch failed (302)\nmoved\n", done
    assert [path for path, _, _ in seen] == ["/from"]


def test_fetch_takes_no_line_breaks_into_headers(recorder):
    base, seen, _ = recorder
    for arguments in (["-c", "a\r\nX-Evil: 1"], ["-c", "a", "--key", "k\nX-Evil: 1"]):
        done = run_command("fetch", *arguments, "--body-json", "{}", "--url", base + "/x")
        assert done.returncode == 2, done
    assert seen == []


def test_fetch_ends_with_130_when_it_is_interrupted(folder):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        process = subprocess.Popen([gateways.binary(), "fetch", "-c", "a", "--body-json", "{}", "--url", f"http://127.0.0.1:{mute.getsockname()[1]}/"],
                                   cwd=folder, env=gateways.clean_environment(folder), stdin=subprocess.DEVNULL)
        connection, _ = mute.accept()
        with connection:
            assert connection.recv(10) != b""
            process.send_signal(signal.SIGINT)
            assert process.wait(5) == 130


# -- clients.json -------------------------------------------------------------------------------------------------
def test_the_life_of_a_clients_file(folder):
    path = folder / "config" / "clients.json"

    def clients(*arguments):
        done = run_command("clients", *arguments, cwd=folder)
        assert done.returncode == 0 and done.stderr == "", done
        return done.stdout
    clients("add", "shop", "postgres://u:pw@h/shop")
    assert path.read_text() == '{\n  "default": "shop",\n  "clients": {\n    "shop": "postgres://u:pw@h/shop"\n  }\n}\n'
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    clients("add", "archive", "host=h dbname=a")
    clients("add", "SHOP", "postgres://h/other")
    assert json.loads(path.read_text()) == {"default": "shop", "clients": {"shop": "postgres://h/other", "archive": "host=h dbname=a"}}
    assert clients("set-default", "archive") == "Default client: archive\n"
    path.write_text(path.read_text().replace('{\n  "default"', '{\n  "note": [1, 2.50, "x"],\n  "default"'))
    assert clients("remove", "Archive") == "Removed client 'Archive' from config/clients.json\n"
    assert json.loads(path.read_text()) == {"note": [1, 2.5, "x"], "default": None, "clients": {"shop": "postgres://h/other"}}
    assert [entry.name for entry in path.parent.iterdir()] == ["clients.json"]


def test_a_clients_file_that_cannot_be_written_stays(folder):
    (folder / "config").write_text("a file, not a folder")
    done = run_command("clients", "add", "a", "postgres://h/d", cwd=folder)
    assert done.returncode == 1 and "config/clients.json cannot be written: " in done.stderr, done
    assert (folder / "config").read_text() == "a file, not a folder"


def test_a_link_stays_a_link(folder):
    (folder / "real.json").write_text("{}")
    (folder / "config").mkdir()
    (folder / "config" / "clients.json").symlink_to("../real.json")
    assert run_command("clients", "add", "a", "postgres://h/d", cwd=folder).returncode == 0
    assert (folder / "config" / "clients.json").is_symlink()
    assert json.loads((folder / "real.json").read_text())["default"] == "a"


# -- completion and manual ----------------------------------------------------------------------------------------
def complete(line):
    """What bash offers at the end of the line."""
    script = run_command("completion", "bash").stdout
    words = shlex.split(line) + ([""] if line.endswith(" ") else [])
    code = script + f"\nCOMP_WORDS=({' '.join(shlex.quote(word) for word in words)}); COMP_CWORD={len(words) - 1}; _athena; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "--norc", "-c", code], capture_output=True, text=True, timeout=10)
    assert done.stderr == "", done.stderr
    return done.stdout.split()


def test_bash_completes_commands_flags_and_values():
    assert complete("athena conf") == ["config"]
    assert complete("athena config ") [:3] == ["check", "dump", "explain"]
    assert complete("athena --strict config dump --f") == ["--format"]
    assert complete("athena config dump --format ") == ["yaml", "json"]
    assert complete("athena --log-level w") == ["warn"]
    assert complete("athena server --lo") == ["--log-level"]
    assert complete("athena completion ") [:3] != [] and "fish" in complete("athena completion ")
    assert complete("athena --config /etc/os-rel") == ["/etc/os-release"]
    assert complete("athena --port ") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_can_read_their_script(shell, folder):
    script = run_command("completion", shell)
    assert script.returncode == 0 and "athena" in script.stdout
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    (folder / "script").write_text(script.stdout)
    done = subprocess.run([shell, "-n", str(folder / "script")], capture_output=True, text=True, timeout=10)
    assert done.returncode == 0 and done.stderr == "", done


def test_the_manual_page_is_clean_and_names_every_command(folder):
    page = run_command("man").stdout
    assert page.startswith(".TH ATHENA 1 ")
    if shutil.which("groff"):
        done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-b"], input=page, capture_output=True, text=True, timeout=20)
        assert done.returncode == 0 and done.stderr == "", done.stderr
    plain = page.replace("\\-", "-")
    for command in ("server", "dev", "fetch", "clients add", "config explain", "diag", "completion", "version"):
        assert f".SS athena {command}" in plain, command
    assert "config keys" not in plain


def test_help_of_every_command():
    for command in ([], ["server"], ["fetch"], ["clients"], ["clients", "add"], ["config"], ["config", "dump"], ["completion"]):
        done = run_command(*command, "--help")
        assert done.returncode == 0 and "--help" in done.stdout and done.stderr == "", (command, done)
