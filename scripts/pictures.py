"""Pictures drawn by arithmetic: photographs of sorts, and text in a small bitmap font.

Everything returns height x width x 3 (red, green, blue) in 0...255, float32, and depends on the given generator
alone. Needs numpy only.
"""

import numpy as np

# Five columns by seven rows, one byte a row, the leftmost column in bit 4.
FONT = {
    " ": "00000000000000", "!": "04040404040004", "$": "040F140E051E04", "%": "18190204081303", "'": "04040800000000",
    "+": "0004041F040400", "-": "0000001F000000", ".": "00000000000C0C", ",": "000000000C0408", "/": "00010204081000",
    ":": "000C0C000C0C00", "0": "0E11131519110E", "1": "040C040404040E", "2": "0E11010204081F", "3": "1F02040201110E",
    "4": "02060A121F0202", "5": "1F101E0101110E", "6": "0608101E11110E", "7": "1F010204080808", "8": "0E11110E11110E",
    "9": "0E11110F01020C", "A": "0E11111F111111", "B": "1E11111E11111E", "C": "0E11101010110E", "D": "1C12111111121C",
    "E": "1F10101E10101F", "F": "1F10101E101010", "G": "0E11101711110F", "H": "1111111F111111", "I": "0E04040404040E",
    "J": "0702020202120C", "K": "11121418141211", "L": "1010101010101F", "M": "111B1515111111", "N": "11111915131111",
    "O": "0E11111111110E", "P": "1E11111E101010", "Q": "0E11111115120D", "R": "1E11111E141211", "S": "0F10100E01011E",
    "T": "1F040404040404", "U": "1111111111110E", "V": "11111111110A04", "W": "1111111515150A", "X": "11110A040A1111",
    "Y": "1111110A040404", "Z": "1F01020408101F",
}


def smooth(image, radius):
    """A box blur, applied twice: edges get the softness of a lens."""
    if radius < 1:
        return image
    for axis in (0, 1, 0, 1):
        padding = [(0, 0)] * image.ndim
        padding[axis] = (radius + 1, radius)
        total = np.cumsum(np.pad(image, padding, mode="edge"), axis=axis, dtype=np.float64)
        width = 2 * radius + 1
        size = image.shape[axis]
        upper = np.take(total, range(width, width + size), axis=axis)
        lower = np.take(total, range(0, size), axis=axis)
        image = ((upper - lower) / width).astype(np.float32)
    return image


def resized(image, height, width):
    """Bilinear resampling with pixel centres at one half."""
    def taps(size, length):
        at = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
        low = np.floor(at).astype(int)
        return low, np.minimum(low + 1, length - 1), (at - low).astype(np.float32)

    top, bottom, down = taps(height, image.shape[0])
    left, right, across = taps(width, image.shape[1])
    down = down[:, None, None]
    across = across[None, :, None]
    rows = image[top] * (1 - down) + image[bottom] * down
    return rows[:, left] * (1 - across) + rows[:, right] * across


def photo(random, height, width):
    """Soft light, a few coloured ellipses and rectangles with edges, stripes, and sensor noise."""
    coarse = random.uniform(20, 235, (5, 5, 3)).astype(np.float32)
    image = resized(coarse, height, width)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    for index in range(8):
        middle = random.uniform(0, 1, 2) * (height, width)
        half = random.uniform(0.05, 0.3, 2) * (height, width)
        colour = random.uniform(0, 255, 3).astype(np.float32)
        down = (rows - middle[0]) / half[0]
        across = (columns - middle[1]) / half[1]
        inside = down**2 + across**2 < 1 if index % 2 else np.maximum(abs(down), abs(across)) < 1
        if index % 3 == 0:
            inside &= np.sin((rows + columns * random.uniform(-1, 1)) * random.uniform(0.2, 0.9)) > 0
        image[inside] = 0.15 * image[inside] + 0.85 * colour
    image = smooth(image, max(1, height // 200)) + random.normal(0, 6, image.shape).astype(np.float32)
    return np.clip(image, 0, 255)


def text_mask(text, height):
    """Coverage in 0...1 of a line of text, `height` pixels from the top of a capital letter to its foot."""
    columns = []
    for letter in text.upper():
        rows = bytes.fromhex(FONT.get(letter, FONT["-"]))
        columns.append(np.array([[row >> (4 - bit) & 1 for bit in range(5)] + [0] for row in rows], np.float32))
    mask = np.concatenate(columns, axis=1)[:, :-1]
    # Enlarged well beyond its size, softened into strokes, then brought down: round corners for a bitmap font.
    big = np.kron(mask, np.ones((8, 8), np.float32))
    big = np.clip((smooth(big, 2) - 0.5) * 3 + 0.5, 0, 1)
    return resized(big[:, :, None], height, max(1, round(height * mask.shape[1] / 7)))[:, :, 0]


def write(image, text, top, left, height, colour):
    """Paints a line of text onto a picture, in place; what does not fit is cut off."""
    mask = text_mask(text, height)[: max(0, image.shape[0] - top), : max(0, image.shape[1] - left), None]
    part = image[top : top + mask.shape[0], left : left + mask.shape[1]]
    part[:] = part * (1 - mask) + np.asarray(colour, np.float32) * mask


def label(random, text, height, width):
    """One line of dark text on light card, as a text recogniser sees it; as large as fits."""
    image = np.full((height, width, 3), random.uniform(200, 245, 3), np.float32)
    image += resized(random.normal(0, 8, (3, 6, 1)).astype(np.float32), height, width)
    capital = min(int(height * 0.62), int((width - 12) * 7 / (6 * len(text))))
    write(image, text, (height - capital) // 2, 6, capital, random.uniform(0, 60, 3))
    return np.clip(smooth(image, 1 if capital > 24 else 0) + random.normal(0, 3, image.shape), 0, 255).astype(np.float32)


def signs(random, height, width, lines):
    """A soft background with lines of text on cards, as a text detector sees a shop window."""
    image = resized(random.uniform(60, 200, (4, 4, 3)).astype(np.float32), height, width)
    slot = height // len(lines)
    for index, text in enumerate(lines):
        capital = min(int(slot * 0.45), int((width - 40) * 7 / (6 * len(text))))
        across = round(capital * 6 * len(text) / 7)
        left = int(random.integers(10, max(11, width - across - 20)))
        top = index * slot + (slot - capital) // 2
        margin = capital // 2
        card = image[max(0, top - margin) : top + capital + margin, max(0, left - margin) : left + across + margin]
        card[:] = random.uniform(215, 250, 3)
        write(image, text, top, left, capital, random.uniform(0, 70, 3))
    return np.clip(smooth(image, 1) + random.normal(0, 4, image.shape), 0, 255).astype(np.float32)


def planes(image):
    """Height x width x channels to channels x height x width."""
    return np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32)


def imagenet(image):
    """The classifiers' input: channel means and deviations of ImageNet taken out."""
    mean = np.array([0.485, 0.456, 0.406], np.float32)
    deviation = np.array([0.229, 0.224, 0.225], np.float32)
    return planes((image / 255 - mean) / deviation)


def symmetric(image):
    """The text models' input: blue, green, red, in -1...1."""
    return planes((image[:, :, ::-1] / 255 - 0.5) / 0.5)


def unit(image):
    """The person detector's input: red, green, blue, in 0...1."""
    return planes(image / 255)


def caffe(image):
    """The NSFW rater's input: blue, green, red, less the training set's mean, channels last."""
    return np.ascontiguousarray(image[:, :, ::-1] - np.array([104, 117, 123], np.float32), dtype=np.float32)
