# SPDX-License-Identifier: Apache-2.0
"""Certificates made by openssl when a test needs them: Authority(dir).issue("checkout", san="URI:spiffe://x/y")."""
import dataclasses
import pathlib
import subprocess


@dataclasses.dataclass
class Pair:
    cert: pathlib.Path
    key: pathlib.Path

    @property
    def cert_pem(self):
        return self.cert.read_bytes()

    @property
    def key_pem(self):
        return self.key.read_bytes()


class Authority:
    """Signs certificates; .cert is what others trust."""

    def __init__(self, directory, name="ca"):
        self.dir = pathlib.Path(directory) / name
        self.dir.mkdir(parents=True)
        self.cert, self.key = self.dir / "ca.crt", self.dir / "ca.key"
        self._run("req", "-x509", *NEW_KEY, "-days", "2", "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.cert)

    def issue(self, name, san="IP:127.0.0.1,DNS:localhost", days=2, usage="serverAuth,clientAuth"):
        pair = Pair(self.dir / f"{name}.crt", self.dir / f"{name}.key")
        lines = [f"extendedKeyUsage={usage}"] + ([f"subjectAltName={san}"] if san else [])
        (self.dir / "ext").write_text("\n".join(lines) + "\n")
        self._run("req", *NEW_KEY, "-subj", f"/CN={name}", "-keyout", pair.key, "-out", "csr")
        self._run("x509", "-req", "-days", str(days), "-in", "csr", "-CA", self.cert, "-CAkey", self.key,
                  "-CAcreateserial", "-extfile", "ext", "-out", pair.cert)
        return pair

    def _run(self, *args):
        done = subprocess.run(["openssl", *map(str, args)], cwd=self.dir, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
