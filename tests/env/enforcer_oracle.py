# SPDX-License-Identifier: Apache-2.0
"""What a fleet of enforcers must have decided, recomputed from what was spent: rolling sums in whole nanodollars,
averages in the very doubles of the rule, streaks and flags. It shares nothing with the daemon but the rule's text
(docs: exporters/enforcer/README.md), and sees nothing of Redis but what a dead daemon had still published."""
import dataclasses
import math


@dataclasses.dataclass
class Rule:
    limit: int  # USD
    window_ms: int
    bucket_ms: int
    evaluation_ms: int
    alpha: float = 0.1
    streak: int = 3
    release: float = 0.9

    @property
    def buckets(self):
        return -(-self.window_ms // self.bucket_ms)


class Ledger:
    """One daemon's totals: nanodollars per service and bucket, what is left of a nanodollar carried on."""

    def __init__(self, bucket_ms):
        self.bucket_ms, self.nano, self.carry = bucket_ms, {}, {}

    def spend(self, service, pico, now_ms):
        whole, self.carry[service] = divmod(pico + self.carry.get(service, 0), 1000)
        buckets = self.nano.setdefault(service, {})
        buckets[now_ms // self.bucket_ms] = buckets.get(now_ms // self.bucket_ms, 0) + whole

    def sum(self, service, oldest):
        return sum(n for b, n in self.nano.get(service, {}).items() if b > oldest)


class Decision:
    """One budget of one service: what its state must say, and whether the flag is set."""

    def __init__(self):
        self.window, self.ema, self.over, self.under, self.on = None, 0.0, 0, 0, False
        self.changes = []  # (window, flag)

    def asleep(self, nano, rule):
        return nano == 0 and not self.on and (self.window is None or self.ema < float(rule.limit) / 1000)

    def step(self, rule, window, nano):
        usd = nano / 1e9
        if self.window is None:
            self.ema = usd
        else:
            gap = window - self.window
            self.ema = usd + (self.ema - usd) * math.pow(1 - rule.alpha, float(gap))
            if gap > rule.streak:
                self.over = self.under = 0
        self.window = window
        if self.ema > rule.limit:
            self.over, self.under = self.over + 1, 0
        elif self.ema < rule.limit * rule.release:
            self.over, self.under = 0, self.under + 1
        else:
            self.over = self.under = 0
        on = self.over >= rule.streak or (self.on and self.under < rule.streak)
        if on != self.on:
            self.changes.append((window, on))
        self.on = on

    def text(self):
        """As the state's first five words, the average as a number."""
        return (self.window, self.ema, self.over, self.under, int(self.on))


class Oracle:
    def __init__(self, rule):
        self.rule, self.ledgers, self.decisions = rule, [], {}
        self.head = 0
        self.set, self.released = {}, {}  # by service, over all lives of its state

    def ledger(self):
        self.ledgers.append(Ledger(self.rule.bucket_ms))
        return self.ledgers[-1]

    def services(self):
        return {s for ledger in self.ledgers for s in ledger.nano}

    def sum(self, service, now_ms):
        self.head = max(self.head, now_ms // self.rule.bucket_ms)  # Redis's never goes back
        oldest = self.head - self.rule.buckets
        return sum(ledger.sum(service, oldest) for ledger in self.ledgers)

    def decide(self, now_ms):
        """The window of now_ms: how many services are decided in it, and whose flag changes."""
        decided, changed, window = 0, set(), now_ms // self.rule.evaluation_ms
        for service in self.services():
            nano, state = self.sum(service, now_ms), self.decisions.setdefault(service, Decision())
            if state.asleep(nano, self.rule) or (state.window is not None and window <= state.window):
                continue
            before = state.on
            state.step(self.rule, window, nano)
            decided += 1
            if state.on != before:
                counter = self.set if state.on else self.released
                counter[service] = counter.get(service, 0) + 1
                changed.add(service)
        return decided, changed

    def wipe(self, gone):
        """Redis has lost everything: the states begin anew, and nobody publishes again for who is gone."""
        self.decisions.clear()
        for ledger in gone:
            self.ledgers.remove(ledger)
