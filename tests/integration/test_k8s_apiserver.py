# SPDX-License-Identifier: Apache-2.0
"""A real kube-apiserver with RBAC: deploy/kubernetes is accepted as written, its role is just enough for k8sattributes, and
pods are known through changes, restarts of the server and a role that is taken away."""
import contextlib
import copy
import http.client
import itertools
import json

import pytest

from env import kubernetes, otlp
from env.daemon import ROOT
from env.kube_server import ApiServer, Refused
from env.poll import eventually

pytestmark = pytest.mark.full

DEPLOY = ROOT / "deploy" / "kubernetes"
MANIFESTS = kubernetes.render(DEPLOY / "overlays" / "k8sattributes")
EVERY = [DEPLOY / "base", *sorted((DEPLOY / "overlays").iterdir())]
NAMES = (f"pod-{n}" for n in itertools.count())


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """With all that the overlay brings, and a namespace for applications."""
    server = ApiServer(tmp_path_factory.mktemp("kubernetes"))
    try:
        server.start()
        for manifest in MANIFESTS:
            assert server.apply(manifest) == []
        server.namespace("shop")
        yield server
    finally:
        server.dispose()


@pytest.fixture
def start(spantoll, api, tmp_path):
    """A daemon as the overlay runs it: it is told the server, the node and the token as a container is."""
    def start(**settings):
        (tmp_path / "token").write_text(api.token("spantoll", "spantoll"))
        return spantoll(
            receivers={"otlp": {"protocols": {"http": {}}}},
            processors={"k8sattributes": {"token_file": str(tmp_path / "token"), "ca_file": str(api.ca),
                                          "filter": {"node_from_env_var": "KUBE_NODE_NAME"}, **settings}},
            exporters={"file": {"path": "spans.jsonl"}},
            env={"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(api.port), "KUBE_NODE_NAME": "node-1"})
    return start


@pytest.fixture
def pods(api):
    """run(ips, ...) -> a pod of its own name; gone with the test."""
    made = []

    def run(*ips, **how):
        made.append(api.run_pod(next(NAMES), ips, **how))
        return made[-1]

    yield run
    for pod in made:
        try:
            api.delete(pod)
        except Refused:  # the test has deleted it
            pass


def seen_from(daemon, ip):
    """The resource attributes of a span that comes from this address, by a connection of its own."""
    name = f"span-{next(NAMES)}"
    body = otlp.request({"shop": [otlp.span(name)]}).SerializeToString()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", daemon.http_port, 60, source_address=(ip, 0))) as there:
        there.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
        assert there.getresponse().status == 200

    def found():
        for line in (daemon.dir / "spans.jsonl").read_text().splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                if any(s["name"] == name for scope in resource["scopeSpans"] for s in scope["spans"]):
                    return {a["key"]: a["value"]["stringValue"] for a in resource["resource"]["attributes"]}
    return eventually(found, 10, f"span {name}")


def known(daemon, ip, pod):
    """Until spans from there are that pod's (None: nobody's); the attributes."""
    def check():
        found = seen_from(daemon, ip)
        return found.get("k8s.pod.name") == (pod and pod["metadata"]["name"]) and found
    return eventually(check, 30, f"{ip} is {pod and pod['metadata']['name']}", every=0.2)


# ---- deploy/kubernetes ----

@pytest.mark.parametrize("directory", EVERY, ids=lambda d: d.name)
def test_the_server_takes_every_manifest(api, directory):
    warnings = [w for manifest in kubernetes.render(directory) for w in api.apply(manifest, dry_run=True)]
    if directory.name == "node-journal":  # what it says of itself: state on the node's disk is outside "restricted"
        assert len(warnings) == 1 and "would violate PodSecurity" in warnings[0]
    else:
        assert warnings == []


def test_the_server_would_notice_a_misspelt_field(api):
    manifest = copy.deepcopy(kubernetes.find(MANIFESTS, "DaemonSet"))
    manifest["spec"]["template"]["spec"]["containers"][0]["livenessprobe"] = {}
    with pytest.raises(Refused, match="livenessprobe"):
        api.apply(manifest, dry_run=True)


@pytest.mark.parametrize("directory, token", [(DEPLOY / "base", False), (DEPLOY / "overlays" / "k8sattributes", True)],
                         ids=["base", "k8sattributes"])
def test_admission_takes_the_pods_and_mounts_a_token_where_it_should(api, directory, token):
    """The DaemonSet's pods, as its controller would make them, under Pod Security "restricted"."""
    template = kubernetes.find(kubernetes.render(directory), "DaemonSet")["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "probe", "namespace": "spantoll", **template["metadata"]},
           "spec": template["spec"]}
    made = api.call("POST", "/api/v1/namespaces/spantoll/pods?dryRun=All&fieldValidation=Strict", pod)
    mounts = {m["mountPath"] for m in made["spec"]["containers"][0]["volumeMounts"]}
    assert ("/var/run/secrets/kubernetes.io/serviceaccount" in mounts) == token


def test_the_role_is_just_enough(api):
    token = api.token("spantoll", "spantoll")
    assert api.ask("GET", "/api/v1/pods?limit=1", token=token)[0] == 200
    for path in ("/api/v1/secrets", "/api/v1/nodes", "/api/v1/namespaces/shop/configmaps", "/api/v1/namespaces/shop/pods/x"):
        assert api.ask("GET", path, token=token)[0] == 403, path
    assert api.ask("GET", "/api/v1/pods?limit=1", token=api.token("default", "shop"))[0] == 403


# ---- pods ----

def test_spans_get_the_pod_they_come_from(api, start, pods):
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "cart-7d4b9c", "uid": "0190163d-8694-739b-aea5-966c26f8ad91"}
    cart = pods("127.0.1.1", "fd00::1", ownerReferences=[owner], labels={"team": "checkout"})
    pods("127.0.1.2", node="node-2")
    daemon = start(extract={"metadata": ["k8s.namespace.name", "k8s.pod.name", "k8s.pod.uid", "k8s.deployment.name", "k8s.node.name"],
                            "labels": [{"key": "team"}]})
    found = known(daemon, "127.0.1.1", cart)
    assert found["k8s.namespace.name"] == "shop" and found["k8s.node.name"] == "node-1"
    assert found["k8s.pod.uid"] == cart["metadata"]["uid"] and found["k8s.deployment.name"] == "cart"
    assert found["k8s.pod.labels.team"] == "checkout"
    assert "k8s.pod.name" not in seen_from(daemon, "127.0.1.2")  # of another node
    assert "k8s.pod.name" not in seen_from(daemon, "127.0.0.1")


def test_a_pod_of_two_families_is_found_by_its_second_address(start, pods):
    pod = pods("fd00::2", "127.0.2.1")
    known(start(), "127.0.2.1", pod)


def test_pods_that_come_change_and_go_are_seen(api, start, pods):
    daemon = start(extract={"metadata": ["k8s.pod.name"], "labels": [{"key": "team"}]})
    daemon.wait_log("pods are known")
    first = pods("127.0.3.1")
    known(daemon, "127.0.3.1", first)
    api.label(first, team="storage")
    daemon.wait_metric("otelcol_otelsvc_k8s_pod_updated", 1)
    eventually(lambda: seen_from(daemon, "127.0.3.1").get("k8s.pod.labels.team") == "storage", 10)
    api.tell_status(first, ["127.0.3.1"], phase="Succeeded")
    known(daemon, "127.0.3.1", None)
    second = pods("127.0.3.1")
    known(daemon, "127.0.3.1", second)
    api.delete(second)
    known(daemon, "127.0.3.1", None)
    assert daemon.metric("spantoll_k8s_api_failures") == 0


def test_a_list_of_many_pages_is_complete(api, start, pods):
    """More pods than the 250 of a page."""
    made = [pods(f"127.0.4.{n % 250 + 1}" if n < 250 else f"127.0.5.{n - 249}") for n in range(260)]
    daemon = start()
    daemon.wait_metric("otelcol_otelsvc_k8s_pod_table_size", len(made))
    for n in (0, 249, 259):
        known(daemon, made[n]["status"]["podIP"], made[n])


def test_a_restart_of_the_server_costs_no_span_and_no_knowledge(api, start, pods):
    pod = pods("127.0.6.1")
    daemon = start()
    known(daemon, "127.0.6.1", pod)
    api.kill()
    daemon.wait_log("keeps the pods it knows")
    known(daemon, "127.0.6.1", pod)
    api.start()
    later = pods("127.0.6.2")
    known(daemon, "127.0.6.2", later)
    known(daemon, "127.0.6.1", pod)


def test_a_role_that_is_taken_away_is_told_and_costs_no_span(api, start, pods):
    pod = pods("127.0.7.1")
    daemon = start()
    known(daemon, "127.0.7.1", pod)
    binding = kubernetes.find(MANIFESTS, "ClusterRoleBinding")
    api.delete(binding)
    try:
        api.restart()  # a watch that runs is not asked again
        daemon.wait_metric("spantoll_k8s_api_failures", 1, timeout=90, reason="denied")
        daemon.wait_log('answers 403: pods is forbidden: User "system:serviceaccount:spantoll:spantoll" cannot ')
        eventually(lambda: "pods is forbidden" in json.dumps(daemon.status()), 10, "/status says so")
        known(daemon, "127.0.7.1", pod)
    finally:
        api.apply(binding)
    later = pods("127.0.7.2")
    eventually(lambda: seen_from(daemon, "127.0.7.2").get("k8s.pod.name") == later["metadata"]["name"], 90, every=0.5)
