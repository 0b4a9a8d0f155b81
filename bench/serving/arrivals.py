"""When requests come, and for which model: drawn once by a seed, the same for every server."""

import numpy as np

SEED = 11
# A burst comes at four times the mean rate for a quarter of the time.
BURST_SECONDS, CYCLE_SECONDS = 0.5, 2.0


def popularity(names, seed=SEED):
    """(names, probabilities) by Zipf's law; which model is how popular is drawn too."""
    ranked = [str(name) for name in np.random.default_rng(seed).permutation(names)]
    weights = 1 / np.arange(1, len(ranked) + 1)
    return ranked, weights / weights.sum()


def poisson(random, rate, seconds):
    """Times at which requests come, independent of each other."""
    gaps = random.exponential(1 / rate, int(rate * seconds * 1.5) + 50)
    times = np.cumsum(gaps)
    return times[times < seconds]


def bursts(random, rate, seconds):
    """The same number in the mean, all within bursts."""
    share = BURST_SECONDS / CYCLE_SECONDS
    inside = poisson(random, rate / share, seconds * share)
    return inside // BURST_SECONDS * CYCLE_SECONDS + inside % BURST_SECONDS


PATTERNS = {"poisson": poisson, "bursts": bursts}


def arrivals(models, pattern, rate, seconds, seed=SEED):
    """[(seconds after the start, model)]: `rate` a second in the mean, in order."""
    random = np.random.default_rng([seed, round(rate * 1000), list(PATTERNS).index(pattern)])
    times = PATTERNS[pattern](random, rate, seconds)
    named = {model.name: model for model in models}
    ranked, probabilities = popularity(list(named))
    chosen = random.choice(len(ranked), len(times), p=probabilities)
    return [(float(time), named[ranked[index]]) for time, index in zip(times, chosen)]
