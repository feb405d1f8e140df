# SPDX-License-Identifier: Apache-2.0
"""What a span costs is exact to the picodollar: a million random spans against Python's integers."""
import decimal
import fractions
import math
import os
import pathlib
import random
import subprocess

import pytest

TOOL = pathlib.Path(os.environ.get("SPANTOLL_TOOLS", "build/release/tools")) / "price_oracle"
SPANS_PER_RULE, RULES = 200, 2_500
YOCTO = 10**24
PROMPT = ["input_tokens", "cached_tokens", "cache_write_tokens", "cache_write_1h_tokens", "input_audio_tokens", "input_image_tokens"]
TOKENS = PROMPT + ["output_tokens", "output_audio_tokens"]
USAGE = TOKENS + ["reasoning_tokens", "images", "characters", "search_queries"]
USAGE_SET = set(USAGE)
APART = ["images", "characters"]  # no count of tokens tells of them
MEASURED = ["request_bytes", "response_bytes", "gb_seconds", "read_capacity_units", "write_capacity_units"]
FALLBACK = {"cache_write_1h_tokens": "cache_write_tokens", "cache_write_tokens": "input_tokens",
            "cached_tokens": "input_tokens", "input_audio_tokens": "input_tokens",
            "input_image_tokens": "input_tokens", "output_audio_tokens": "output_tokens"}
PER = [1, 1_000, 1_000_000, 1_000_000_000, 3_600_000_000_000, 60_000_000_000, 2**10, 2**30, 2**30 * 10**9, 10**18]


class Meter:
    def __init__(self, rnd, kind, discount):
        self.kind, self.lines, self.rates = kind, [], []
        self.at_least = rnd.choice([0, 0, 0, 1, 65_536, rnd.randrange(10**6)])
        self.step = rnd.choice([0, 0, 0, 1, 4096, 65_536, rnd.randint(1, 10**6)])
        self.rate = self.random_rate(rnd, discount, f"M {kind} {{}} {{}} {self.at_least} {self.step}")
        self.tiers = []
        for _ in range(rnd.choice([0, 0, 0, 1, 3])):
            of = rnd.choice(["context_tokens", kind, "input_tokens"])
            over = rnd.choice([0, 200_000, rnd.randrange(10**7)])
            self.tiers.append((of, over, self.random_rate(rnd, discount, f"T {of} {over} {{}} {{}}")))

    def random_rate(self, rnd, discount, line):
        digits = rnd.choice([1, 3, 6, 12, 20])
        usd = f"{rnd.randrange(10**digits)}e-{rnd.randint(max(0, digits - 4), 28)}"
        per = rnd.choice(PER) if rnd.random() < 0.95 else 7 * rnd.choice(PER[:4])
        self.lines.append(line.format(usd, per))
        rate = fractions.Fraction(round(fractions.Fraction(usd) * YOCTO), per)
        self.rates.append((rate, rate * discount))
        return rate * discount


class Rule:
    def __init__(self, rnd):
        self.draw(rnd)
        while not self.fits():
            self.draw(rnd)
        self.free = not any(rate for m in self.meters.values() for rate, _ in m.rates)
        self.uses_model = not USAGE_SET.isdisjoint(self.meters)
        self.charges_tokens = any(k in TOKENS or k == "reasoning_tokens" for k in self.meters)

    def fits(self):
        """Whether a price book takes it: one that cannot be summed exactly is refused."""
        rates = [r for m in self.meters.values() for r in m.rates]
        return all(math.lcm(*(r[i].denominator for r in rates)) < 2**63 for i in range(2))

    def draw(self, rnd):
        num, den = rnd.choice([(1, 1), (1, 1), (88, 100), (9, 10), (995, 1000), (2, 1)])
        kinds = rnd.sample(USAGE + MEASURED + ["duration", "calls"], rnd.randint(1, 5))
        if rnd.random() < 0.5:
            kinds = list({*kinds, "input_tokens", "output_tokens"})
        self.meters = {k: Meter(rnd, k, fractions.Fraction(num, den)) for k in kinds}
        self.lines = [f"R {num} {den}", *(line for m in self.meters.values() for line in m.lines)]

    def meter_for(self, kind):
        while kind and kind not in self.meters:
            kind = FALLBACK.get(kind)
        return self.meters.get(kind)


def below(rnd, n):
    return int(rnd.random() * n)  # ten times as fast as randrange(), and there are millions


def random_decimal(rnd):
    """Text, as a fraction's numerator and denominator."""
    places = (1, 2, 6, 18)[below(rnd, 4)]
    units = below(rnd, 10 ** (1 + below(rnd, 18)))
    return f"={units}e-{places}", (units, 10**places)


def random_double(rnd):
    number = (rnd.random(), rnd.random() * 10 ** below(rnd, 13), below(rnd, 10**6) / 4)[below(rnd, 3)]
    units = round(decimal.Decimal(repr(number)).scaleb(18))
    return f"~{number!r}", (units, 10**18)


def random_whole(rnd, most):
    form = rnd.random()
    units = 0 if form < 0.1 else 1 if form < 0.2 else below(rnd, 2000 if form < 0.6 else most)
    return f"={units}", (units, 1)


def random_span(rnd, rule):
    span = {"duration": random_whole(rnd, 86_400 * 10**9)}
    for kind in rule.meters:
        if kind in MEASURED and rnd.random() < 0.95:
            form = rnd.random()
            span[kind] = random_whole(rnd, 10**22 if kind == "gb_seconds" else 10**12) if form < 0.5 else \
                random_decimal(rnd) if form < 0.75 else random_double(rnd)
        elif kind in USAGE:
            span[kind] = random_whole(rnd, 10**8)
    if rule.charges_tokens:
        for _ in range(below(rnd, 3)):
            kind = (*TOKENS, "reasoning_tokens")[below(rnd, 9)]
            span[kind] = random_whole(rnd, 10**8)
    if rnd.random() < 0.1:
        span["context_tokens"] = random_whole(rnd, 10**8)
    return span


def tier_rate(meter, span, total):
    """None: the span does not tell what a tier goes by."""
    rate, best = meter.rate, -1
    for of, over, tier in meter.tiers:
        if of != meter.kind and of not in span and (of in MEASURED or USAGE_SET.isdisjoint(span)):
            return None
        if of == "context_tokens":
            n, d = span[of][1] if of in span else (sum(span[k][1][0] for k in PROMPT if k in span), 1)
        else:
            n, d = total if of == meter.kind else span[of][1] if of in span else (0, 1)
        if n > over * d and over >= best:
            rate, best = tier, over
    return rate


def billed(meter, quantity):
    n, d = quantity
    if n < meter.at_least * d:
        n, d = meter.at_least, 1
    if meter.step:
        n, d = -(-n // (d * meter.step)) * meter.step, 1
    return n, d


def output_of(rule, span):
    n, d = span["output_tokens"][1]
    if "reasoning_tokens" in rule.meters and "reasoning_tokens" in span:
        n = max(0, n - span["reasoning_tokens"][1][0])
    return n, d


def expected(rule, span):
    if rule.free:
        return "0"  # free, whatever the span tells
    if rule.uses_model and USAGE_SET.isdisjoint(span):
        return "no_usage"
    num, den = 0, 1
    others = [k for k in TOKENS if k in span and k not in rule.meters and span[k][1][0]] if rule.charges_tokens else []
    if any(rule.meter_for(k) is None for k in others):
        return "no_rate"
    charges = []  # meter, what it charges, what it charges in all
    for kind, meter in rule.meters.items():
        if kind not in span and kind in MEASURED + APART and not meter.at_least:
            return "no_quantity"
        own = (1, 1) if kind == "calls" else output_of(rule, span) if kind == "output_tokens" and kind in span else \
            span[kind][1] if kind in span else (0, 1)
        more = [span[k][1][0] for k in others if rule.meter_for(k) is meter]
        total = (own[0] + sum(more), own[1])  # tokens are whole
        if meter.step or meter.at_least:
            charges.append((meter, total, total))
        else:
            charges += [(meter, own, total), *((meter, (n, 1), total) for n in more)]
    for meter, quantity, total in charges:
        rate, (n, d) = tier_rate(meter, span, total), billed(meter, quantity)
        if rate is None:
            return "no_quantity"
        d *= rate.denominator
        num, den = num * d + n * rate.numerator * den, den * d
    pico, rest = divmod(num, den * 10**12)
    rest = 2 * rest - den * 10**12
    pico += rest > 0 or (rest == 0 and pico % 2)
    return "overflow" if pico >= 2**63 else str(pico)


@pytest.mark.parametrize("half", [1, 2])
def test_a_million_spans_cost_what_exact_arithmetic_says(half):
    seed = random.SystemRandom().randrange(2**32)
    rnd = random.Random(seed)
    lines, wanted = [], []
    for _ in range(RULES):
        rule = Rule(rnd)
        lines += rule.lines
        for _ in range(SPANS_PER_RULE):
            span = random_span(rnd, rule)
            lines.append("S " + " ".join(kind + text for kind, (text, _) in span.items()))
            wanted.append(expected(rule, span))
    run = subprocess.run([TOOL], input="\n".join(lines) + "\n", text=True, capture_output=True)
    assert run.returncode == 0, (seed, run.stderr)
    answers = run.stdout.splitlines()
    spans = [line for line in lines if line[0] == "S"]
    assert len(answers) == len(wanted) == len(spans)
    # Where there are two reasons to refuse, either will do.
    wrong = [(s, a, w) for s, a, w in zip(spans, answers, wanted) if a != w and (a.isdigit() or w.isdigit())]
    assert not wrong, (seed, len(wrong), wrong[:3])
    assert sum(w.isdigit() for w in wanted) > len(wanted) / 2  # otherwise refusals only
