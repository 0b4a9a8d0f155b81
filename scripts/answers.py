"""What the demo's models mean by their outputs: text boxes, text, detections, file types; and their inputs."""

import numpy as np

import pictures


def regions(mask):
    """Bounding boxes (top, left, bottom, right) of the connected regions of a mask, from the top down."""
    labels = {}
    parent = []

    def root(label):
        while parent[label] != label:
            parent[label] = parent[parent[label]]
            label = parent[label]
        return label

    # Runs of set pixels, row by row, joined to the runs of the row above that they touch.
    above = []
    for row in range(mask.shape[0]):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], mask[row].astype(np.int8), [0]])))
        runs = []
        for start, end in zip(edges[::2], edges[1::2]):
            label = len(parent)
            parent.append(label)
            for first, last, other in above:
                if first < end and start < last:
                    parent[root(other)] = root(label)
            labels[label] = (row, int(start), row + 1, int(end))
            runs.append((start, end, label))
        above = runs
    boxes = {}
    for label, box in labels.items():
        known = boxes.get(root(label), box)
        boxes[root(label)] = (
            min(known[0], box[0]), min(known[1], box[1]), max(known[2], box[2]), max(known[3], box[3]))
    return sorted(boxes.values())


def text_boxes(probability):
    """The text detector's map to boxes of lines. Regions shrink to a line's core: they are grown back."""
    boxes = []
    for top, left, bottom, right in regions(probability > 0.3):
        tall, wide = bottom - top, right - left
        if tall < 4 or wide < 8:
            continue
        grow = tall * wide * 1.9 / (2 * (tall + wide))
        boxes.append((
            max(0, round(top - grow)), max(0, round(left - grow)), min(probability.shape[0], round(bottom + grow)),
            min(probability.shape[1], round(right + grow))))
    return joined(boxes)


def joined(boxes):
    """Boxes side by side on one line, close together, become one."""
    result = []
    for box in sorted(boxes, key=lambda box: box[1]):
        for index, other in enumerate(result):
            overlap = min(box[2], other[2]) - max(box[0], other[0])
            height = min(box[2] - box[0], other[2] - other[0])
            if overlap > 0.6 * height and box[1] - other[3] < height:
                result[index] = (
                    min(box[0], other[0]), min(box[1], other[1]), max(box[2], other[2]), max(box[3], other[3]))
                break
        else:
            result.append(box)
    return sorted(result)


def line_crops(image, boxes, height, width):
    """The lines cut out and scaled to one height, padded to one width: a batch for the text models."""
    batch = np.zeros((len(boxes), 3, height, width), np.float32)
    for index, (top, left, bottom, right) in enumerate(boxes):
        wide = min(width, max(1, round(height * (right - left) / (bottom - top))))
        crop = pictures.resized(image[top:bottom, left:right], height, wide)
        batch[index, :, :, :wide] = pictures.symmetric(crop)
    return batch


def recognised(scores, characters):
    """Greedy decoding: the best class of each step, repetitions merged, blanks (class 0) dropped."""
    alphabet = ["", *characters, " "]
    best = scores.argmax(axis=1)
    changes = np.concatenate([[True], best[1:] != best[:-1]])
    kept = changes & (best != 0)
    certainty = float(scores.max(axis=1)[kept].mean()) if kept.any() else 0.0
    return "".join(alphabet[index] for index in best[kept]).strip(), certainty


def detections(output, threshold):
    """The detector's candidates above a threshold, overlapping ones dropped: (class, score, box) by score."""
    scores = output[4:]
    best = scores.max(axis=0)
    found = []
    for index in np.argsort(-best):
        if best[index] < threshold:
            break
        column, row, wide, tall = output[:4, index]
        box = (row - tall / 2, column - wide / 2, row + tall / 2, column + wide / 2)
        if all(overlap(box, other) < 0.45 for _, _, other in found):
            found.append((int(scores[:, index].argmax()), float(best[index]), box))
    return found


def overlap(a, b):
    """Intersection over union of two boxes."""
    tall = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    wide = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = tall * wide
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def file_window(content):
    """A file as the type detector sees it: its first and last 1,024 bytes, 256 where there are none."""
    row = np.full((1, 2048), 256, np.int32)
    head, tail = content[:1024].lstrip(), content[-1024:].rstrip()
    row[0, : len(head)] = list(head)
    row[0, 2048 - len(tail) :] = list(tail)
    return row


def voice(seconds, rate, random):
    """A synthetic voice: a gliding pitch, three formants that move from vowel to vowel, syllables, breath."""
    count = int(seconds * rate)
    at = np.arange(count) / rate
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.7 * at) + 8 * np.sin(2 * np.pi * 5.1 * at)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    vowels = np.array([[730, 1090, 2440], [270, 2290, 3010], [300, 870, 2240], [530, 1840, 2480]], float)
    position = at * 3.2
    step = position.astype(int) % 4
    blend = np.clip((position % 1 - 0.7) / 0.3, 0, 1)[:, None]
    formants = vowels[step] * (1 - blend) + vowels[(step + 1) % 4] * blend
    sound = np.zeros(count)
    for harmonic in range(1, 32):
        frequency = harmonic * pitch
        gain = sum(
            weight / (1 + ((frequency - formants[:, index]) / width) ** 2)
            for index, (weight, width) in enumerate([(1.0, 90), (0.5, 110), (0.25, 160)]))
        sound += gain * np.sin(harmonic * phase)
    syllables = np.clip(np.sin(np.pi * (position % 1)) * 1.6, 0, 1)
    sound = 0.16 * sound * syllables + random.normal(0, 0.004, count)
    return sound.astype(np.float32)


def stillness(seconds, rate, random):
    """A quiet room."""
    return random.normal(0, 0.003, int(seconds * rate)).astype(np.float32)
