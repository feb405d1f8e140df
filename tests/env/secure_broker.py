# SPDX-License-Identifier: Apache-2.0
"""A broker with more doors: .sasl (PLAIN and SCRAM, unencrypted), .tls (clients may show a certificate),
.mtls (they must), .sasl_tls. The user is alice, her password is geheim; .files has the certificates."""
import pathlib
import subprocess

from env.broker import Broker
from env.ports import free_port

USER, PASSWORD = "alice", "geheim"
DOORS = {"sasl": "SASL_PLAINTEXT", "tls": "SSL", "mtls": "SSL", "sasl_tls": "SASL_SSL"}


class SecureBroker(Broker):
    FORMAT = [a for n in (256, 512) for a in ("--add-scram", f"SCRAM-SHA-{n}=[name={USER},password={PASSWORD}]")]

    def __init__(self, directory, **kw):
        super().__init__(directory, **kw)
        self.doors = {name: free_port() for name in DOORS}
        self.files = Certificates(self.dir / "certificates")

    def __getattr__(self, name):
        doors = self.__dict__.get("doors", {})
        if name not in doors:
            raise AttributeError(name)
        return f"127.0.0.1:{doors[name]}"

    def _write_config(self):
        path = super()._write_config()
        lines = []
        for line in pathlib.Path(path).read_text().splitlines():
            if line.startswith(("listeners=", "advertised.listeners=")):
                line += "".join(f",{n.upper()}://127.0.0.1:{p}" for n, p in self.doors.items())
            elif line.startswith("listener.security.protocol.map="):
                line += "".join(f",{n.upper()}:{protocol}" for n, protocol in DOORS.items())
            lines.append(line)
        login = "org.apache.kafka.common.security"
        lines += ["ssl.keystore.type=PEM", f"ssl.keystore.location={self.files.server}",
                  "ssl.truststore.type=PEM", f"ssl.truststore.location={self.files.ca}",
                  "listener.name.mtls.ssl.client.auth=required",
                  "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"]
        for name in ("sasl", "sasl_tls"):
            lines.append(f'listener.name.{name}.plain.sasl.jaas.config={login}.plain.PlainLoginModule required '
                         f'user_{USER}="{PASSWORD}";')
            lines += [f"listener.name.{name}.scram-sha-{n}.sasl.jaas.config={login}.scram.ScramLoginModule required;"
                      for n in (256, 512)]
        pathlib.Path(path).write_text("\n".join(lines) + "\n")
        return path


class Certificates:
    """ca, server (key and certificate of 127.0.0.1), client_cert and client_key, stranger_ca: paths."""

    def __init__(self, directory):
        directory.mkdir(parents=True, exist_ok=True)
        self.dir = directory
        self.ca, self.stranger_ca = self._authority("ca"), self._authority("stranger")
        key, cert = self._signed("server", "subjectAltName=IP:127.0.0.1")
        self.server = directory / "server.pem"
        self.server.write_text(key.read_text() + cert.read_text() + self.ca.read_text())
        self.client_key, self.client_cert = self._signed("client", "keyUsage=digitalSignature")

    def _authority(self, name):
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")
        return self.dir / f"{name}.crt"

    def _signed(self, name, extension):
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (self.dir / f"{name}.ext").write_text(extension + "\n")
        self._openssl("x509", "-req", "-days", "2", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                      "-CAcreateserial", "-extfile", f"{name}.ext", "-out", f"{name}.crt")
        return self.dir / f"{name}.key", self.dir / f"{name}.crt"

    def _openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.dir, check=True, capture_output=True)
