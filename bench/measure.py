"""Samples: joined over rounds, summed up, shown."""

import math
import statistics


def joined(answers):
    """{name: answers of the rounds} to {name: {"ms": all samples, …}}."""
    result = {}
    for name, rounds in answers.items():
        result[name] = {"ms": [round(value, 4) for answer in rounds for value in answer["ms"]]}
        shares = [answer["cached_share"] for answer in rounds if "cached_share" in answer]
        if shares:
            result[name]["cached_share"] = max(shares)
    return result


def median(samples):
    return statistics.median(samples)


def geometric_mean(values):
    return math.exp(statistics.fmean(math.log(value) for value in values))


def shown(samples):
    """Medians in one line."""
    return "  ".join(f"{name} {median(item['ms']):.2f}" for name, item in samples.items() if item["ms"])
