# SPDX-License-Identifier: Apache-2.0
"""Prometheus text, parsed strictly: what a scraper would refuse fails here too."""
import re
from decimal import Decimal

SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([^ ]+)$")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)')
UNESCAPE = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Metrics:
    """samples: name -> list of (labels, Decimal); types: family -> counter or gauge."""

    def __init__(self, text):
        self.text, self.samples, self.types, self._seen = text, {}, {}, set()
        for line in text.split("\n"):  # nothing else ends a line
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                if name in self.types:
                    raise ValueError(f"family {name} appears twice")
                self.types[name] = kind
            elif line and not line.startswith("#"):
                self._add(line)

    def get(self, name, **labels):
        """Sum of all samples of name that carry these labels; KeyError when there is none."""
        found = [v for have, v in self.samples[name] if labels.items() <= have.items()]
        if not found:
            raise KeyError(f"{name}{labels}: only {[have for have, _ in self.samples[name]]}")
        return sum(found)

    def value(self, name, **labels):
        """Like get(), 0 where no sample has the labels yet. A family that does not exist is a KeyError:
        a misspelt name must not pass for zero."""
        if name not in self.samples and name not in self.types:
            raise KeyError(f"no metric {name}; there are {sorted(self.samples)}")
        return sum((v for have, v in self.samples.get(name, []) if labels.items() <= have.items()), Decimal(0))

    def _add(self, line):
        match = SAMPLE.match(line)
        if match is None:
            raise ValueError(f"no Prometheus sample: {line!r}")
        name, raw, number = match.groups()
        labels, at = {}, 0
        while raw and at < len(raw):
            label = LABEL.match(raw, at)
            if label is None:
                raise ValueError(f"bad labels: {line!r}")
            labels[label[1]] = re.sub(r'\\[\\"n]', lambda m: UNESCAPE[m[0]], label[2])
            at = label.end()
        if (name, frozenset(labels.items())) in self._seen:
            raise ValueError(f"the same sample twice: {line!r}")
        self._seen.add((name, frozenset(labels.items())))
        self.samples.setdefault(name, []).append((labels, Decimal(number)))
