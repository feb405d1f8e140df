# SPDX-License-Identifier: Apache-2.0
"""Hourly prices of EC2 machines from the tables of karpenter-provider-aws (Apache-2.0)."""
import re

import genai

TABLE = re.compile(r'"us-east-1": \{(.*?)\n\t\},', re.DOTALL)
ROW = re.compile(r'"([a-z0-9-]+\.[a-z0-9-]+)": ([0-9.]+)')
MADE = re.compile(r"generated at (\d{4}-\d{2}-\d{2})")


def read(text):
    """({machine: dollars an hour}, the day they were read from AWS)"""
    return dict(ROW.findall(TABLE.search(text)[1])), MADE.search(text)[1]


def rules(machines):
    kinds = genai.Condition("kind", "one_of", ("server", "consumer"))
    for name in sorted(machines, key=lambda n: (n.split(".")[0], float(machines[n]), n)):
        usd = genai.written(machines[name])
        yield genai.Rule("compute/aws/" + name, (genai.Condition("host.type", "exact", (name,)), kinds),
                         [{"meter": "duration", "usd": usd, "per": "1h", "tiers": []}])
