"""Draws a trace (Chrome's trace event format) as lines of text: one row a track, one letter a model."""

import json


def last_round(path, milliseconds):
    """The events of a trace's last `milliseconds`: (track, model, name, start, end) in microseconds."""
    events = []
    for event in json.loads(path.read_text())["traceEvents"]:
        if event["ph"] not in ("X", "i", "I"):
            continue
        model, colon, name = event["name"].partition(": ")
        start = event["ts"]
        events.append((event.get("cat", ""), model if colon else "", name or model, start, start + event.get("dur", 0)))
    end = max((event[4] for event in events), default=0)
    return [event for event in events if event[3] >= end - milliseconds * 1000 - 1]


def rows(events, letters, width=72):
    """One line of text for each track that took time; a letter where its model was busiest, dots where none was."""
    timed = [event for event in events if event[4] > event[3]]
    if not timed:
        return []
    begin, end = min(event[3] for event in timed), max(event[4] for event in timed)
    column = (end - begin) / width
    drawn = []
    for track in sorted({event[0] for event in timed}, key=lambda track: (not track.startswith("load"), track)):
        busy = [{} for _ in range(width)]
        for _, model, _, start, stop in (event for event in timed if event[0] == track):
            first, last = int((start - begin) / column), min(width - 1, int((stop - begin) / column))
            for index in range(first, last + 1):
                left, right = begin + index * column, begin + (index + 1) * column
                share = min(stop, right) - max(start, left)
                busy[index][model] = busy[index].get(model, 0) + share
        drawn.append((track, "".join(letters.get(max(cell, key=cell.get), "?") if cell else "·" for cell in busy)))
    return drawn


def evictions(events):
    """How many evictions the events hold."""
    return sum("evict" in event[2].lower() for event in events)
