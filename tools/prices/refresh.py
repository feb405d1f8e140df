#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes catalogue/{llm,llm_hosts,compute}.yaml and conflicts.csv anew from the published sources.

  tools/prices/refresh.py            fetch the pinned packages, print what would change
  tools/prices/refresh.py --write    ... and write it
  tools/prices/refresh.py --check    ... exit 1 where the committed files differ

The same packages always give the same bytes. --genai, --litellm and --karpenter name local copies of the one file
that is read of each; without them pip and go fetch the packages into build/prices.
"""
import argparse
import csv
import io
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import compute
import emit
import genai
import litellm
import order

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / "build/prices"
# Pinned: a newer version is a change of this line, of CARRIED_ON and of the files.
GENAI, LITELLM = "genai-prices==0.2.3", "litellm==1.109.1"
KARPENTER = "github.com/aws/karpenter-provider-aws@v1.14.1"
CARRIED_ON = "2026-11-21"
OPENCOST = "https://github.com/opencost/opencost/blob/develop/configs/default.json"
KARPENTER_TABLE = "pkg/providers/pricing/zz_generated.pricing_aws.go"
GENAI_URL = "https://github.com/pydantic/genai-prices"
LITELLM_URL = "https://github.com/BerriAI/litellm"
# Who makes models, who sells them in a cloud, and the hosts that most use; everybody else is in llm_hosts.
MAKERS = ("openai", "anthropic", "google", "aws", "azure", "mistral", "cohere", "x-ai", "deepseek", "meta",
          "moonshotai", "minimax", "zai", "zhipuai", "perplexity", "voyageai", "elevenlabs", "arcee", "typesafe",
          "openai-decisions", "groq", "together", "fireworks", "cerebras")


# ---- sources ----

def from_wheel(package, name):
    """One file of a package, fetched by pip."""
    where = CACHE / package
    if not where.is_dir():
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--disable-pip-version-check",
                        "-d", where, package], check=True)
    with zipfile.ZipFile(next(where.glob("*.whl"))) as wheel:
        return wheel.read(name).decode()


def from_module(module, name):
    """One file of a Go module, fetched by go."""
    CACHE.mkdir(parents=True, exist_ok=True)
    venv_go = ROOT / "build/venv/bin/go"
    go = venv_go if venv_go.exists() else "go"
    subprocess.run([go, "mod", "download", module], check=True, cwd=CACHE)
    cache = subprocess.run([go, "env", "GOMODCACHE"], check=True, capture_output=True, text=True).stdout.strip()
    return (pathlib.Path(cache) / module / name).read_text()


def sources(args):
    def text(path, fetch):
        return pathlib.Path(path).read_text() if path else fetch()
    return (text(args.genai, lambda: from_wheel(GENAI, "genai_prices/data.py")),
            text(args.litellm, lambda: from_wheel(LITELLM, "litellm/model_prices_and_context_window_backup.json")),
            text(args.karpenter, lambda: from_module(KARPENTER, KARPENTER_TABLE)))


# ---- files ----

def llm_rules(providers, notes):
    rules = []
    for provider in providers:
        for model in provider["models"]:
            said = []
            rules += genai.model_rules(provider, model, said)
            notes += [(provider["id"], model["id"], n) for n in dict.fromkeys(said)]
    return rules


def llm_files(providers, table):
    """The two documents, the conflicts and what could not be said."""
    notes = []
    rules = llm_rules(providers, notes)
    book = order.Book(rules)
    litellm.fill_audio(table, book, CARRIED_ON)
    rules += litellm.extra_rules(table, book, CARRIED_ON, LITELLM_URL)
    makers = sorted((r for r in rules if home(r) in MAKERS), key=lambda r: MAKERS.index(home(r)))
    hosts = [r for r in rules if home(r) not in MAKERS]
    return makers, hosts, list(litellm.conflicts(table, book, CARRIED_ON)), notes


def home(rule):
    return rule.id.split("/")[0]


def table_of(header, rows):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def files(genai_text, litellm_text, karpenter_text):
    made = "Made by tools/prices/refresh.py from %s: change prices in a file of yours, not here."
    makers, hosts, conflicts, notes = llm_files(genai.read(genai_text), litellm.read(litellm_text))
    machines, seen = compute.read(karpenter_text)
    default = genai.Rule("compute/default", (genai.Condition("kind", "one_of", ("server", "consumer")),),
                         [{"meter": "duration", "usd": "0.048559", "per": "1h", "tiers": []}], source=OPENCOST)
    llm_source = made % f"{GENAI} and {LITELLM}"
    return {
        "llm.yaml": emit.document(CARRIED_ON, GENAI_URL, CARRIED_ON,
                                  ["LLM prices of those who make models, of the clouds and of large hosts.", llm_source], makers),
        "llm_hosts.yaml": emit.document(CARRIED_ON, GENAI_URL, CARRIED_ON,
                                        ["LLM prices of routers, market places and smaller hosts.", llm_source], hosts),
        "compute.yaml": emit.document(
            CARRIED_ON, "https://aws.amazon.com/ec2/pricing/on-demand/", seen,
            ["A whole EC2 machine by its time (us-east-1, Linux, on demand), for spans that have it to themselves.",
             "compute/default: one vCPU (0.031611) and 4 GiB (4 x 0.004237) where the machine is not known.",
             made % KARPENTER], list(compute.rules(machines)) + [default]),
        "conflicts.csv": table_of(("provider", "model", "rule", "meter", "genai_prices_usd", "litellm_usd"), conflicts),
        "untranslated.csv": table_of(("provider", "model", "what"), notes),
    }


# ---- difference ----

def lines_by_id(text):
    out = {}
    for line in text.splitlines():
        if line.startswith("  - {id: "):
            out.setdefault(line.split(", match:")[0].removeprefix("  - {id: "), []).append(line)
    return out


def difference(name, old, new):
    """What a person wants to know of a change: rules that came, went, changed."""
    before, after = lines_by_id(old), lines_by_id(new)
    if not before and not after:
        return [] if old == new else [f"{name}: changed"]
    out = [f"{name}: + {i}" for i in after if i not in before]
    out += [f"{name}: - {i}" for i in before if i not in after]
    for i in after:
        if i in before and before[i] != after[i]:
            out += [f"{name}: < {line.strip()}" for line in before[i]] + [f"{name}: > {line.strip()}" for line in after[i]]
    return out or ([] if old == new else [f"{name}: comments changed"])


def told(name, path, text):
    """The same by `spantoll prices diff`, where it is built: it knows what a price is."""
    spantoll = ROOT / "build/release/bin/spantoll"
    if not (spantoll.exists() and path.exists() and name.endswith(".yaml")):
        return difference(name, path.read_text() if path.exists() else "", text)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as new:
        new.write(text)
        new.flush()
        done = subprocess.run([spantoll, "prices", "diff", path, new.name], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        return [f"{name}: {done.stderr.strip()}"]
    return [f"{name}:", done.stdout.rstrip()] if done.returncode else []


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option in ("genai", "litellm", "karpenter"):
        parser.add_argument("--" + option, metavar="FILE")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--into", metavar="DIR", default=ROOT / "catalogue", type=pathlib.Path)
    return parser.parse_args(argv)


def main():
    args = arguments(sys.argv[1:])
    changed = []
    for name, text in files(*sources(args)).items():
        path = args.into / name
        if not path.exists() or path.read_text() != text:
            changed += told(name, path, text) or [f"{name}: comments changed"]
        if args.write:
            path.write_text(text)
    print("\n".join(changed) if changed else "nothing changes")
    return 1 if args.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
