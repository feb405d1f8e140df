# SPDX-License-Identifier: Apache-2.0
"""The real kube-apiserver with its etcd, RBAC and admission, on loopback; no kubelet, no controllers.

What a kubelet would tell of a pod (its addresses, that it runs) a test tells with run_pod()."""
import http.client
import json
import os
import pathlib
import shutil
import ssl
import subprocess

from env.certificates import Authority
from env.daemon import ROOT
from env.poll import Fatal, eventually
from env.ports import free_port
from env.process import Process

BINARY = pathlib.Path(os.environ.get("KUBE_APISERVER", ROOT / "build/go/kube-apiserver"))
ADMIN = "let-the-test-in"
# kind -> where it lives, whether in a namespace
KINDS = {"Namespace": ("api/v1", "namespaces", False), "ServiceAccount": ("api/v1", "serviceaccounts", True),
         "ConfigMap": ("api/v1", "configmaps", True), "Service": ("api/v1", "services", True), "Pod": ("api/v1", "pods", True),
         "DaemonSet": ("apis/apps/v1", "daemonsets", True), "Deployment": ("apis/apps/v1", "deployments", True),
         "PodDisruptionBudget": ("apis/policy/v1", "poddisruptionbudgets", True),
         "NetworkPolicy": ("apis/networking.k8s.io/v1", "networkpolicies", True),
         "ClusterRole": ("apis/rbac.authorization.k8s.io/v1", "clusterroles", False),
         "ClusterRoleBinding": ("apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", False)}


class Refused(AssertionError):
    """The API server's answer is no success; its sentence."""

    def __init__(self, status, text):
        super().__init__(f"{status}: {text}")
        self.status = status


class Etcd(Process):
    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.dir.mkdir(parents=True)
        self.url, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        super().__init__(["etcd", "--data-dir", self.dir / "data", "--unsafe-no-fsync", "--listen-client-urls", self.url,
                          "--advertise-client-urls", self.url, "--listen-peer-urls", peer,
                          "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"], self.dir / "etcd.log")


class ApiServer(Process):
    """start(), restart(): state is etcd's and stays. ca: what clients trust."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.etcd = Etcd(self.dir / "etcd")
        self.port = free_port()
        authority = Authority(self.dir)
        self.ca, pair = authority.cert, authority.issue("kube-apiserver")
        key = self.dir / "accounts.key"  # signs the tokens of service accounts
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        (self.dir / "tokens.csv").write_text(f"{ADMIN},admin,admin,system:masters\n")
        super().__init__(
            [BINARY, "--etcd-servers", self.etcd.url, "--bind-address", "127.0.0.1", "--secure-port", self.port,
             "--advertise-address", "127.0.0.1", "--endpoint-reconciler-type", "none", "--authorization-mode", "RBAC",
             "--tls-cert-file", pair.cert, "--tls-private-key-file", pair.key, "--token-auth-file", self.dir / "tokens.csv",
             "--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", key,
             "--service-account-signing-key-file", key, "--service-cluster-ip-range", "10.96.0.0/16"],
            self.dir / "kube-apiserver.log")

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    # ---- life ----

    def start(self):
        self.etcd.running() or self.etcd.spawn()
        self.spawn()
        eventually(self._ready, 120, "kube-apiserver is ready", every=0.2)
        return self

    def _ready(self):
        if not self.running() or not self.etcd.running():
            raise Fatal(f"the API server ended:\n{self.log[-3000:]}\n{self.etcd.log[-1000:]}")
        return self.ask("GET", "/readyz")[0] == 200

    def restart(self):
        """As in an upgrade of the control plane: every watch breaks."""
        self.kill()
        return self.start()

    def dispose(self):
        self.kill()
        self.etcd.kill()

    # ---- requests ----

    def ask(self, method, path, body=None, content_type="application/json", token=ADMIN):
        """(status, body, warnings)."""
        context = ssl.create_default_context(cafile=self.ca)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {"Authorization": f"Bearer {token}", "Content-Type": content_type})
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), answer.headers.get_all("Warning") or []
        finally:
            connection.close()

    def call(self, method, path, body=None, **how):
        """The object that comes back; Refused."""
        status, text, _ = self.ask(method, path, body, **how)
        if status >= 300:
            raise Refused(status, json.loads(text).get("message", text))
        return json.loads(text)

    def apply(self, manifest, dry_run=False):
        """Server-side apply: unknown and double fields are refused. What the server warns of."""
        query = "?fieldManager=test&force=true&fieldValidation=Strict" + ("&dryRun=All" if dry_run else "")
        status, text, warnings = self.ask("PATCH", f"{path_of(manifest)}{query}", manifest, "application/apply-patch+yaml")
        if status >= 300:
            raise Refused(status, json.loads(text).get("message", text))
        return warnings

    def delete(self, manifest):
        self.call("DELETE", path_of(manifest), {"gracePeriodSeconds": 0})

    def token(self, account, namespace):
        """What the kubelet mounts into a pod of this service account."""
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        return self.call("POST", path, asked)["status"]["token"]

    # ---- pods ----

    def namespace(self, name):
        """With the account that the controllers would make."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}})

    def run_pod(self, name, ips, namespace="shop", node="node-1", **meta):
        """A pod that its kubelet says is running, with these addresses; as the server knows it."""
        manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, **meta},
                    "spec": {"nodeName": node, "containers": [{"name": "app", "image": "app"}]}}
        self.call("POST", path_of(manifest).rsplit("/", 1)[0], manifest)
        return self.tell_status(manifest, ips)

    def tell_status(self, pod, ips, phase="Running"):
        status = {"phase": phase, "podIP": ips[0] if ips else None, "podIPs": [{"ip": ip} for ip in ips],
                  "startTime": "2026-01-01T00:00:00Z"}
        return self.call("PATCH", path_of(pod) + "/status", {"status": status}, content_type="application/strategic-merge-patch+json")

    def label(self, pod, **labels):
        return self.call("PATCH", path_of(pod), {"metadata": {"labels": labels}}, content_type="application/merge-patch+json")


def path_of(manifest):
    where, plural, in_namespace = KINDS[manifest["kind"]]
    meta = manifest["metadata"]
    inner = f"namespaces/{meta['namespace']}/" if in_namespace else ""
    return f"/{where}/{inner}{plural}/{meta['name']}"


def missing():
    """What cannot be found of it, or None."""
    if not BINARY.exists():
        return f"{BINARY}: tools/setup.sh full builds it"
    return None if shutil.which("etcd") else "etcd: tools/setup.sh full installs it"
