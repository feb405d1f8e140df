# SPDX-License-Identifier: Apache-2.0
"""A real Chromium, and the pages that it shows: what a browser lets a page do, only a browser can tell."""
import contextlib
import functools
import http.server
import shutil
import subprocess
import threading

from env.daemon import ROOT

BUILD, SOURCE = ROOT / "build" / "browser", ROOT / "tests" / "env" / "browser" / "send.js"
PAGE = '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>shop</title></head><body>{}</body></html>'


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@contextlib.contextmanager
def site(directory):
    """index.html, an empty page, and sdk.html, which runs send.js; yields the origin."""
    subprocess.run([BUILD / "node_modules/.bin/esbuild", SOURCE, "--bundle", f"--outfile={directory / 'send.js'}",
                    "--log-level=error"], check=True, env={"NODE_PATH": str(BUILD / "node_modules"), "PATH": "/usr/bin:/bin"})
    (directory / "index.html").write_text(PAGE.format(""))
    (directory / "sdk.html").write_text(PAGE.format('<script src="send.js"></script>'))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=directory))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def chromium():
    """Without its sandbox: it shows our own pages only, and tests may run as root."""
    from playwright.sync_api import sync_playwright  # only make test-full installs it

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"],
                                             timeout=180_000)
        try:
            yield browser
        finally:
            browser.close()
