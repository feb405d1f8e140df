# SPDX-License-Identifier: Apache-2.0
"""A child process with its output in a file, that cannot outlive its test run."""
import pathlib
import signal
import subprocess

from env.poll import PATIENCE

# setpriv becomes the program: same pid. (A hook between fork and exec would upset gRPC's threads.)
DIE_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL", "--"]


class Process:
    """argv runs until stop() or kill(); .log is everything it has printed, over all its starts.

    Start it from a thread that lives as long: the kernel's parent-death signal goes by thread."""

    def __init__(self, argv, log_path, env=None, cwd=None):
        self.argv = [str(a) for a in argv]
        self.log_path = pathlib.Path(log_path)
        self.env, self.cwd = env, cwd
        self.child = None

    def spawn(self):
        with open(self.log_path, "ab") as out:
            self.child = subprocess.Popen(
                [*DIE_WITH_PARENT, *self.argv], stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, env=self.env, cwd=self.cwd)
        return self

    @property
    def pid(self):
        return self.child.pid

    @property
    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def running(self):
        return self.child is not None and self.child.poll() is None

    def signal(self, number):
        self.child.send_signal(number)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def wait(self, timeout):
        """Its exit status; like eventually(), patient."""
        return self.child.wait(timeout * PATIENCE)

    def stop(self, timeout=15):
        """SIGTERM; the exit status. Fails when the process needs longer than timeout."""
        if self.child is None:
            return None
        if self.running():
            self.resume()
            self.signal(signal.SIGTERM)
            try:
                self.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.argv[0]} did not end within {timeout} s of SIGTERM") from None
        return self.child.returncode

    def kill(self):
        if self.running():
            self.child.kill()
        if self.child is not None:
            self.child.wait(60)

    def rss_bytes(self):
        """Resident memory now."""
        return self._status_kib("VmRSS") * 1024

    def peak_rss_bytes(self):
        return self._status_kib("VmHWM") * 1024

    def reset_peak_rss(self):
        """peak_rss_bytes() counts from here."""
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def cpu_seconds(self):
        """User and system time of all threads so far."""
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100.0

    def _status_kib(self, name):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise KeyError(name)
