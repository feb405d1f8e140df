# SPDX-License-Identifier: Apache-2.0
"""LiteLLM's price map (MIT): the second opinion, and models of the clouds that the first source lacks."""
import json
import re
from decimal import Decimal

import genai

# Its providers under the first source's names. Others are not compared.
PROVIDERS = {
    "openai": "openai", "anthropic": "anthropic", "azure": "azure", "azure_ai": "azure", "bedrock": "aws",
    "bedrock_converse": "aws", "gemini": "google", "vertex_ai-language-models": "google",
    "vertex_ai-anthropic_models": "google", "vertex_ai-embedding-models": "google", "mistral": "mistral",
    "xai": "x-ai", "deepseek": "deepseek", "groq": "groq", "cohere": "cohere", "cohere_chat": "cohere",
    "perplexity": "perplexity", "together_ai": "together", "fireworks_ai": "fireworks", "moonshot": "moonshotai",
    "minimax": "minimax", "zai": "zai", "voyage": "voyageai", "novita": "novita", "baseten": "baseten",
    "databricks": "databricks", "ovhcloud": "ovhcloud", "openrouter": "openrouter", "cerebras": "cerebras",
}
# And the meter that stands in where there is none.
AUDIO = {"input_audio_tokens": "input_tokens", "output_audio_tokens": "output_tokens"}
INFINITE = Decimal("Infinity")
CLOUDS = {"aws", "azure", "google"}
METERS = {
    "input_tokens": "input_cost_per_token",
    "cached_tokens": "cache_read_input_token_cost",
    "cache_write_tokens": "cache_creation_input_token_cost",
    "cache_write_1h_tokens": "cache_creation_input_token_cost_above_1hr",
    "output_tokens": "output_cost_per_token",
    "input_audio_tokens": "input_cost_per_audio_token",
    "output_audio_tokens": "output_cost_per_audio_token",
}
MODES = {"chat", "completion", "responses", "embedding"}
TIER = re.compile(r"_above_(\d+)k_tokens$")
REGION = re.compile(r"(^|/)[a-z]{2}(-gov)?-[a-z]+-\d/|commitment|/\*|^sample_spec$")


def read(text):
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def models(table):
    """(provider, model, entry) of what can be compared, in order."""
    for key in sorted(table):
        entry = table[key]
        provider = PROVIDERS.get(entry.get("litellm_provider"))
        if not provider or REGION.search(key) or entry.get("mode") not in MODES:
            continue
        name = key.split("/", 1)[1] if key.split("/")[0] in PREFIXES else key
        yield provider, name.lower(), entry


PREFIXES = set(PROVIDERS) | {"vertex_ai", "cohere_chat", "fireworks_ai", "together_ai"}


def prices(entry):
    """{meter: (price per million, [(over, price)])}"""
    out = {}
    for meter, key in METERS.items():
        if entry.get(key) is None:
            continue
        tiers = sorted((int(m[1]) * 1000, per_million(entry[k])) for k in entry
                       if k.startswith(key) and (m := TIER.fullmatch(k[len(key):])))
        out[meter] = (per_million(entry[key]), tiers)
    return out


def per_million(price):
    return genai.written(str(Decimal(price) * 1000000))


def conflicts(table, book, day):
    """Rows (provider, model, rule, meter, ours, theirs) where both sources name a price and differ."""
    for provider, name, entry in models(table):
        rule = book.find({"provider": provider, "model": name}, day)
        if not rule or rule.provider == "litellm":
            continue
        theirs = prices(entry)
        for m in rule.price:
            their = theirs.get(m["meter"])
            if their is None or (m["usd"], m["tiers"]) == their:
                continue
            yield provider, name, rule.id, m["meter"], shown(m["usd"], m["tiers"]), shown(*their)


def shown(usd, tiers):
    return usd + "".join(f"; {t} over {over}" for over, t in tiers)


def fill_audio(table, book, day):
    """Audio tokens cost many times what text does: dearer rates that only this source has go into the other one's rules."""
    wanted = {}
    for provider, name, entry in models(table):
        rule = book.find({"provider": provider, "model": name}, day)
        text = {m["meter"]: Decimal(m["usd"]) for m in rule.price} if rule else {}
        audio = [m for m in theirs_of(entry) or []
                 if not m["tiers"] and Decimal(m["usd"]) > text.get(AUDIO.get(m["meter"]), INFINITE)]
        if audio and not AUDIO.keys() & text.keys():
            wanted.setdefault(rule.id, (rule, []))[1].append(audio)
    for rule, rates in wanted.values():
        if all(audio == rates[0] for audio in rates):
            rule.price.extend(rates[0])


def extra_rules(table, book, day, source):
    """What only this source has, for the clouds: exact names."""
    out, seen = [], set()
    for provider, name, entry in models(table):
        found = theirs_of(entry)
        known = book.find({"provider": provider, "model": name}, day)
        if provider not in CLOUDS or known or not found or (provider, name) in seen or is_slip(found):
            continue
        seen.add((provider, name))
        match = tuple(genai.condition("provider", [provider]) + genai.condition("model", [name]))
        out.append(genai.Rule(f"{provider}/{name}", match, found, source=source, provider="litellm", model=name))
    return out


def is_slip(found):
    """No model costs a dollar per thousand tokens: that is a price per thousand, entered per token."""
    return any(Decimal(m["usd"]) > 1000 for m in found if m["meter"] == "input_tokens")


def theirs_of(entry):
    """Its prices as meters; nothing where input has no price: such models charge by something else."""
    found = prices(entry)
    if Decimal(found.get("input_tokens", ("0",))[0]) == 0:
        return None
    out = []
    for meter, (usd, tiers) in found.items():
        if Decimal(usd) or meter == "output_tokens" and entry["mode"] != "embedding":
            out.append({"meter": meter, "usd": usd, "per": "1M", "tiers": tiers})
    return out
