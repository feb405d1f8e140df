# SPDX-License-Identifier: Apache-2.0
"""What the pages of docs/ tell people to type, run as it stands there."""
import os
import pathlib
import subprocess

DOCS = pathlib.Path(__file__).parents[2] / "docs"


def curl_lines(page, replacements):
    """The lines of a page that begin with "curl ", with words replaced by those of this test."""
    lines = [line for line in (DOCS / page).read_text().splitlines() if line.startswith("curl ")]
    assert lines, f"docs/{page} has no curl line"
    for word, value in replacements.items():
        assert any(word in line for line in lines), f"docs/{page} says nothing of {word}"
        lines = [line.replace(word, str(value)) for line in lines]
    return lines


def run(line, env=None):
    done = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=120, env={**os.environ, **(env or {})})
    assert done.returncode == 0, (line, done.stderr)
    return done.stdout
