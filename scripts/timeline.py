"""Reads the program's trace (Chrome's trace event format): rounds, what each brought in and threw out, and a drawing."""

import json


class Event:
    """One load, kernel, grant, release or eviction; times in microseconds."""

    def __init__(self, raw, owners):
        self.track = raw.get("cat", "")
        self.model, colon, self.name = raw["name"].partition(": ")
        if not colon:
            self.model, self.name = "", self.model
        self.start = raw["ts"]
        self.end = raw["ts"] + raw.get("dur", 0)
        facts = raw.get("args", {})
        self.bytes = int(facts.get("bytes", 0))
        self.resident = int(facts.get("resident", 0))
        if self.name.startswith(("load ", "evict ")):
            self.name, _, what = self.name.partition(" ")
            # Extents are named by the start of their hash; one may belong to several models.
            self.model = owners.get(what.removeprefix("extent "), "")


def rounds(path, owners, names):
    """The trace cut into rounds: one is over when every model was released and none holds anything."""
    raw = [event for event in json.loads(path.read_text())["traceEvents"] if event["ph"] in ("X", "i")]
    events = sorted((Event(event, owners) for event in raw), key=lambda event: (event.end, event.start))
    result, current, holding, released = [], [], 0, set()
    for event in events:
        current.append(event)
        if event.name == "granted":
            holding += 1
        elif event.name == "released":
            holding -= 1
            released.add(event.model)
            if holding == 0 and released >= set(names):
                result.append(current)
                current, released = [], set()
    return result


def swapped(events):
    """What a round brought in (bytes and models) and threw out (bytes and count), and the most it held."""
    loads = [event for event in events if event.name == "load" and event.model]
    evicted = [event for event in events if event.name == "evict"]
    return {
        "in": sum(event.bytes for event in loads), "models": list(dict.fromkeys(event.model for event in loads)),
        "out": sum(event.bytes for event in evicted), "evictions": len(evicted),
        "peak": max((event.resident for event in events), default=0),
    }


def drawing(events, letters, width=72):
    """One line of text for each track that took time: the letter of the model it was busiest with, dots for none."""
    timed = [event for event in events if event.end > event.start and event.model]
    if not timed:
        return []
    begin, end = min(event.start for event in timed), max(event.end for event in timed)
    column = (end - begin) / width
    drawn = []
    for track in sorted({event.track for event in timed}, key=lambda track: (not track.startswith("load"), track)):
        busy = [{} for _ in range(width)]
        for event in timed:
            if event.track != track:
                continue
            first, last = int((event.start - begin) / column), min(width - 1, int((event.end - begin) / column))
            for index in range(first, last + 1):
                share = min(event.end, begin + (index + 1) * column) - max(event.start, begin + index * column)
                busy[index][event.model] = busy[index].get(event.model, 0) + share
        drawn.append((track, "".join(letters[max(cell, key=cell.get)] if cell else "·" for cell in busy)))
    return drawn
