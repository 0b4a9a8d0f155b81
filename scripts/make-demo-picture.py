#!/usr/bin/env python3
"""Draws docs/shop.png, the picture that the demo's camera sees: a counter, a shelf, signs and a shop keeper.

Run it with .venv/bin/python; the result is committed, so that only a change to the drawing needs it.
"""

import pathlib

import numpy as np

import pictures
import png

HEIGHT, WIDTH = 480, 640
TARGET = pathlib.Path(__file__).resolve().parent.parent / "docs" / "shop.png"
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)


def blend(image, mask, colour):
    image[:] = image * (1 - mask[:, :, None]) + np.asarray(colour, np.float32) * mask[:, :, None]


def ellipse(image, row, column, tall, wide, colour, soft=1.5, above=None, below=None):
    """An ellipse with an edge `soft` pixels wide, cut off above or below a row."""
    distance = np.sqrt(((ROWS - row) / tall) ** 2 + ((COLUMNS - column) / wide) ** 2)
    mask = np.clip((1 - distance) * min(tall, wide) / soft + 0.5, 0, 1)
    if above is not None:
        mask = mask * (ROWS < above)
    if below is not None:
        mask = mask * (ROWS >= below)
    blend(image, mask, colour)


def box(image, top, left, bottom, right, colour):
    image[top:bottom, left:right] = colour


def keeper(image, row, column, size):
    """Head and shoulders, lit from the upper left."""
    skin, shade, hair = (226, 178, 148), (188, 136, 108), (66, 42, 28)
    ellipse(image, row + 2.65 * size, column, 1.35 * size, 1.75 * size, (44, 92, 120))
    ellipse(image, row + 1.25 * size, column, 0.5 * size, 0.42 * size, shade, 4)
    ellipse(image, row - 0.15 * size, column, 1.22 * size, 0.98 * size, hair, 3)
    ellipse(image, row + 0.45 * size, column - 0.72 * size, 0.9 * size, 0.3 * size, hair, 4)
    ellipse(image, row + 0.45 * size, column + 0.72 * size, 0.9 * size, 0.3 * size, hair, 4)
    ellipse(image, row + 0.1 * size, column, 1.02 * size, 0.76 * size, shade, 8)
    ellipse(image, row + 0.08 * size, column - 0.04 * size, 0.96 * size, 0.7 * size, skin, 14)
    ellipse(image, row - 0.72 * size, column + 0.1 * size, 0.36 * size, 0.7 * size, hair, 6)
    for side in (-1, 1):
        eye = column + side * 0.29 * size
        ellipse(image, row + 0.0 * size, eye, 0.13 * size, 0.2 * size, shade, 6)
        ellipse(image, row + 0.02 * size, eye, 0.085 * size, 0.15 * size, (244, 240, 236), 1.5)
        ellipse(image, row + 0.02 * size, eye, 0.08 * size, 0.08 * size, (70, 48, 36), 1.5)
        ellipse(image, row + 0.02 * size, eye, 0.04 * size, 0.04 * size, (14, 10, 10), 1)
        ellipse(image, row - 0.02 * size, eye, 0.1 * size, 0.17 * size, (50, 32, 26), 2, above=int(row - 0.03 * size))
        ellipse(image, row - 0.25 * size, eye, 0.05 * size, 0.2 * size, hair, 3)
        ellipse(image, row + 0.4 * size, column + side * 0.4 * size, 0.15 * size, 0.17 * size, (232, 158, 136), 16)
    ellipse(image, row + 0.22 * size, column + 0.05 * size, 0.24 * size, 0.06 * size, (205, 152, 124), 6)
    ellipse(image, row + 0.4 * size, column, 0.06 * size, 0.14 * size, shade, 4)
    for side in (-1, 1):
        ellipse(image, row + 0.42 * size, column + side * 0.07 * size, 0.028 * size, 0.04 * size, (110, 66, 54), 2)
    # A smile: the lower half of the lips, hollowed from above.
    ellipse(image, row + 0.58 * size, column, 0.2 * size, 0.3 * size, (176, 70, 72), 3, below=int(row + 0.58 * size))
    ellipse(image, row + 0.58 * size, column, 0.11 * size, 0.24 * size, (240, 232, 226), 2, below=int(row + 0.58 * size))


def shelf(image, row, random):
    """Boxes and bottles on a board."""
    column = 330
    while column < WIDTH - 40:
        wide, tall = int(random.integers(18, 38)), int(random.integers(40, 78))
        colour = random.uniform(40, 225, 3)
        if random.integers(2):
            box(image, row - tall, column, row, column + wide, colour)
            box(image, row - tall // 2, column + 3, row - tall // 4, column + wide - 3, (235, 230, 215))
        else:
            ellipse(image, row - tall * 0.45, column + wide / 2, tall * 0.5, wide / 2, colour, above=row)
            box(image, row - tall - 8, column + wide // 2 - 4, row - tall // 2, column + wide // 2 + 4, colour)
        column += wide + int(random.integers(4, 12))
    box(image, row, 318, row + 10, WIDTH, (120, 84, 54))


def sign(image, text, top, left, capital, card, ink):
    wide = round(capital * 6 * len(text) / 7)
    margin = capital // 2
    box(image, top - margin + 4, left - margin + 4, top + capital + margin + 4, left + wide + margin + 4, (96, 80, 66))
    box(image, top - margin, left - margin, top + capital + margin, left + wide + margin, card)
    pictures.write(image, text, top, left, capital, ink)


def main():
    random = np.random.default_rng(7)
    image = np.empty((HEIGHT, WIDTH, 3), np.float32)
    image[:] = (np.array([214, 200, 178]) - 40 * (ROWS / HEIGHT)[:, :, None])
    box(image, 0, 0, 14, WIDTH, (92, 64, 44))
    shelf(image, 190, random)
    shelf(image, 300, random)
    keeper(image, 190, 160, 84)
    box(image, 400, 0, HEIGHT, WIDTH, (134, 92, 58))
    box(image, 396, 0, 404, WIDTH, (168, 122, 82))
    sign(image, "CORNER SHOP", 46, 352, 28, (250, 246, 232), (150, 24, 24))
    sign(image, "FRESH BREAD 2.40", 342, 346, 20, (255, 255, 250), (20, 24, 32))
    sign(image, "OPEN 8-18", 428, 40, 28, (250, 240, 190), (16, 44, 84))
    sign(image, "SALE -30%", 428, 400, 28, (246, 214, 60), (120, 10, 20))
    png.write(TARGET, pictures.smooth(image, 1))
    print(f"picture: {TARGET.name}, {TARGET.stat().st_size} bytes")


main()
