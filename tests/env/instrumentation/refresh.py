# SPDX-License-Identifier: Apache-2.0
"""Records all scenarios into tests/golden/instrumentation:

tools/setup.sh test full && REDIS_PORT=6379 PYTHONPATH=tests build/venv/bin/python -m env.instrumentation.refresh"""
import pathlib
import subprocess

from env.instrumentation.scenarios import ALL

ROOT = pathlib.Path(__file__).resolve().parents[3]


def record(name, path):
    """In a process of its own, with the packages that the scenario needs. Returns the request's body."""
    python = ROOT / "build/instrumentation" / ALL[name][0] / "bin/python"
    subprocess.run([python, ROOT / "tests/env/instrumentation/record.py", name, path], check=True, timeout=300)
    return path.read_bytes()


if __name__ == "__main__":
    for scenario in ALL:
        print(scenario, len(record(scenario, ROOT / f"tests/golden/instrumentation/{scenario}.otlp")))
