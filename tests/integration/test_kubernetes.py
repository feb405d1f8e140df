# SPDX-License-Identifier: Apache-2.0
"""deploy/kubernetes: valid for the API server, allowed by Pod Security "restricted", wired to itself, and with a
configuration that this daemon accepts."""
import copy
import json
import shutil
import subprocess
import sys

import pytest
import yaml

from env import kubernetes
from env.daemon import BINARY, ROOT

DEPLOY = ROOT / "deploy" / "kubernetes"
BASE, OVERLAY, PODS = DEPLOY / "base", DEPLOY / "overlays" / "node-journal", DEPLOY / "overlays" / "k8sattributes"
PRICES = DEPLOY / "overlays" / "pricing-service"
EVERY = [BASE, *sorted((DEPLOY / "overlays").iterdir())]


@pytest.mark.parametrize("directory", EVERY, ids=lambda d: d.name)
def test_api_server_would_accept_it(directory, tmp_path):
    path = tmp_path / "all.yaml"
    path.write_text(yaml.safe_dump_all(kubernetes.render(directory)))
    done = subprocess.run([sys.executable, "-m", "kubernetes_validate", "--strict", str(path)],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="compares with kubectl where there is one")
@pytest.mark.parametrize("directory", EVERY, ids=lambda d: d.name)
def test_our_rendering_is_that_of_kubectl(directory):
    out = subprocess.run(["kubectl", "kustomize", str(directory)], capture_output=True, text=True, check=True).stdout
    hashed = kubernetes.find(list(yaml.safe_load_all(out)), "ConfigMap")["metadata"]["name"]
    assert hashed.startswith("spantoll-")
    assert by_name(yaml.safe_load_all(out.replace(hashed, "spantoll"))) == by_name(kubernetes.render(directory))


def by_name(manifests):
    return {(m["kind"], m["metadata"]["name"]): in_order(m) for m in manifests}


def in_order(value):
    """Lists of named things by name: a patch may put them in another order."""
    if isinstance(value, dict):
        return {k: in_order(v) for k, v in value.items()}
    if isinstance(value, list) and all(isinstance(v, dict) and "name" in v for v in value):
        return sorted(map(in_order, value), key=lambda v: v["name"])
    return value


@pytest.mark.parametrize("directory", [BASE, PODS], ids=lambda d: d.name)
def test_it_keeps_the_rules(directory):
    assert kubernetes.broken_rules(kubernetes.render(directory)) == []


def hurt(path, value):
    """A change at a path of keys of the DaemonSet's pod."""
    def change(manifests):
        at = kubernetes.find(manifests, "DaemonSet")["spec"]["template"]["spec"]
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value
    return change


@pytest.mark.parametrize("change, sentence", [
    (hurt(["containers", 0, "ports", 0, "hostPort"], 4317), "host port"),
    (hurt(["volumes", 1], {"name": "state", "hostPath": {"path": "/"}}), "hostPath"),
    (hurt(["hostNetwork"], True), "hostNetwork"),
    (hurt(["securityContext", "runAsUser"], 0), "not root"),
    (hurt(["containers", 0, "securityContext", "capabilities", "add"], ["NET_ADMIN"]), "capabilities"),
    (hurt(["containers", 0, "securityContext", "readOnlyRootFilesystem"], False), "read-only"),
    (hurt(["volumes", 0, "configMap", "name"], "other"), "not there"),
    (hurt(["containers", 0, "ports", 1, "containerPort"], 1), "keeps everybody"),
    (lambda m: kubernetes.find(m, "Service")["spec"].update(internalTrafficPolicy="Cluster"), "on its node"),
    (lambda m: kubernetes.find(m, "Service")["spec"].update(selector={"app": "x"}), "selects no pod"),
])
def test_rules_notice(change, sentence):
    manifests = copy.deepcopy(kubernetes.render(BASE))
    change(manifests)
    assert sentence in " ".join(kubernetes.broken_rules(manifests))


@pytest.mark.parametrize("change, sentence", [
    (hurt(["automountServiceAccountToken"], False), "must mount the token"),
    (lambda m: kubernetes.find(m, "ClusterRole")["rules"][0]["verbs"].append("delete"), "nothing else"),
    (lambda m: kubernetes.find(m, "ClusterRoleBinding")["subjects"][0].update(name="default"), "to the pod's account"),
    (lambda m: kubernetes.find(m, "ServiceAccount").pop("automountServiceAccountToken"), "to every pod"),
    (lambda m: kubernetes.every(m, "NetworkPolicy")[1]["spec"].update(egress=[]), "from the API server"),
])
def test_rules_about_the_token_notice(change, sentence):
    manifests = copy.deepcopy(kubernetes.render(PODS))
    change(manifests)
    assert sentence in " ".join(kubernetes.broken_rules(manifests))


def test_overlay_differs_where_it_says_so():
    manifests = kubernetes.render(OVERLAY)
    pod = kubernetes.find(manifests, "DaemonSet")["spec"]["template"]["spec"]
    assert {"name": "state", "hostPath": {"path": "/var/lib/spantoll", "type": "DirectoryOrCreate"}} in pod["volumes"]
    assert kubernetes.find(manifests, "Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] \
        == "privileged"
    # The daemon itself gains nothing by it.
    assert pod["containers"][0] == kubernetes.find(kubernetes.render(BASE), "DaemonSet") \
        ["spec"]["template"]["spec"]["containers"][0]


@pytest.mark.parametrize("directory", EVERY, ids=lambda d: d.name)
def test_what_the_container_runs_is_accepted(directory, tmp_path):
    manifests = kubernetes.render(directory)
    data = kubernetes.find(manifests, "ConfigMap")["data"]
    json.loads(data["prices.json"])
    for name, text in data.items():
        (tmp_path / name).write_text(text.replace("/etc/spantoll", str(tmp_path)))
    container = kubernetes.find(manifests, "DaemonSet")["spec"]["template"]["spec"]["containers"][0]
    args = [a.replace("/etc/spantoll", str(tmp_path)) for a in container["args"]]
    assert args[0] == "run"
    done = subprocess.run([BINARY, "validate", *args[1:]], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    if directory == PODS:
        assert "k8sattributes" in subprocess.run([BINARY, "print-config", *args[1:]], capture_output=True, text=True).stdout


def pod(manifest):
    return manifest["spec"]["template"]["spec"]


def test_the_nodes_proxies_reach_what_answers_them():
    manifests = kubernetes.render(DEPLOY / "overlays" / "mesh")
    service, (container,) = kubernetes.find(manifests, "Service"), pod(kubernetes.find(manifests, "DaemonSet"))["containers"]
    assert {4317, 8081} <= {p["port"] for p in service["spec"]["ports"]}
    assert service["spec"]["internalTrafficPolicy"] == "Local"
    assert {"name": "envoy", "containerPort": 8081} in container["ports"]
    assert {"name": "otlp-grpc", "containerPort": 4317} in container["ports"]
    opened = [port["port"] for m in manifests if m["kind"] == "NetworkPolicy" for rule in m["spec"].get("ingress", [])
              for port in rule["ports"]]
    assert 8081 in opened and 8080 not in opened  # the API that changes things stays in the pod


def test_nodes_follow_the_pricing_service(tmp_path):
    manifests = kubernetes.render(PRICES)
    service = next(m for m in manifests if m["kind"] == "Service" and m["metadata"]["name"] == "spantoll-prices")
    deployment, daemonset = kubernetes.find(manifests, "Deployment"), kubernetes.find(manifests, "DaemonSet")
    assert deployment["spec"]["replicas"] == 3
    assert service["spec"]["clusterIP"] == "None"  # who follows sees every replica
    assert service["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    served = pod(deployment)["containers"][0]
    assert {"name": "prices", "containerPort": service["spec"]["ports"][0]["port"]} in served["ports"]
    data = kubernetes.find(manifests, "ConfigMap")["data"]
    assert f"grpc://spantoll-prices.spantoll.svc:{service['spec']['ports'][0]['port']}" in data["follow.yaml"]
    # What the service runs is accepted, and hardened as the daemon is.
    for name, text in data.items():
        (tmp_path / name).write_text(text.replace("/etc/spantoll", str(tmp_path)))
    args = [a.replace("/etc/spantoll", str(tmp_path)) for a in served["args"]]
    done = subprocess.run([BINARY, "validate", *args[1:]], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert served["securityContext"] == pod(daemonset)["containers"][0]["securityContext"]
    assert pod(deployment)["securityContext"] == pod(daemonset)["securityContext"]


def test_the_hook_waits_for_prices_and_never_stops_a_node():
    daemonset = kubernetes.find(kubernetes.render(BASE), "DaemonSet")
    command = pod(daemonset)["containers"][0]["lifecycle"]["postStart"]["exec"]["command"]
    assert "30s" in command
    quick = ["100ms" if a == "30s" else a for a in command[1:]]
    done = subprocess.run([BINARY, *quick], capture_output=True, text=True)
    assert command[0] == "/usr/bin/spantoll"
    assert done.returncode == 0 and "no prices within 0.1 s" in done.stderr
