# SPDX-License-Identifier: Apache-2.0
"""Every configuration that we hand out is accepted by this daemon, without a warning."""
import subprocess

import pytest
import yaml

from env.daemon import BINARY, ROOT

CONFIGS = [ROOT / "examples/local.yaml", ROOT / "examples/production.yaml", ROOT / "deploy/image/config.yaml",
           ROOT / "deploy/kubernetes/base/config.yaml"]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: str(p.relative_to(ROOT)))
def test_it_is_accepted(path):
    done = subprocess.run([BINARY, "validate", "--config", path], capture_output=True, text=True, cwd=ROOT,
                          env={"PRICES_FILE": str(ROOT / "examples/prices.json")})
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr


def test_compose_gives_the_daemon_what_its_configuration_asks_for():
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    daemon = compose["services"]["spantoll"]
    config = (ROOT / "examples/production.yaml").read_text()
    for name in daemon["environment"]:
        assert "${env:" + name in config, f"{name} is set and not used"
    assert set(daemon["depends_on"]) <= set(compose["services"])
    for volume in daemon["volumes"]:
        name = volume.split(":")[0]
        assert name in compose["volumes"] or (ROOT / name).exists()
    assert any(v.split(":")[1] == "/var/lib/spantoll" for v in daemon["volumes"]), "the journal outlives the container"
    for port in ("4317", "4318", "13133", "8888"):
        assert f"0.0.0.0:{port}" in config or f"host: 0.0.0.0, port: {port}" in config
