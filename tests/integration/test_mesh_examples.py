# SPDX-License-Identifier: Apache-2.0
"""The mesh configurations that we hand out are accepted by the real Envoy, also those wrapped for Istio and Cilium."""
import copy

import pytest
import yaml

from env.envoy import EXAMPLES, accepts, read

HCM = "envoy.filters.network.http_connection_manager"
ROUTER = "envoy.filters.http.router"


def documents(name):
    return list(yaml.safe_load_all((EXAMPLES / name).read_text()))


def bootstrap(listeners, clusters):
    return {"static_resources": {"listeners": listeners, "clusters": clusters}}


def static(cluster):
    """Endpoints that a control plane would tell, told here."""
    cluster = copy.deepcopy(cluster)
    if cluster["type"] == "EDS":
        address = {"socket_address": {"address": "127.0.0.1", "port_value": 1}}
        cluster |= {"type": "STATIC", "load_assignment": {
            "cluster_name": cluster["name"], "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}}
    cluster.pop("@type", None)
    return cluster


def at_port(listener, port):
    return {k: v for k, v in listener.items() if k != "@type"} | {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}


def connection_managers(node):
    """Every HTTP connection manager's settings in a tree."""
    if isinstance(node, dict):
        if node.get("name") == HCM and "typed_config" in node:
            yield node["typed_config"]
        for value in node.values():
            yield from connection_managers(value)
    elif isinstance(node, list):
        for value in node:
            yield from connection_managers(value)


def test_envoy_accepts_its_example(tmp_path):
    assert accepts(read("envoy.yaml"), tmp_path) == ""


def test_a_mistake_is_not_accepted(tmp_path):
    config = read("envoy.yaml")
    next(connection_managers(config))["http_filters"][0]["typed_config"]["failure_mode_denied"] = False
    assert "failure_mode_denied" in accepts(config, tmp_path)


def sidecar(patches):
    """An inbound sidecar with these patches, as Istio would put them together."""
    host = {"name": "inbound|http|8080", "domains": ["*"], "routes": [
        {"match": {"prefix": "/"}, "route": {"cluster": "app"}}]}
    filters = [{"name": ROUTER, "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}]
    clusters = [static({"name": "app", "type": "EDS"})]
    for patch in patches:
        value, where = patch["patch"]["value"], (patch["applyTo"], patch["patch"]["operation"])
        assert patch["match"]["context"] == "SIDECAR_INBOUND"
        if where == ("CLUSTER", "ADD"):
            clusters.append(value)
        elif where == ("VIRTUAL_HOST", "MERGE"):
            host |= value
        else:
            assert where == ("HTTP_FILTER", "INSERT_BEFORE")
            before = patch["match"]["listener"]["filterChain"]["filter"]
            assert before == {"name": HCM, "subFilter": {"name": ROUTER}}
            filters.insert(len(filters) - 1, value)
    manager = {"@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
               "stat_prefix": "inbound", "route_config": {"virtual_hosts": [host]}, "http_filters": filters}
    return bootstrap([at_port({"filter_chains": [{"filters": [{"name": HCM, "typed_config": manager}]}]}, 15006)], clusters)


def test_envoy_accepts_what_istio_makes_of_the_envoy_filters(tmp_path):
    mesh, workload = documents("istio-envoyfilter.yaml")
    for filter in (mesh, workload):
        assert (filter["apiVersion"], filter["kind"]) == ("networking.istio.io/v1alpha3", "EnvoyFilter")
        assert set(filter["spec"]) <= {"configPatches", "workloadSelector"}
    assert accepts(sidecar(mesh["spec"]["configPatches"]), tmp_path) == ""
    both = sidecar(mesh["spec"]["configPatches"] + workload["spec"]["configPatches"])
    assert accepts(both, tmp_path) == ""
    (manager,) = connection_managers(both)
    assert [f["name"] for f in manager["http_filters"]] == [
        "envoy.filters.http.ext_authz.spantoll", "envoy.filters.http.ratelimit", ROUTER]


def test_envoy_accepts_what_cilium_is_given(tmp_path):
    (config,) = documents("cilium-envoy-config.yaml")
    assert (config["apiVersion"], config["kind"]) == ("cilium.io/v2", "CiliumEnvoyConfig")
    kinds = {}
    for resource in config["spec"]["resources"]:
        kinds.setdefault(resource["@type"].rsplit(".", 1)[1], []).append(resource)
    (listener,), (routes,) = kinds["Listener"], kinds["RouteConfiguration"]
    (manager,) = connection_managers(listener)
    assert manager.pop("rds") == {"route_config_name": routes["name"]}
    manager["route_config"] = {k: v for k, v in routes.items() if k != "@type"}
    assert accepts(bootstrap([at_port(listener, 10000)], [static(c) for c in kinds["Cluster"]]), tmp_path) == ""
    services = {f"{s['namespace']}/{s['name']}" for s in config["spec"]["services"]}
    services |= {f"{s['namespace']}/{s['name']}:{n}" for s in config["spec"]["backendServices"] for n in s["number"]}
    assert {c["name"] for c in kinds["Cluster"]} == services


@pytest.mark.parametrize("name", ["envoy.yaml", "istio-envoyfilter.yaml", "cilium-envoy-config.yaml"])
def test_traffic_flows_without_spantoll(name):
    """Every filter says that requests pass when nobody answers, and does not wait long for it."""
    def look(node):
        if isinstance(node, list):
            return sum(map(look, node))
        if not isinstance(node, dict):
            return 0
        kind = str(node.get("@type", "")).rsplit(".", 1)[-1]
        if kind == "ExtAuthz":
            assert node["failure_mode_allow"] is True
            waits = node["grpc_service"] if "grpc_service" in node else node["http_service"]["server_uri"]
            assert waits["timeout"] == "0.05s"
        if kind == "RateLimit":
            assert node["failure_mode_deny"] is False and node["timeout"] == "0.05s"
        return (kind in ("ExtAuthz", "RateLimit")) + sum(map(look, node.values()))
    assert look(documents(name)) >= 1
