# SPDX-License-Identifier: Apache-2.0
"""Which rule prices a span: the order of docs/prices.md for rules without service and operation.

Only what the translator needs to see that no rule is dead and that the source's own choice comes out.
"""
import functools
import re


def literal_length(condition):
    return max((len(t.replace("*", "").replace("?", "")) for t in condition.texts), default=0)


def rank(rule, order):
    """Highest first: exact conditions, conditions, literal text, place in the file."""
    exact = sum(c.op in ("exact", "one_of") for c in rule.match)
    return (-exact, -len(rule.match), -sum(literal_length(c) for c in rule.match), order)


@functools.lru_cache(maxsize=None)
def glob(pattern):
    return re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), re.DOTALL)


def holds(condition, span):
    value = span.get(condition.field)
    if condition.op == "exists":
        return value is not None
    if value is None:
        return False
    text = condition.texts[0]
    return {"exact": lambda: value == text, "one_of": lambda: value in condition.texts,
            "prefix": lambda: value.startswith(text), "suffix": lambda: value.endswith(text),
            "glob": lambda: bool(glob(text).fullmatch(value))}[condition.op]()


def in_force(rule, day):
    return (not rule.valid_from or rule.valid_from <= day) and (not rule.valid_to or day < rule.valid_to)


GROUPED = ("model", "host.type", "provider")


class Book:
    """Rules in order, found by a plain model or by provider."""

    def __init__(self, rules):
        self.ranked = [r for _, r in sorted(enumerate(rules), key=lambda r: rank(r[1], r[0]))]
        self.groups = {}
        for place, rule in enumerate(self.ranked):
            for key in group_keys(rule):
                self.groups.setdefault(key, []).append(place)

    def find(self, span, day):
        keys = [(field, span.get(field)) for field in GROUPED] + [None]
        for place in sorted(p for key in keys for p in self.groups.get(key, [])):
            rule = self.ranked[place]
            if in_force(rule, day) and all(holds(c, span) for c in rule.match):
                return rule
        return None


def group_keys(rule):
    """One condition that a span must meet by a plain text, as few rules as possible behind it."""
    for field in GROUPED:
        for condition in rule.match:
            if condition.field == field and condition.op in ("exact", "one_of"):
                return [(field, text) for text in condition.texts]
    return [None]


def examples(condition):
    """Values for which a condition holds."""
    text = condition.texts[0] if condition.texts else ""
    return {"exact": [text], "one_of": list(condition.texts), "prefix": [text, text + "-x9"],
            "suffix": [text, "x9-" + text],
            "glob": [text.replace("*", "").replace("?", "1"), text.replace("*", "x9").replace("?", "1")],
            "exists": ["1"]}[condition.op]


def spans(rule):
    """Spans for which all of a rule's conditions hold."""
    out = [{}]
    for condition in rule.match:
        values = examples(condition) if condition.field == "model" else examples(condition)[:1]
        out = [{**span, condition.field: value} for span in out for value in values]
    return out
