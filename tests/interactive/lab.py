"""A JupyterLab on the loopback address, with a folder and a home of its own."""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

STARTS_WITHIN = 60
_OPTIONS = [
    "--no-browser",
    "--allow-root",
    "--expose-app-in-browser",
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.port_retries=0",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
]
_PLACES = ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")


@contextlib.contextmanager
def running(folder):
    """Start one, and give what makes the address of a notebook in the folder."""
    home = folder / ".home"
    home.mkdir()
    token = secrets.token_hex(16)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [f"--ServerApp.port={port}", f"--IdentityProvider.token={token}", *_OPTIONS]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *words, f"--ServerApp.root_dir={folder}"],
        env=os.environ | dict.fromkeys(_PLACES, str(home)),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(f"http://127.0.0.1:{port}/api/status?token={token}", server)
        yield lambda path: f"http://127.0.0.1:{port}/lab/tree/{path}?token={token}&reset"
    finally:
        # it ends its kernels, too
        server.terminate()
        server.wait(30)


def _wait(address, server):
    latest = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < latest:
        assert server.poll() is None, "JupyterLab ended"
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own server
            return
        time.sleep(0.1)
    raise TimeoutError(address)
