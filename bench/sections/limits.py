"""What the machine gives: memory bandwidth, the disk's rate, and the arithmetic of the best convolutions."""

import pathlib

import catalogue
import operations
from disk import read_milliseconds
from field import OURS, Field, say
from measure import median


def run(plan):
    results = {"bandwidth_gb_s": {}, "disk_gb_s": [], "convolutions": {}}
    entries = catalogue.entries()
    sampling = {"seconds": plan.seconds, "least": 3, "most": 50}
    with Field([OURS, "openvino"], plan.threads) as field:
        for threads in sorted({1, plan.threads}):
            answer = field.ask(OURS, "bandwidth", threads=threads, sampling=sampling)
            results["bandwidth_gb_s"][threads] = answer["gigabytes_per_second"]
        for entry in [entry for name, entry in entries.items() if name.startswith("peak-")]:
            names = field.open(entry)
            answers = field.rounds(plan.rounds, names, "warm", model=entry["name"], sampling=sampling)
            results["convolutions"][entry["name"]] = {
                name: operations.count(entry) / median([value for answer in given for value in answer["ms"]]) / 1e6
                for name, given in answers.items()}
            field.close(entry)
        # Any large file serves; this one is there.
        large = pathlib.Path(entries["vgg16" if "vgg16" in entries else "resnet50"]["onnx"])
        for _ in range(plan.rounds):
            results["disk_gb_s"].append(large.stat().st_size / read_milliseconds(large) / 1e6)
        # OpenVINO's are oneDNN's direct convolutions; ours may make the same results with fewer operations.
        results["gflop_s"] = max(
            given.get("openvino", given.get(OURS, 0)) for given in results["convolutions"].values())
        say(
            f"limits: {results['gflop_s']:.0f} GFLOP/s, disk {median(results['disk_gb_s']):.2f} GB/s, memory "
            + ", ".join(
                f"{median(values):.1f} GB/s by {threads}" for threads, values in results["bandwidth_gb_s"].items()))
        return results | {"errors": field.errors}
