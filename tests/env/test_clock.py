# SPDX-License-Identifier: Apache-2.0
"""The wall clock of enforcers under test (test_clock): a file that they map, set with one store."""
import mmap
import pathlib


class TestClock:
    __test__ = False  # not a test

    def __init__(self, path, ms=1_795_000_000_000 // 3600_000 * 3600_000):
        self.path = pathlib.Path(path)
        self.path.write_bytes(bytes(8))
        with open(self.path, "r+b") as file:
            self._word = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")
        self.ms = ms

    @property
    def ms(self):
        return self._word[0]

    @ms.setter
    def ms(self, value):
        self._word[0] = value
