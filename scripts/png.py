"""Reading and writing 8-bit RGB pictures as PNG, as far as the demo's own picture needs it."""

import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def write(path, image):
    """Writes height x width x 3 values in 0...255."""
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    height, width, _ = pixels.shape
    rows = bytearray()
    above = np.zeros_like(pixels[0])
    for row in pixels:
        sub = row.copy()
        sub[1:] -= row[:-1]
        # Of the filters, the one whose bytes are smallest as signed numbers compresses best.
        kind, line = min(
            ((0, row), (1, sub), (2, row - above)), key=lambda item: np.abs(item[1].astype(np.int8).astype(int)).sum())
        rows += bytes([kind]) + line.tobytes()
        above = row
    with open(path, "wb") as file:
        file.write(SIGNATURE)
        for tag, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(bytes(rows), 9)), (b"IEND", b""),
        ):
            file.write(struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data)))


def read(path):
    """Reads what `write` wrote, as float32; other kinds of PNG are refused."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:8] != SIGNATURE:
        raise ValueError(f"{path} is not a PNG file")
    at, packed, header = 8, b"", None
    while at + 8 <= len(data):
        length, tag = struct.unpack(">I4s", data[at : at + 8])
        if tag == b"IHDR":
            header = struct.unpack(">IIBBBBB", data[at + 8 : at + 8 + length])
        elif tag == b"IDAT":
            packed += data[at + 8 : at + 8 + length]
        at += 12 + length
    if header is None or header[2:] != (8, 2, 0, 0, 0):
        raise ValueError(f"{path} is not a plain 8-bit RGB picture")
    width, height = header[:2]
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + 3 * width)
    image = np.zeros((height + 1, width, 3), np.uint8)
    for index, row in enumerate(rows):
        line = row[1:].reshape(width, 3)
        if row[0] == 1:
            line = np.cumsum(line, axis=0, dtype=np.uint8)
        elif row[0] == 2:
            line = line + image[index]
        elif row[0] != 0:
            raise ValueError(f"{path} uses a row filter that is not read here")
        image[index + 1] = line
    return image[1:].astype(np.float32)
