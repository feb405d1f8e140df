# SPDX-License-Identifier: Apache-2.0
"""Random worlds for the scripts that run inside Redis, each compared with a plain model after every call.

Time is virtual (the scripts take it as an argument). Several daemons publish and decide; requests and
answers get lost, arrive twice, late or out of order; daemons restart with and without their totals; Redis is
wiped, falls back to an older copy, loses single keys or has them overwritten by someone else."""
import binascii
import bisect
import copy
import json
import pathlib
import random
from fractions import Fraction

import redis

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "exporters" / "enforcer" / "store_redis"
SERVICES = {  # typical dollars per minute
    "payment-svc": Fraction(37, 10), "mouse": Fraction(1, 10**6), "whale": Fraction(1_234_567_891, 10),
    "a%3Ab": Fraction(1, 3), "idle": Fraction(5), "__overflow__": Fraction(7, 10**9)}
EVALUATION_MS, FLAG_TTL_S, STREAK = 60_000, 3600, 3
BUDGET = "b:0123456789abcdef"
SHARED = ("enforce:throttled", "enforce:kill")  # not given to the script in a cluster


def text(nano):
    """Exact decimal dollars, no trailing zeros."""
    whole, rest = divmod(nano, 10**9)
    return f"{whole}.{rest:09d}".rstrip("0") if rest else str(whole)


HOUR_MS, DAY_MS = 3600_000, 86_400_000


class Rolling:
    ahead = 1  # how far another clock may be in front

    def __init__(self, bucket_ms, buckets):
        self.bucket_ms, self.buckets = bucket_ms, buckets

    def index(self, ms):
        return ms // self.bucket_ms

    def arguments(self, now):
        return [self.bucket_ms, self.buckets]

    def is_ending(self, now):
        return False


class Calendar:
    """Periods of 25, 24, 23 ... hours in turn, one bucket each."""
    ahead, buckets = 0, 1

    def __init__(self, first_ms):
        self.starts = [first_ms]
        for n in range(60):
            self.starts.append(self.starts[-1] + (25 - n % 3) * HOUR_MS)

    def index(self, ms):
        return bisect.bisect_right(self.starts, ms) - 1

    def arguments(self, now):
        first = self.index(now) - 1
        return [0, ",".join(map(str, [first, *self.starts[first:first + 4]]))]

    def is_ending(self, now):
        """The key lives by the real clock until the end: it may go any moment."""
        return self.starts[self.index(now) + 1] - now < 60_000


START_MS = 1_795_000_000_000 // 900_000 * 900_000
WINDOWS = {"24h": Rolling(900_000, 96), "1h": Rolling(60_000, 60),
           "day": Calendar(START_MS - 10 * DAY_MS - 7 * HOUR_MS)}


def slot(key):
    """Redis Cluster's hash slot."""
    start = key.find("{")
    end = key.find("}", start + 1) if start >= 0 else -1
    if end > start + 1:
        key = key[start + 1:end]
    return binascii.crc_hqx(key.encode(), 0) % 16384


def total_keys(service, window, instance="peek"):
    k = f"cost:rolling:{service}:{window}"
    return [k, "{%s}:s" % k, "{%s}:i:%s" % (k, instance)]


def flag_keys(service):
    f = f"enforce:throttle:{service}"
    return [f, "{%s}:d" % f, "{%s}:shadow" % f, "{%s}:audit" % f, "{%s}:override" % f]


class Series:
    """Model of one published key: the largest total that each instance has delivered per bucket."""

    def __init__(self, window):
        self.window = WINDOWS[window]
        self.buckets = self.window.buckets
        self.wipe()

    def wipe(self):
        self.head, self.got = None, {}

    def roll(self, now, pairs):
        newest = self.window.index(now)
        if self.head is not None and self.head > newest + self.buckets:
            self.wipe()  # the clock had run far ahead
        if self.head is None and not pairs:
            return
        self.head = max(self.head or 0, newest)
        self.got = {k: v for k, v in self.got.items() if k[1] > self.head - self.buckets}
        if not self.got and not pairs:
            self.wipe()

    def put(self, instance, now, pairs):
        self.roll(now, pairs)
        for bucket, total in pairs:
            if self.is_live(bucket):
                self.got[instance, bucket] = max(total, self.got.get((instance, bucket), 0))

    def is_live(self, bucket):
        return self.head - self.buckets < bucket <= self.head + self.window.ahead

    def sum(self):
        return sum(self.got.values())


class Flag:
    """Model of one service's decision state and flags."""

    def __init__(self):
        self.override = ""
        self.wipe()

    def wipe(self):
        self.version, self.window, self.over, self.under = "", -1, 0, 0
        self.applied = self.shadow = self.capped = False
        self.override = ""
        self.value = None  # of the flag key

    def commit(self, world, read, asof, now, want, shadow, capped, places, service, wary):
        """(code, change) as the script must answer. read: what the decision was made from. wary: asks first when a flag is missing."""
        version, override, killed = read
        if version != self.version or override != self.override:
            return "conflict", ""
        if world.shared and killed != world.killed:
            return "killed" if world.killed else "unkilled", ""
        if asof is not None and abs(now - asof) > EVALUATION_MS:
            return "stale", ""
        if world.shared and want and not override and places and service not in world.throttled:
            world.throttled = {s: until for s, until in world.throttled.items() if until > now}
            if len(world.throttled) >= places:
                want, capped = False, True
        changes = []
        if want and not self.applied:
            changes.append("set")
        elif self.applied and not want:
            changes.append("capped" if capped else "release")
        elif want and self.value != "true":
            if wary:
                return "missing", ""
            changes.append("restore")
        elif capped and not self.capped:
            changes.append("capped")
        if shadow != self.shadow:
            changes.append("shadow_set" if shadow else "shadow_release")
        if want and not override and world.shared:
            world.throttled[service] = now + FLAG_TTL_S * 1000
        elif self.applied or override:
            world.throttled.pop(service, None)
        if want:
            self.value = "true"
        elif self.applied and self.value == "true":
            self.value = None
        self.applied, self.shadow, self.capped = want, shadow, capped
        return "ok", ",".join(changes)


class Daemon:
    def __init__(self, name, skew_ms):
        self.name, self.skew_ms = name, skew_ms
        self.spent, self.totals = {}, {}
        self.told = []  # (service, change id)
        self.restart()

    def restart(self):
        """With its totals (a journal), without what Redis had acknowledged."""
        self.acknowledged, self.readings, self.unanswered, self.seen = {}, {}, set(), {}

    def spend(self, service, usd, now):
        before = self.spent.get(service, Fraction(0))
        after = self.spent[service] = before + usd
        nano = int(after * 10**9) - int(before * 10**9)  # the remainder is carried
        for name, window in WINDOWS.items():
            bucket = window.index(now + self.skew_ms)
            totals = self.totals.setdefault((service, name), {})
            totals[bucket] = totals.get(bucket, 0) + nano


class Nodes:
    """A Redis, or the masters of a cluster: each command goes where its key lies."""

    def __init__(self, ports, ranges, **how):
        self.clients, self.ranges = [redis.Redis("127.0.0.1", p, **how) for p in ports], ranges

    def at(self, key):
        where = slot(key if isinstance(key, str) else key.decode("latin-1"))
        return self.clients[next(i for i, (first, last) in enumerate(self.ranges) if first <= where <= last)]

    def __getattr__(self, name):
        return lambda key, *args, **how: getattr(self.at(key), name)(key, *args, **how)

    def delete(self, *keys):
        for key in keys:
            self.at(key).delete(key)

    def keys(self):
        return [key for client in self.clients for key in client.keys()]

    def flushall(self):
        for client in self.clients:
            client.flushall()

    def script_flush(self):
        for client in self.clients:
            client.script_flush()

    def register_script(self, source):
        scripts = {id(client): client.register_script(source) for client in self.clients}
        return lambda keys, args: scripts[id(self.at(keys[0]))](keys=keys, args=args)

    def pubsub(self):
        return self.clients[0].pubsub()


WHOLE = [(0, 16383)]  # all slots on one node


class World:
    def __init__(self, ports, seed, ranges=WHOLE):
        self.redis = Nodes(ports, ranges, decode_responses=True)
        self.raw = Nodes(ports, ranges)
        self.shared = SHARED if ranges == WHOLE else ()
        self.redis.flushall()
        self.script = {n: self.redis.register_script((SCRIPTS / f"{n}.lua").read_text())
                       for n in ("publish", "commit")}
        self.random = random.Random(seed)
        self.now = START_MS
        self.series = {(s, w): Series(w) for s in SERVICES for w in WINDOWS}
        self.flags = {s: Flag() for s in SERVICES}
        self.daemons, self.gone, self.born, self.seq, self.calls = [], [], 0, 0, 0
        self.late, self.copy = [], None  # requests still on their way; an older copy of Redis
        self.level = dict.fromkeys(SERVICES, 1)
        self.changes, self.decided = {}, {}  # what the script really did
        self.killed, self.throttled, self.seen = False, {}, set()
        self.events = self.redis.pubsub()
        self.events.subscribe("enforce:events")
        assert self.events.get_message(timeout=10)["type"] == "subscribe"
        self.lives = dict.fromkeys(SERVICES, 0)  # of a flag's state
        for _ in range(4):
            self.add_daemon()

    def chance(self, p):
        return self.random.random() < p

    def add_daemon(self):
        self.born += 1
        skew = 150_000 if self.born == 3 else self.random.randrange(-20_000, 20_000)
        self.daemons.append(Daemon(f"node{self.born}", skew))

    def call(self, name, keys, args):
        assert len({slot(k) for k in keys if k not in SHARED}) == 1, f"{keys} lie in different slots"
        self.calls += 1
        return self.script[name](keys=keys, args=args)

    # ---- totals ----

    def deliver(self, instance, key, pairs, seq, prev, now):
        """The request reaches Redis: the answer, compared with the model."""
        series = self.series[key]
        args = [*series.window.arguments(now), now, seq, prev, *(n for pair in pairs for n in pair)]
        answer = self.call("publish", total_keys(*key, instance), args)
        series.put(instance, now, pairs)
        assert answer[3] == text(series.sum()), (key, answer, text(series.sum()))
        current = int(answer[1])
        for (bucket, _), old in zip(pairs, answer[5:]):
            assert (old == "x") == (bucket <= current - series.buckets)
            assert (old == "f") == (bucket > current + series.window.ahead)
        stored = self.redis.get(total_keys(*key)[0]) or "0"
        assert stored == text(series.sum()) or series.window.is_ending(now), (key, stored, text(series.sum()))
        if self.calls % 8 == 0:
            self.check_keys(key, instance, series)
        return answer

    def check_keys(self, key, instance, series):
        """Everything expires, and nothing grows."""
        keys, pipe = total_keys(*key, instance), self.redis.at(total_keys(*key)[0]).pipeline(transaction=False)
        *lives, sums, own = pipe.ttl(keys[0]).ttl(keys[1]).ttl(keys[2]).hlen(keys[1]).hlen(keys[2]).execute()
        assert -1 not in lives, (key, lives)
        assert sums <= series.buckets + 4 and own <= series.buckets * 5 // 4 + 6, (key, sums, own)

    def publish(self, daemon, key, lossy=True):
        """As exporters/enforcer/store_redis/publish.c does it. True: answered, and nothing had been lost."""
        window = WINDOWS[key[1]]
        totals = daemon.totals.setdefault(key, {})
        known = daemon.acknowledged.setdefault(key, {"generation": "", "chain": 0, "sent": {}})
        for old in (totals, known["sent"]):
            for bucket in [b for b in old if b <= window.index(self.now) - window.buckets]:
                del old[bucket]
        pairs = sorted((b, n) for b, n in totals.items() if n > known["sent"].get(b, 0))
        self.seq += 1
        seq, request = self.seq, (daemon.name, key, pairs, self.seq, known["chain"])
        if lossy and self.chance(0.05):
            self.late.append(request)
            return False
        if lossy and self.chance(0.05):
            self.late.append(request)  # a copy that will arrive much later
        if lossy and self.chance(0.05):
            self.deliver(*request, self.now)
        clock_back = self.random.randrange(1_200_000) if lossy and self.chance(0.01) else 0
        answer = self.deliver(*request, self.now - clock_back)
        if lossy and self.chance(0.05):
            return False
        return self.learn(daemon, key, known, pairs, seq, answer)

    def learn(self, daemon, key, known, pairs, seq, answer):
        generation, chain = answer[0], int(answer[4])
        lost = chain < known["chain"] or (generation != known["generation"] and any(known["sent"].values()))
        known["generation"] = generation
        if lost:
            known["sent"].clear()
            known["chain"] = 0
            return False
        if pairs:
            known["chain"] = seq
        for (bucket, total), old in zip(pairs, answer[5:]):
            if old != "f":
                known["sent"][bucket] = max(total, known["sent"].get(bucket, 0))
        daemon.readings[key] = (answer[3], int(answer[2]))
        return True

    def check_quiet(self):
        """Everybody publishes until nothing is left to say: then the truth must be in Redis."""
        for key, series in self.series.items():
            for attempt in range(6):
                answered = [self.publish(d, key, lossy=False) for d in self.daemons]
                if all(answered) and attempt:
                    break
            else:
                raise AssertionError("no end of losses")
            window = WINDOWS[key[1]]
            head = series.head if series.head is not None else window.index(self.now)
            here = {d.name for d in self.daemons}
            truth = sum(n for d in self.daemons for b, n in d.totals.get(key, {}).items()
                        if head - series.buckets < b <= head + window.ahead)
            truth += sum(n for (name, _), n in series.got.items() if name not in here)
            stored = self.redis.get(total_keys(*key)[0]) or "0"
            assert stored == text(truth) or window.is_ending(self.now), key

    # ---- decisions ----

    def decide(self, daemon, service):
        """Read, think, commit; between reading and committing others may act."""
        key = (service, "1h")
        self.publish(daemon, key)
        if key not in daemon.readings:
            return
        spent, asof = daemon.readings[key]
        flag, model = flag_keys(service), self.flags[service]
        state, override = self.redis.hgetall(flag[1]), self.redis.get(flag[4]) or ""
        assert override == model.override and state.get("capped", "0") == str(int(model.capped))
        read = (state.get("v", ""), override, self.killed)
        self.tell_late(daemon, service, state)
        window, over, under, on = map(int, state.get(BUDGET, "-1 0 0 0").split()[:4])
        index = asof // EVALUATION_MS
        if index <= window:
            return
        limit = SERVICES[service] * 100
        over, under = (over + 1, 0) if Fraction(spent) > limit else (0, under + 1)
        on = 1 if over >= STREAK else 0 if under >= STREAK else on
        if self.chance(0.1):
            self.decide(self.random.choice(self.daemons), service)
        if self.chance(0.02):
            self.somebody_says(service)
        now = self.now + (self.random.randrange(2 * EVALUATION_MS) if self.chance(0.02) else 0)
        self.commit(daemon, service, read, asof, now, (index, over, under, on))
        assert self.redis.get(flag[0]) == model.value
        assert (self.redis.get(flag[2]) == "true") == model.shadow
        assert {k: int(v) for k, v in self.redis.zrange("enforce:throttled", 0, -1, withscores=True)} == self.throttled

    def outcome(self, service, read, on):
        """Kill switch > override > cap > rule: (flag, shadow flag, held back)."""
        _, override, killed = read
        want, shadow = bool(on) and service != "a%3Ab", bool(on) and service == "a%3Ab"
        if killed:
            return False, shadow or want, False
        if override:
            return override == "deny", shadow, False
        held = want and self.chance(0.1)
        return want and not held, shadow, held

    def commit(self, daemon, service, read, asof, now, step, may_be_wary=True):
        model, wary = self.flags[service], may_be_wary and self.chance(0.5)
        want, shadow, held = self.outcome(service, read, step[3])
        places = self.random.choice((0, 2))
        args = [read[0], daemon.name, asof, EVALUATION_MS, FLAG_TTL_S, 2 if want and wary else int(want), int(shadow),
                '{"subject":"%s"}' % service, now, read[1], int(read[2]), int(held), places or "", service, 0,
                BUDGET, " ".join(map(str, step))]
        if self.chance(0.05):
            return  # the request is lost
        before = (model.applied, model.shadow)
        code, change = model.commit(self, read, asof, now, want, shadow, held, places, service, wary)
        daemon.unanswered.add(service)
        answer = self.call("commit", [*flag_keys(service), *self.shared], args)
        assert (answer[0], answer[4]) == (code, change), (service, answer, code, change, before)
        assert (answer[2], answer[3]) == (str(int(model.applied)), str(int(model.shadow)))
        assert answer[9] == str(int(model.capped))
        if code == "ok":
            model.version = answer[1]
            once = (service, step[0], self.lives[service])
            assert once not in self.decided, "a window was decided twice"
            self.decided[once] = daemon.name
        self.seen.update([code, *change.split(",")])
        self.check_record(service, change, answer)
        if code == "missing":  # its record is written, then
            return self.commit(daemon, service, read, asof, now, step, may_be_wary=False)
        if change:
            self.changes[service, answer[5]] = daemon.name
        if self.chance(0.05):
            return  # the answer is lost
        daemon.unanswered.discard(service)
        if change:
            self.tell(daemon, service, int(answer[5]))

    def check_record(self, service, change, answer):
        """One event per changed flag: told on the channel, and the last entries of the audit stream."""
        words = change.split(",") if change else []
        told = [self.events.get_message(timeout=10)["data"] for _ in words]
        assert self.events.get_message() is None
        assert [json.loads(t)["what"] for t in told] == words
        assert all(json.loads(t)["change_id"] == int(answer[5]) for t in told)
        kept = self.redis.xrevrange(flag_keys(service)[3], count=len(words)) if words else []
        assert [entry["event"] for _, entry in reversed(kept)] == told

    def somebody_says(self, service):
        """An override comes or goes, or the kill switch does."""
        if self.chance(0.2):
            self.killed = not self.killed
            self.redis.set("enforce:kill", "test") if self.killed else self.redis.delete("enforce:kill")
            return
        model, key = self.flags[service], flag_keys(service)[4]
        model.override = self.random.choice(("", "", "allow", "deny"))
        self.redis.set(key, model.override) if model.override else self.redis.delete(key)

    def tell(self, daemon, service, change):
        daemon.seen[service] = change
        daemon.told.append((service, str(change)))

    def tell_late(self, daemon, service, state):
        change = int(state.get("cid", 0))
        news = service in daemon.unanswered and change > daemon.seen.get(service, 0)
        daemon.unanswered.discard(service)
        daemon.seen[service] = change
        if news and state.get("by") == daemon.name:
            self.tell(daemon, service, change)

    # ---- harm ----

    def keep_copy(self):
        content = [(k, self.raw.pttl(k), self.raw.dump(k)) for k in self.raw.keys()]
        self.copy = (content, *copy.deepcopy((self.series, self.flags, self.killed, self.throttled)))

    def fall_back(self):
        """A failover to a replica that was behind."""
        content, self.series, self.flags, self.killed, self.throttled = self.copy
        self.copy = None
        self.raw.flushall()
        for key, ttl, value in content:
            self.raw.restore(key, max(ttl, 0), value)
        for service in self.lives:
            self.lives[service] += 1

    def wipe(self):
        self.redis.flushall()
        if self.chance(0.5):
            self.redis.script_flush()
        for model in (*self.series.values(), *self.flags.values()):
            model.wipe()
        self.killed, self.throttled = False, {}
        for service in self.lives:
            self.lives[service] += 1

    def tamper(self):
        """Somebody deletes or overwrites a published total; the next roll repairs it."""
        key = self.random.choice(list(self.series))
        name = total_keys(*key)[0]
        self.redis.delete(name) if self.chance(0.5) else self.redis.set(name, "12.5")
        self.deliver("peek", key, [], 0, 0, self.now)

    def lose_sums(self):
        key = self.random.choice(list(self.series))
        self.redis.delete(*total_keys(*key)[:2])
        self.series[key].wipe()

    def touch_flag(self):
        service = self.random.choice(list(SERVICES))
        model, name = self.flags[service], flag_keys(service)[0]
        if self.chance(0.5):
            self.redis.delete(name)
            model.value = None
        else:
            self.redis.set(name, "by hand")  # not ours: never deleted
            model.value = "by hand"

    def harm(self):
        x = self.random.random()
        if x < 0.3 or self.copy is None:
            self.keep_copy()
        elif x < 0.4:
            self.wipe()
        elif x < 0.55:
            self.fall_back()
        elif x < 0.7:
            self.tamper()
        elif x < 0.85:
            self.lose_sums()
        else:
            self.touch_flag()

    def replace_daemon(self):
        i = self.random.randrange(len(self.daemons))
        if self.chance(0.5):
            self.daemons[i].restart()
        else:
            self.gone.append(self.daemons.pop(i))
            self.add_daemon()

    # ---- time ----

    def minute(self, spending):
        begin = self.now
        if self.chance(0.03):
            self.level = {s: self.random.choice((0, 0.2, 1, 3, 8)) for s in SERVICES}
        for daemon in self.daemons:
            for service, usual in SERVICES.items():
                if spending and self.level[service] and self.chance(0.4):
                    share = Fraction(self.random.randrange(1, 10**7), 10**7)
                    level = Fraction(int(self.level[service] * 10), 10)
                    daemon.spend(service, usual * level * share, self.now)
        for daemon in self.random.sample(self.daemons, len(self.daemons)):
            for key in self.series:
                if self.chance(0.3):
                    self.now = begin + self.random.randrange(1000, 30_000)
                    self.publish(daemon, key)
        if self.late and self.chance(0.5):
            self.deliver(*self.late.pop(self.random.randrange(len(self.late))), self.now)
        self.now = begin + 40_000
        for daemon in self.random.sample(self.daemons, 2):
            for service in SERVICES:
                self.decide(daemon, service)
        if self.chance(0.01):
            self.replace_daemon()
        if self.chance(0.03):
            self.harm()
        if self.chance(0.02):
            self.check_quiet()
        self.now = begin + 60_000
        if self.chance(0.004):
            self.now += self.random.randrange(2, 9) * 60_000  # nobody is there for a while

    def run(self, hours):
        end = self.now + hours * HOUR_MS
        while self.now < end:
            self.minute(spending=True)
        self.check_quiet()
        self.check_told()
        self.now += DAY_MS + HOUR_MS
        for key in self.series:
            assert self.deliver("peek", key, [], 0, 0, self.now)[3] == "0"
            assert not self.redis.exists(total_keys(*key)[0])
        for key in self.redis.keys():
            assert self.redis.ttl(key) > 0 or self.redis.type(key) == "string", f"{key} never expires"

    def check_told(self):
        """No change was told twice or by somebody who did not make it."""
        told = [(*change, d.name) for d in self.daemons + self.gone for change in d.told]
        assert len(told) == len(set(told))
        assert all(self.changes[service, change] == name for service, change, name in told)
