# SPDX-License-Identifier: Apache-2.0
"""Amounts are exact: 30,000 random prices and durations against Python's decimal."""
import decimal
import fractions
import os
import pathlib
import random
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SPANTOLL", "build/release/bin/spantoll")).parent.parent.name
CASES = 30_000
PICO, YOCTO = decimal.Decimal(10) ** 12, decimal.Decimal(10) ** 24
EXACT = decimal.Context(prec=400, rounding=decimal.ROUND_HALF_EVEN, Emin=-10**6, Emax=10**6)


def nearest_even(value):
    return int(EXACT.to_integral_value(value))


def random_price(rnd):
    """From everyday prices to what no price file should hold."""
    kind = rnd.random()
    digits = "".join(rnd.choices("0123456789", k=rnd.randint(1, 12 if kind < 0.8 else 60)))
    if kind < 0.3:
        return f"0.{'0' * rnd.randint(0, 12)}{digits}"
    if kind < 0.6:
        return f"{digits[:3]}.{digits}e-{rnd.randint(0, 30)}"
    if kind < 0.8:
        return f"{rnd.choice(['', '5', '25', '125'])}5e-{rnd.randint(6, 26)}"  # ties
    return f"{digits}e{rnd.randint(-80, 20)}"


def expected(dollars, per, quantity):
    price = nearest_even(EXACT.multiply(EXACT.create_decimal(dollars), YOCTO))
    if price > 10**36:
        return "TOOBIG"
    pico = round(fractions.Fraction(price * quantity, per * 10**12))  # half to even
    if pico >= 2**63:
        return "TOOBIG"
    exact = EXACT.divide(decimal.Decimal(pico), PICO)
    return f"{pico} {exact:f}", float(exact)


def random_case(rnd):
    per = rnd.choice([1, 1_000_000, 1_000_000, 1_000, 3_600_000_000_000, rnd.randint(1, 2**64 - 1)])
    quantity = rnd.choice([0, 1, rnd.randint(1, 10**6), rnd.randint(1, 86_400 * 10**9), rnd.randint(0, 2**64 - 1)])
    return random_price(rnd), per, quantity


def test_every_amount_is_what_decimal_says():
    tool = f"build/{BUILD}/bench/bench_money"
    subprocess.run(["make", "-s", f"BUILD={BUILD}", tool], cwd=ROOT, check=True)
    seed = random.SystemRandom().randrange(2**32)
    rnd = random.Random(seed)
    cases = [random_case(rnd) for _ in range(CASES)]
    text = "".join(f"{d} {p} {q}\n" for d, p, q in cases)
    answers = subprocess.run([ROOT / tool, "lines"], input=text, text=True, capture_output=True, check=True).stdout.splitlines()
    assert len(answers) == CASES
    priced = 0
    with decimal.localcontext(EXACT):
        for case, answer in zip(cases, answers):
            want = expected(*case)
            if isinstance(want, str):
                assert answer == want, (seed, case)
                continue
            pico, exact, _, double = answer.split()
            assert f"{pico} {exact}" == canonical(want[0]), (seed, case)
            assert float.fromhex(double) == want[1], (seed, case)
            priced += 1
    assert priced > CASES / 2  # otherwise the cases above test refusals only


def canonical(text):
    pico, exact = text.split()
    return f"{pico} {exact.rstrip('0').rstrip('.') if '.' in exact else exact}"
