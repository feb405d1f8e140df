# SPDX-License-Identifier: Apache-2.0
"""Reads the published catalogue of genai-prices (MIT) and says it in rules of spantoll.prices/v1.

The package keeps its data as a Python literal. It is parsed, never run.
"""
import ast
import dataclasses
import itertools
import re
from decimal import Decimal

# Its price keys and our meters: (meter, per).
METERS = {
    "input_mtok": ("input_tokens", "1M"),
    "cache_read_mtok": ("cached_tokens", "1M"),
    "cache_write_mtok": ("cache_write_tokens", "1M"),
    "cache_write_1h_mtok": ("cache_write_1h_tokens", "1M"),
    "output_mtok": ("output_tokens", "1M"),
    "output_reasoning_mtok": ("reasoning_tokens", "1M"),
    "input_audio_mtok": ("input_audio_tokens", "1M"),
    "output_audio_mtok": ("output_audio_tokens", "1M"),
    "input_image_mtok": ("input_image_tokens", "1M"),
    "input_mchars": ("characters", "1M"),
    "web_searches_kcount": ("search_queries", "1k"),
    "requests_kcount": ("calls", "1k"),
}
# What a price needs so that a span of the model can be charged at all.
ESSENTIAL = {"input_tokens", "output_tokens", "characters", "calls", "input_audio_tokens", "output_audio_tokens"}

# OpenAI's answer says which tier it charged; the second key is the older convention's.
OPENAI_TIER = (("openai.response.service_tier", ""), ("gen_ai.openai.response.service_tier", "-old"))
# Where nothing an SDK emits tells the tier, the application does.
OWN_TIER = (("cost.service_tier", ""),)


@dataclasses.dataclass(frozen=True)
class Condition:
    field: str
    op: str  # exact, one_of, prefix, suffix, glob
    texts: tuple


@dataclasses.dataclass
class Rule:
    id: str
    match: tuple
    price: list  # of meters: dicts; empty: free
    valid_from: str = None
    valid_to: str = None
    source: str = None
    provider: str = None
    model: str = None


# ---- the literal ----

def literal(node):
    """A constant, list, dict or call with keywords, as plain Python."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return [literal(e) for e in node.elts]
    if isinstance(node, ast.Dict):
        return {literal(k): literal(v) for k, v in zip(node.keys, node.values)}
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        if name == "Decimal":
            return Decimal(node.args[0].value)
        if name == "date":
            return "%04d-%02d-%02d" % tuple(literal(a) for a in node.args)
        if name == "time":
            return "time"
        return {k.arg: literal(k.value) for k in node.keywords}
    raise ValueError(f"line {node.lineno}: not data: {ast.dump(node)[:80]}")


def read(text):
    """The list of providers in data.py."""
    for statement in ast.parse(text).body:
        target = getattr(statement, "target", None)
        if isinstance(target, ast.Name) and target.id == "providers":
            return literal(statement.value)
    raise ValueError("data.py has no list of providers")


# ---- matching, as the source does it ----

def matches(clause, text):
    text = text.lower()
    if "or_" in clause:
        return any(matches(c, text) for c in clause["or_"])
    if "and_" in clause:
        return all(matches(c, text) for c in clause["and_"])
    (kind, value), = clause.items()
    if kind == "regex":
        return bool(re.search(value, text))
    value = value.lower()
    return {"equals": text == value, "starts_with": text.startswith(value), "ends_with": text.endswith(value),
            "contains": value in text}[kind]


def find(provider, text):
    """The model that the source takes for this name."""
    return next((m for m in provider["models"] if matches(m["match"], text)), None)


# ---- its matching rules as conditions ----

NOT_TTS = r"^(?!.*-[tT][tT][sS](?:$|-))"


def regex_patterns(regex):
    """Globs that match what the expression does; a date's digits become "20" and question marks."""
    body = regex.removeprefix("^")
    closed = body.endswith("$")
    body = body.removesuffix("$")
    body = body.replace(r"\d{8}", "20??????").replace(r"\d{4}-\d{2}-\d{2}", "20??-??-??")
    choices = []
    for part in re.split(r"(\([^)]*\)\?|\[[^]\\]*\]|\\d)", re.sub(r"\\([.\[\]])", r"<\1>", body).replace("<[>", "\0")
                         .replace("<]>", "\1").replace("<.>", ".")):
        if part.endswith(")?"):
            choices.append(["", part[1:-2]])
        elif part == r"\d":
            choices.append(list("0123456789"))
        elif part.startswith("["):
            choices.append(list(part[1:-1]))
        else:
            choices.append([part])
    out = ["".join(c).replace("\0", "[").replace("\1", "]") for c in itertools.product(*choices)]
    if not regex.startswith("^") or any(set(o) & set("\\()|+{}^$") for o in out):
        return None
    return [o if closed else o + "*" for o in out]


def patterns(clause, notes):
    """Texts and globs, lower case, one of which must match; None: cannot be said."""
    if "or_" in clause:
        parts = [patterns(c, notes) for c in clause["or_"]]
        return None if None in parts else [p for part in parts for p in part]
    if "and_" in clause:
        rest = [c for c in clause["and_"] if c.get("regex") != NOT_TTS]
        if len(rest) != 1:
            return None
        notes.append("also takes speech models that have no rule of their own")
        return patterns(rest[0], notes)
    (kind, value), = clause.items()
    if kind == "regex":
        return regex_patterns(value.lower().replace(r"\d", r"\d"))
    value = value.lower()
    return [{"equals": value, "starts_with": value + "*", "ends_with": "*" + value,
             "contains": "*" + value + "*"}[kind]]


GEOGRAPHY = re.compile(r"^\*?(us|eu|jp|au|apac|us-gov|in|ca)\.(?=[a-z])")


def bedrock(texts):
    """An inference profile costs the same in every geography but "global": one glob for all of them."""
    general = {GEOGRAPHY.sub("*.", t) for t in texts if GEOGRAPHY.match(t)}
    return [t for t in texts if not GEOGRAPHY.match(t)] + sorted(general)


def condition(field, texts):
    """Conditions, one of which must hold: the plain texts together, each pattern alone."""
    plain = [t for t in texts if not set(t) & set("*?")]
    out = []
    if len(plain) == 1:
        out.append(Condition(field, "exact", tuple(plain)))
    elif plain:
        out.append(Condition(field, "one_of", tuple(plain)))
    for text in texts:
        if text in plain:
            continue
        inner = text[:-1]
        if text.endswith("*") and not set(inner) & set("*?"):
            out.append(Condition(field, "prefix", (inner,)))
        elif text.startswith("*") and not set(text[1:]) & set("*?"):
            out.append(Condition(field, "suffix", (text[1:],)))
        else:
            out.append(Condition(field, "glob", (text,)))
    return out


def written(text):
    """A price without exponent and without zeros that say nothing."""
    text = format(Decimal(text), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def meters(prices, notes):
    """The price list of a rule, in our order; None: a span of this model could not be charged."""
    out = []
    for key, (meter, per) in METERS.items():
        value = prices.get(key)
        if value is None:
            continue
        tiers = []
        if isinstance(value, dict):
            tiers = [(t["start"], written(t["price"])) for t in sorted(value["tiers"], key=lambda t: t["start"])]
            value = value["base"]
        out.append({"meter": meter, "usd": written(value), "per": per, "tiers": tiers})
    lost = sorted(set(k for k, v in prices.items() if v is not None) - set(METERS))
    if lost:
        notes.append("no meter for " + ", ".join(lost))
    if lost and not any(m["meter"] in ESSENTIAL for m in out):
        return None
    return out


# ---- price history ----

def day_of(entry):
    constraint = entry.get("constraint")
    return (constraint or {}).get("start_date") or ""


def is_hourly(entry):
    return "start_time" in (entry.get("constraint") or {})


def history(model, notes):
    """[(first day or "", prices)] in order of time; the rows of certain hours are listed, not taken."""
    entries = model["prices"] if isinstance(model["prices"], list) else [{"prices": model["prices"]}]
    if any(is_hourly(e) for e in entries):
        notes.append("other prices at certain hours of the day are not in")
    entries = [e for e in entries if not is_hourly(e)]
    days = sorted({day_of(e) for e in entries})
    return [(day, [e for e in entries if day_of(e) <= day][-1]["prices"]) for day in days]


def variant_history(model, when, notes):
    """The same for a service tier: a partial list of prices over the standard one of the day."""
    base = history(model, [])
    variants = [v for v in model.get("price_variants") or [] if v["when"] == when]
    if any(is_hourly(v) for v in variants):
        notes.append("tier prices at certain hours are not in")
        variants = [v for v in variants if not is_hourly(v)]
    out = []
    for day in sorted({d for d, _ in base} | {day_of(v) for v in variants}):
        prices = [p for d, p in base if d <= day]
        over = [v["prices"] for v in variants if day_of(v) <= day]
        if prices and over and over[-1]:
            out.append((day, {**prices[-1], **over[-1]}))
    return out


def rows(history_rows):
    """With the day on which the next row begins."""
    for i, (day, prices) in enumerate(history_rows):
        following = history_rows[i + 1][0] if i + 1 < len(history_rows) else None
        yield day or None, following, prices


# ---- rules ----

def spoken(conditions):
    """What stands for a pattern in a rule's id."""
    return {"prefix": "{}*", "suffix": "*{}"}.get(conditions.op, "{}").format(conditions.texts[0])


def tier_of(provider, when):
    """(tier, attributes that name it), or None where no span says it."""
    if provider == "openai" and when.get("service_tier"):
        return when["service_tier"], OPENAI_TIER
    for key in ("service_tier", "processing", "speed"):
        if when.get(key):
            return when[key], OWN_TIER
    return None


def model_rules(provider, model, notes):
    texts = patterns(model["match"], notes)
    if texts is None:
        notes.append("its matching cannot be said in conditions")
        return []
    if provider["id"] == "aws":
        texts = bedrock(texts)
    source = (provider.get("pricing_urls") or [None])[0]
    named = condition("provider", [provider["id"].lower()])
    out = []
    for cond in condition("model", list(dict.fromkeys(texts))):
        alone = provider.get("model_match") and all(matches(provider["model_match"], t) for t in cond.texts)
        plain = cond.op in ("exact", "one_of")
        rule_id = f"{provider['id']}/{model['id'].lower() if plain else spoken(cond)}"
        base = () if alone else tuple(named)
        out += dated(rule_id, base + (cond,), history(model, notes), source, notes)
        for when in unique(v["when"] for v in model.get("price_variants") or []):
            tier = tier_of(provider["id"], when)
            if when.get("service_tier") == "default":
                continue
            if not tier:
                notes.append("no attribute tells " + ", ".join(f"{k} {v}" for k, v in when.items()))
                continue
            for attribute, suffix in tier[1]:
                told = Condition(attribute, "exact", (tier[0],))
                out += dated(f"{rule_id}@{tier[0]}{suffix}", base + (cond, told),
                             variant_history(model, when, notes), source, notes)
    for rule in out:
        rule.provider, rule.model = provider["id"], model["id"]
    return out


def unique(dicts):
    return [dict(items) for items in dict.fromkeys(tuple(sorted(d.items())) for d in dicts)]


def dated(rule_id, match, history_rows, source, notes):
    out = []
    for begin, end, prices in rows(history_rows):
        price = meters({k: v for k, v in prices.items() if v is not None}, notes)
        if price is None:
            continue
        if out and out[-1].price == price and out[-1].valid_to == begin:
            out[-1].valid_to = end
        else:
            out.append(Rule(rule_id, match, price, begin, end, source))
    return out
