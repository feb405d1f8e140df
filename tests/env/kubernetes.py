# SPDX-License-Identifier: Apache-2.0
"""deploy/kubernetes, rendered without a cluster, and the rules that it has to keep.

By hand:  PYTHONPATH=tests build/venv/bin/python -m env.kubernetes deploy/kubernetes/base   (prints the manifests)"""
import copy
import pathlib
import sys

import yaml


# ---- what "kubectl kustomize" does with the few features that we use ----

def render(directory):
    """The list of manifests."""
    directory = pathlib.Path(directory)
    plan = yaml.safe_load((directory / "kustomization.yaml").read_text())
    unknown = set(plan) - {"apiVersion", "kind", "namespace", "labels", "resources", "configMapGenerator", "patches"}
    assert not unknown, f"{directory}: teach tests/env/kubernetes.py about {unknown}"
    out = []
    for name in plan.get("resources", []):
        path = directory / name
        out += render(path) if path.is_dir() else [d for d in yaml.safe_load_all(path.read_text()) if d]
    for patch in plan.get("patches", []):
        _patch(out, yaml.safe_load((directory / patch["path"]).read_text()))
    for generated in plan.get("configMapGenerator", []):
        _config_map(out, generated, {name: (directory / name).read_text() for name in generated["files"]})
    for manifest in out:
        if plan.get("namespace") and manifest["kind"] != "Namespace":
            manifest["metadata"]["namespace"] = plan["namespace"]
        for labels in plan.get("labels", []):
            manifest["metadata"].setdefault("labels", {}).update(labels["pairs"])
    return out


def _config_map(manifests, generated, data):
    if generated.get("behavior") == "merge":
        find(manifests, "ConfigMap")["data"].update(data)
    else:
        manifests.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generated["name"]}, "data": data})


def _patch(manifests, patch):
    same = [m for m in manifests if (m["kind"], m["metadata"]["name"]) == (patch["kind"], patch["metadata"]["name"])]
    assert len(same) == 1, f"patch for {patch['kind']} {patch['metadata']['name']}: {len(same)} targets"
    merged = _merge(same[0], patch)
    same[0].clear()
    same[0].update(merged)


def _merge(base, patch):
    """Strategic merge: mappings by key, null deletes, lists of named things by name."""
    if isinstance(base, dict) and isinstance(patch, dict):
        out = copy.deepcopy(base)
        for key, value in patch.items():
            if value is None:
                out.pop(key, None)
            else:
                out[key] = _merge(out[key], value) if key in out else copy.deepcopy(value)
        return out
    if isinstance(base, list) and isinstance(patch, list) and all(isinstance(p, dict) and "name" in p for p in patch):
        by_name = {b["name"]: b for b in base if isinstance(b, dict)}
        merged = {p["name"]: _merge(by_name.get(p["name"], {}), p) for p in patch}
        return [merged.pop(b["name"], b) for b in base] + list(merged.values())
    return copy.deepcopy(patch)


# ---- the rules ----

def every(manifests, kind):
    return [m for m in manifests if m["kind"] == kind]


def find(manifests, kind):
    found = every(manifests, kind)
    return found[0] if len(found) == 1 else None


def broken_rules(manifests):
    """Sentences, one per rule that does not hold; for a set that claims Pod Security "restricted"."""
    bad = []
    for kind in ("Namespace", "ServiceAccount", "DaemonSet", "ConfigMap", "Service"):
        if find(manifests, kind) is None:
            bad.append(f"there must be exactly one {kind}")
    if not every(manifests, "NetworkPolicy"):
        bad.append("there must be a NetworkPolicy")
    if bad:
        return bad
    namespace, daemonset = find(manifests, "Namespace"), find(manifests, "DaemonSet")
    if namespace["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") != "restricted":
        bad.append("the namespace must enforce restricted")
    pod = daemonset["spec"]["template"]["spec"]
    return bad + _pod(pod) + _token(manifests, pod) + _wiring(manifests, daemonset)


def _pod(pod):
    bad = []
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True or not security.get("runAsUser"):
        bad.append("the pod must run as a numeric user that is not root")
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        bad.append("the pod must have the seccomp profile RuntimeDefault")
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            bad.append(f"the pod must not use {name}")
    for volume in pod.get("volumes", []):
        if "hostPath" in volume:
            bad.append(f"volume {volume['name']} must not be a hostPath")
        if not {"emptyDir", "configMap", "secret", "projected"} & set(volume):
            bad.append(f"volume {volume['name']} is of a kind that restricted does not know")
    for container in pod.get("initContainers", []) + pod["containers"]:
        bad += _container(container)
    return bad


def _container(container):
    bad, name, security = [], container["name"], container.get("securityContext", {})
    if security.get("allowPrivilegeEscalation") is not False:
        bad.append(f"{name} must not be allowed to escalate")
    if security.get("readOnlyRootFilesystem") is not True:
        bad.append(f"{name} must have a read-only root file system")
    if security.get("capabilities") != {"drop": ["ALL"]}:
        bad.append(f"{name} must drop all capabilities and add none")
    if security.get("privileged") or security.get("runAsUser") == 0 or security.get("runAsNonRoot") is False:
        bad.append(f"{name} must not be privileged or root")
    for port in container.get("ports", []):
        if "hostPort" in port:
            bad.append(f"{name} must not take host port {port['hostPort']}")
    if "memory" not in container.get("resources", {}).get("limits", {}):
        bad.append(f"{name} must have a memory limit")
    if "readinessProbe" not in container:
        bad.append(f"{name} must have a readiness probe")
    return bad


def _token(manifests, pod):
    """A token where there is a role for it, and no role that can do more than the daemon needs."""
    role, binding = find(manifests, "ClusterRole"), find(manifests, "ClusterRoleBinding")
    if find(manifests, "ServiceAccount").get("automountServiceAccountToken") is not False:
        return ["the service account must not give its token to every pod"]
    if not role and not binding:
        return [] if pod.get("automountServiceAccountToken") is False else ["the pod must not mount a service account token"]
    bad = []
    if pod.get("automountServiceAccountToken") is not True:
        bad.append("the pod must mount the token that its role is for")
    if role["rules"] != [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]:
        bad.append("the role must allow to list and watch pods and nothing else")
    account = {"kind": "ServiceAccount", "name": pod["serviceAccountName"],
               "namespace": find(manifests, "Namespace")["metadata"]["name"]}
    if binding["subjects"] != [account] or binding["roleRef"]["name"] != role["metadata"]["name"]:
        bad.append("the binding must give the role to the pod's account")
    out = {p["port"] for policy in every(manifests, "NetworkPolicy") for rule in policy["spec"].get("egress", [])
           for p in rule["ports"]}
    if not {443, 6443} <= out:
        bad.append("the NetworkPolicy keeps the pod from the API server")
    return bad


def _wiring(manifests, daemonset):
    """What the API server does not check: selectors, port names and mounts that meet nothing."""
    bad = []
    service, policies = find(manifests, "Service"), every(manifests, "NetworkPolicy")
    labels = daemonset["spec"]["template"]["metadata"]["labels"]
    if service["spec"].get("internalTrafficPolicy") != "Local":
        bad.append("the Service must keep traffic on its node")
    selectors = {"Service": service["spec"]["selector"], "DaemonSet": daemonset["spec"]["selector"]["matchLabels"]}
    for policy in policies:
        selectors[f"NetworkPolicy {policy['metadata']['name']}"] = policy["spec"]["podSelector"]["matchLabels"]
    for kind, selector in selectors.items():
        if not selector or not selector.items() <= labels.items():
            bad.append(f"the {kind} selects no pod of the DaemonSet")
    if {t for policy in policies for t in policy["spec"].get("policyTypes", [])} != {"Egress", "Ingress"}:
        bad.append("the NetworkPolicy must govern both directions")
    pod = daemonset["spec"]["template"]["spec"]
    names = {p["name"]: p["containerPort"] for c in pod["containers"] for p in c.get("ports", [])}
    for port in service["spec"]["ports"]:
        if port["targetPort"] not in names:
            bad.append(f"Service port {port['name']} leads nowhere")
    allowed = {p["port"] for policy in policies for rule in policy["spec"].get("ingress", []) for p in rule.get("ports", [])}
    for name, number in names.items():
        if number not in allowed:
            bad.append(f"the NetworkPolicy keeps everybody from port {name}")
    maps = {m["metadata"]["name"] for m in manifests if m["kind"] == "ConfigMap"}
    for volume in pod["volumes"]:
        if "configMap" in volume and volume["configMap"]["name"] not in maps:
            bad.append(f"volume {volume['name']} names a ConfigMap that is not there")
    return bad


if __name__ == "__main__":
    yaml.safe_dump_all(render(sys.argv[1]), sys.stdout, sort_keys=False)
