#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs unit test binaries (cmocka), or fuzz targets over their committed corpora, several at once.

Prints what failed, one line per slow binary, and at the end "N passed, N failed" alone on a line."""
import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

LIMIT_S = 600  # one binary; a unit test that needs longer hangs
SLOW_S = 5
WAITING = {"test_kafka_sender", "test_http_service"}  # for clocks mostly: the others run beside them
PASSED = re.compile(r"^\[  PASSED  \] (\d+) test\(s\)", re.M)
FAILED = re.compile(r"^\[  FAILED  \] (\w+)$", re.M)


def run(argv):
    """(exit status or None after the time limit, output, seconds)."""
    start = time.monotonic()
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=LIMIT_S)
        status, out = done.returncode, done.stdout
    except subprocess.TimeoutExpired as e:
        status, out = None, e.stdout or b""
    return status, out.decode(errors="replace"), time.monotonic() - start


def unit(binary):
    status, out, seconds = run([binary])
    passed = sum(map(int, PASSED.findall(out)))
    failed = len(set(FAILED.findall(out)))
    if status != 0:
        failed = max(failed, 1)  # crashed, leaked or hung: no cmocka line tells
    return binary, status, out, seconds, passed, failed


def replay(binary, corpora):
    inputs = sorted(pathlib.Path(corpora, pathlib.Path(binary).name.removeprefix("fuzz_")).glob("*"))
    if not inputs:
        return binary, 1, f"no corpus in {corpora}\n", 0, 0, 1
    status, out, seconds = run([binary, *map(str, inputs)])
    return binary, status, out, seconds, len(inputs) if status == 0 else 0, int(status != 0)


def report(result):
    binary, status, out, seconds, passed, failed = result
    name = pathlib.Path(binary).name
    if failed:
        why = f"no end within {LIMIT_S} s" if status is None else f"exit status {status}"
        print(f"---- {name}: {why}\n{out}", flush=True)
    elif seconds > SLOW_S:
        print(f"  {name}: {passed} passed, {seconds:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--corpora", help="the binaries are fuzz targets; their corpora are in here")
    parser.add_argument("--total", help="only add up what the stages noted in this file")
    parser.add_argument("binaries", nargs="*")
    args = parser.parse_args()
    if args.total:
        noted = [tuple(map(int, line.split())) for line in pathlib.Path(args.total).read_text().splitlines()]
    else:
        one = (lambda b: replay(b, args.corpora)) if args.corpora else unit
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            results = []
            first = sorted(args.binaries, key=lambda b: pathlib.Path(b).name not in WAITING)
            for result in pool.map(one, first):
                report(result)
                results.append(result)
        noted = [(r[4], r[5]) for r in results]
    passed, failed = (sum(column) for column in zip(*noted)) if noted else (0, 0)
    if not args.total and os.environ.get("TOLL_TALLY"):
        with open(os.environ["TOLL_TALLY"], "a") as tally:
            print(passed, failed, file=tally)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
