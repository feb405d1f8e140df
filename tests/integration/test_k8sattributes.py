# SPDX-License-Identifier: Apache-2.0
"""Spans tell which pod sent them: found by the address of their connection, from the Kubernetes API."""
import itertools
import json

import pytest

from env import otlp
from env.certificates import Authority
from env.kube_api import KubeApi, pod
from env.poll import eventually

HERE = "127.0.0.1"


@pytest.fixture
def api(tmp_path):
    authority = Authority(tmp_path)
    api = KubeApi(authority.issue("kubernetes"))
    api.ca = authority.cert
    api.token_file = tmp_path / "token"
    api.token_file.write_text(api.token + "\n")
    yield api
    api.close()


@pytest.fixture
def start(spantoll, api):
    def start(**settings):
        daemon = spantoll(
            processors={"k8sattributes": {"endpoint": api.url, "token_file": str(api.token_file), "ca_file": str(api.ca),
                                          **settings}},
            exporters={"file": {"path": "spans.jsonl"}, "file/records": {"path": "records.jsonl", "encoding": "json"}})
        if not settings.get("passthrough") and not api.watch_status:
            eventually(api.watching, 15, "the daemon watches pods")
        return daemon
    return start


def resource_of(daemon, name, service="shop", **attrs):
    """The resource attributes that a span of this name comes out with."""
    assert daemon.export(otlp.request({service: [otlp.span(name)]}, resource=attrs)).ok

    def found():
        for line in (daemon.dir / "spans.jsonl").read_text().splitlines():
            for resource in json.loads(line)["resourceSpans"]:
                if any(s["name"] == name for scope in resource["scopeSpans"] for s in scope["spans"]):
                    return {a["key"]: a["value"]["stringValue"] for a in resource["resource"]["attributes"]}
    return eventually(found, 10, f"span {name}")


def known(daemon, count):
    daemon.wait_metric("otelcol_otelsvc_k8s_pod_table_size", count)


def test_a_span_gets_namespace_deployment_and_node_of_its_pod(api, start):
    api.pods = [pod("a-1-x", "10.0.0.1"), pod("b-1-x", "10.0.0.2"), pod("cart-7d4b9c-x2k", HERE),
                pod("elsewhere-1-x", "10.0.0.3", node="node-2")]
    daemon = start(filter={"node": "node-1"})
    known(daemon, 3)  # in two pages
    found = resource_of(daemon, "first", **{"k8s.node.name": "said-by-the-app"})
    assert found["k8s.namespace.name"] == "shop" and found["k8s.pod.name"] == "cart-7d4b9c-x2k"
    assert found["k8s.deployment.name"] == "cart"  # its ReplicaSet is cart-7d4b9c
    assert found["k8s.node.name"] == "said-by-the-app"
    assert found["service.name"] == "shop"
    assert {r[1].get("fieldSelector") for r in api.requests} == {"spec.nodeName=node-1"}
    assert daemon.metric("otelcol_otelsvc_k8s_ip_lookup_miss") == 0


def test_a_pod_of_two_families_is_found_by_its_second_address(api, start):
    api.pods = [pod("cart-7d-x", "fd00::7", more=[HERE])]
    daemon = start()
    known(daemon, 1)
    assert resource_of(daemon, "four")["k8s.pod.name"] == "cart-7d-x"


def test_pods_that_come_change_and_go_are_seen(api, start):
    daemon = start(extract={"metadata": ["k8s.pod.name", "k8s.statefulset.name"], "labels": [{"key": "team"}]})
    assert "k8s.pod.name" not in resource_of(daemon, "nobody")
    assert daemon.metric("otelcol_otelsvc_k8s_ip_lookup_miss") == 1
    db = pod("db-0", HERE, owner=("StatefulSet", "db"))
    api.tell("ADDED", db)
    known(daemon, 1)
    assert resource_of(daemon, "added")["k8s.statefulset.name"] == "db"
    db["metadata"]["labels"] = {"team": "storage"}
    api.tell("MODIFIED", db)
    daemon.wait_metric("otelcol_otelsvc_k8s_pod_updated", 1)
    assert resource_of(daemon, "changed")["k8s.pod.labels.team"] == "storage"
    api.tell("DELETED", db)
    daemon.wait_metric("otelcol_otelsvc_k8s_pod_deleted", 1)
    assert "k8s.pod.name" not in resource_of(daemon, "gone")


def test_an_api_server_that_forgets_or_refuses_costs_no_span_and_no_knowledge(api, start):
    api.pods = [pod("cart-7d-x", HERE)]
    daemon = start()
    known(daemon, 1)
    api.pods = [pod("next-7d-x", HERE)]
    api.tell("ERROR", {"code": 410, "message": "too old resource version"})  # a new list
    names = (f"after-{n}" for n in itertools.count())
    eventually(lambda: resource_of(daemon, next(names))["k8s.pod.name"] == "next-7d-x", 15, every=0.5)
    api.token = "another"
    api.end_watches()
    daemon.wait_metric("spantoll_k8s_api_failures", 1, reason="denied")
    daemon.wait_log(f"keeps the pods it knows: {api.url} answers 401: Unauthorized")
    assert resource_of(daemon, "refused")["k8s.pod.name"] == "next-7d-x"
    assert "let-me-in" not in daemon.log
    api.token_file.write_text(api.token)  # tokens are replaced: read again
    eventually(api.watching, 20, "the daemon watches pods again")


@pytest.mark.parametrize("status", [200, 403])
def test_a_server_whose_watches_do_not_hold_is_asked_ever_more_seldom(api, start, status):
    api.watch_status = status  # 403: a role that may list but not watch
    start()
    at = eventually(lambda: len(api.watched_at) >= 3 and api.watched_at, 10, "three watches")
    assert at[1] - at[0] > 0.8 and at[2] - at[1] > 1.7


def test_a_pod_is_found_by_what_its_resource_says(api, start):
    api.pods = [pod("cart-7d-x", "10.0.0.9")]
    daemon = start(pod_association=[{"sources": [{"from": "resource_attribute", "name": "k8s.pod.uid"}]},
                                    {"sources": [{"from": "resource_attribute", "name": "k8s.pod.ip"}]},
                                    {"sources": [{"from": "connection"}]}])
    known(daemon, 1)
    assert resource_of(daemon, "uid", **{"k8s.pod.uid": "uid-cart-7d-x"})["k8s.pod.name"] == "cart-7d-x"
    assert resource_of(daemon, "ip", **{"k8s.pod.ip": "10.0.0.9"})["k8s.pod.name"] == "cart-7d-x"
    assert "k8s.pod.name" not in resource_of(daemon, "neither", **{"k8s.pod.ip": "10.0.0.8"})


def test_passthrough_notes_the_address_and_asks_nobody(api, start):
    daemon = start(passthrough=True)
    assert resource_of(daemon, "noted")["k8s.pod.ip"] == HERE
    assert api.requests == []


def test_a_label_can_name_the_service_that_is_billed(api, start):
    cart = pod("cart-7d4b9c-x2k", HERE)
    cart["metadata"]["labels"] = {"app": "cart"}
    api.pods = [cart]
    daemon = start(extract={"metadata": ["k8s.pod.name"], "labels": [{"tag_name": "service.name", "key": "app"}]})
    known(daemon, 1)
    assert daemon.export(otlp.request({None: [otlp.span("unnamed")], "shop": [otlp.span("named")]})).ok

    def billed():
        records = [json.loads(line) for line in (daemon.dir / "records.jsonl").read_text().splitlines()]
        return len(records) == 2 and {r["service"] for r in records}
    assert eventually(billed, 10, "two records") == {"cart", "shop"}


def test_many_resources_of_few_spans_get_every_label_and_go_on(api, start):
    keys = [f"label-{n}" for n in range(20)]
    cart = pod("cart-7d4b9c-x2k", HERE)
    cart["metadata"]["labels"] = {key: key * 7 for key in keys}
    api.pods = [cart]
    daemon = start(extract={"labels": [{"key": key} for key in keys]})
    known(daemon, 1)
    count = 1000
    assert daemon.export(otlp.request({f"service-{n}": [otlp.span("few")] for n in range(count)})).ok

    def all_told():
        told = [resource["resource"]["attributes"]
                for line in (daemon.dir / "spans.jsonl").read_text().splitlines()
                for resource in json.loads(line)["resourceSpans"]]
        return len(told) == count and [{a["key"] for a in attributes} for attributes in told]
    wanted = {f"k8s.pod.labels.{key}" for key in keys}
    assert all(wanted < names for names in eventually(all_told, 10, "every resource"))
