# SPDX-License-Identifier: Apache-2.0
"""Writes spantoll.prices/v1 as YAML: one rule, one line, always the same bytes."""
import json
import re

PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*\Z")
WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


def scalar(text):
    return text if PLAIN.match(text) and text.lower() not in WORDS else json.dumps(text, ensure_ascii=False)


def condition(c):
    if c.op == "exact":
        value = scalar(c.texts[0])
    elif c.op == "one_of":
        value = "{one_of: [" + ", ".join(scalar(t) for t in c.texts) + "]}"
    else:
        value = "{" + c.op + ": " + scalar(c.texts[0]) + "}"
    return f"{scalar(c.field)}: {value}"


def meter(m):
    tiers = ", ".join(f"{{over: {over}, of: context_tokens, usd: {usd}}}" for over, usd in m["tiers"])
    return f"{{meter: {m['meter']}, usd: {m['usd']}, per: {m['per']}" + (f", tiers: [{tiers}]" if tiers else "") + "}"


def rule(r):
    parts = [f"id: {scalar(r.id)}", "match: {" + ", ".join(condition(c) for c in r.match) + "}"]
    parts.append("price: [" + ", ".join(meter(m) for m in r.price) + "]" if r.price else "free: true")
    for key in ("valid_from", "valid_to"):
        if getattr(r, key):
            parts.append(f"{key}: {getattr(r, key)}")
    if r.source:
        parts.append(f"source: {json.dumps(r.source)}")
    return "  - {" + ", ".join(parts) + "}\n"


def document(version, source, checked_at, comments, rules):
    head = ["# SPDX-License-Identifier: Apache-2.0"] + ["# " + c for c in comments]
    head += ["format: spantoll.prices/v1", f'version: "{version}"', "currency: USD",
             f"defaults: {{source: {json.dumps(source)}, checked_at: {checked_at}}}", "rules:"]
    return "\n".join(head) + "\n" + "".join(rule(r) for r in rules)
