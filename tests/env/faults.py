# SPDX-License-Identifier: Apache-2.0
"""Calls of a running daemon that fail, or end it as a crash would: orders to tests/tools/faults.c. Not with
ThreadSanitizer: its suppressions go by who calls malloc, and that is hidden from it.

    faults = Faults(tmp_path / "faults")
    daemon = spantoll(env=faults.env, ...)
    faults.arm("write sync", errno.ENOSPC, nth=3, path="*/traces/*")
    faults.arm("rename", KILL_AFTER)"""
import mmap
import os
import pathlib
import struct

LIBRARY = (pathlib.Path(os.environ.get("SPANTOLL_TOOLS", "build/release/tools")) / "faults.so").absolute()
CALLS = "open read write sync rename unlink allocate truncate connect send memory".split()
KILL_BEFORE, KILL_AFTER = -1, -2
NEVER = 2**63
# struct order: armed, calls, act, lasting, nth, seen, struck, from, path
LAYOUT = struct.Struct("=IIiIQQQ64s256s")


class Faults:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.write_bytes(bytes(LAYOUT.size))
        with open(self.path, "r+b") as f:
            self._order = mmap.mmap(f.fileno(), LAYOUT.size)

    @property
    def env(self):
        """For the daemon's environment. A sanitizer's library comes after this one, and must not mind."""
        options = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": str(LIBRARY), "TOLL_FAULTS": str(self.path.absolute()),
                "ASAN_OPTIONS": f"{options}:verify_asan_link_order=0"}

    def arm(self, calls, act=0, nth=1, lasting=False, source="spantoll", path=""):
        """The Nth of these calls from here on. source: the program or library that calls, "": any; path: a pattern of
        the file's whole name. act: an errno, KILL_BEFORE or KILL_AFTER."""
        bits = sum(1 << CALLS.index(c) for c in calls.split())
        self.disarm()
        LAYOUT.pack_into(self._order, 0, 0, bits, act, lasting, nth, 0, 0, source.encode(), path.encode())
        struct.pack_into("=I", self._order, 0, 1)

    def count(self, calls, source="spantoll", path=""):
        """Only counts: see seen."""
        self.arm(calls, 0, NEVER, source=source, path=path)

    def disarm(self):
        struct.pack_into("=I", self._order, 0, 0)

    @property
    def seen(self):
        """Calls that were looked for, since arm()."""
        return LAYOUT.unpack_from(self._order)[5]

    @property
    def struck(self):
        """Those that failed; the one that killed."""
        return LAYOUT.unpack_from(self._order)[6]
