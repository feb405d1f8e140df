#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which folder may include which. The table is the architecture; change it in its own commit."""
import pathlib
import re
import sys

MAY = {
    "base": set(),
    "cost": {"base"},
    "config": {"base"},
    "proto": {"base", "cost"},
    "budget": {"base", "config", "proto", "cost"},
    "transform": {"base", "config", "proto"},
    "net": {"base"},
    "prices": {"base", "cost", "config", "proto"},
    "k8s": {"base", "config", "proto"},
    "kafka": {"base", "config"},
    "pipeline": {"base", "config", "proto", "cost"},
    "store": {"base", "cost"},
    "receivers": {"base", "config", "proto", "net", "kafka", "pipeline", "cost"},
    "processors": {"base", "config", "proto", "transform", "prices", "k8s", "pipeline", "cost"},
    "exporters": {"base", "config", "proto", "net", "kafka", "budget", "pipeline", "cost", "store"},
    "connectors": {"base", "config", "proto", "pipeline", "cost"},
    "extensions": {"base", "config", "proto", "net", "prices", "k8s", "budget", "pipeline", "cost", "store"},
    "cmd": {"base", "config", "proto", "net", "prices", "budget", "pipeline", "cost", "store"},
}
# Which folder may include which library: first path component or file name of the header.
THIRD = {
    "xxhash.h": {"base"},
    "yaml.h": {"config"},
    "uv.h": {"pipeline"},
    "grpc": {"net"},
    "microhttpd.h": {"net"},
    "gnutls": {"net"},
    "crypt.h": {"extensions"},
    "curl": {"net"},
    "json-c": {"prices", "k8s", "cmd"},
    "yajl": {"proto", "prices"},
    "pcre2.h": {"transform"},
    "nettle": {"budget", "transform"},
    "protobuf-c": {"proto", "net"},
    "libdeflate.h": {"net"},
    "zstd.h": {"net"},
    "zstd_errors.h": {"net"},
    "librdkafka": {"kafka", "receivers", "exporters"},
    "glib.h": {"budget"},
    "hiredis": {"net"},
    "libsmartcols": {"cmd"},
}
LIBC = set("""aio assert complex ctype dirent errno fcntl fenv float fnmatch getopt glob inttypes limits locale
math malloc netdb poll pthread pwd regex sched signal stdalign stdarg stdatomic stdbool stddef stdint stdio
stdlib string strings syslog termios time unistd wchar""".split())
LIBC_DIRS = {"sys", "arpa", "netinet", "net", "linux"}
COMPONENTS = {"receivers", "processors", "exporters", "connectors", "extensions"}
bad = 0
for top, allowed in MAY.items():
    for path in sorted(pathlib.Path(top).rglob("*.[ch]")):
        for no, line in enumerate(path.read_text().splitlines(), 1):
            third = re.match(r"#include <([^>]+)>", line)
            if third:
                lib = third[1].split("/")[0]
                if lib in LIBC_DIRS or lib.removesuffix(".h") in LIBC:
                    continue
                if top not in THIRD.get(lib, set()):
                    print(f"{path}:{no}: {top}/ may not include <{third[1]}>", file=sys.stderr)
                    bad = 1
                continue
            m = re.match(r'#include "([^"]+)"', line)
            if not m:
                continue
            if m[1].endswith(".pb-c.h"):
                continue  # generated from proto/: belongs to whoever may include proto/
            target = pathlib.PurePath(m[1])
            there = target.parts[0]
            if there == top and (top not in COMPONENTS or target.parts[1] == path.parts[1]):
                continue  # inside the folder; components only inside their own
            if there == "cmd" and top == "cmd":
                continue
            if there not in allowed:
                print(f"{path}:{no}: {top}/ may not include {target}", file=sys.stderr)
                bad = 1
sys.exit(bad)
