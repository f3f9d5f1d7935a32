"""Starting and ending child processes so that none outlives the test run."""
import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import tempfile

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


def die_with_parent(number=signal.SIGKILL):
    """A preexec function: the child gets this signal when the test process ends, however it ends."""
    def set_signal():
        _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    return set_signal


def free_port():
    """A TCP port of 127.0.0.1 that was free a moment ago."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def private_dir(prefix):
    """A new folder below the system's temporary folder that other accounts (postgres) may enter. Short, so that
    unix sockets fit in it."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"athena-{prefix}-"))
    os.chmod(path, 0o755)
    return path


def remove_dir(path):
    if os.environ.get("ATHENA_KEEP_TEST_DIRS"):
        print(f"kept {path}")
        return
    shutil.rmtree(path, ignore_errors=True)
