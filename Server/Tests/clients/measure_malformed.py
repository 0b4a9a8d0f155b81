"""Prints what a server's memory does while malformed requests come: `python measure_malformed.py [COUNT [KIND ...]]`.

The requests are those of test_faults_malformed.py, in its proportions, or of the kinds that are named alone (json_infer,
binary, routed, administering, hostile, frames, message).
"""

import pathlib
import random
import sys
import tempfile
import urllib.request

import grpc

import serving
import small_models
import test_faults_malformed as malformed
from test_grpc_memory import anonymous


def main(count=100_000, *names):
    kinds = {kind: share for kind, share in malformed.SHARES.items() if not names or kind.__name__ in names}
    generator = random.Random(21)
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder) / "store"
        serving.add(store, small_models.identity(pathlib.Path(folder) / "identity.onnx"))
        with serving.Server(store, "--max-body", "16MiB") as own, grpc.insecure_channel(own.grpc) as channel:
            for index in range(1, int(count) + 1):
                kind = generator.choices(list(kinds), list(kinds.values()))[0]
                bytes_ = kind(generator)
                if found := malformed.problem(own, channel, kind, bytes_):
                    print("WRONG", kind.__name__, repr(bytes_)[:400], found)
                if index % max(int(count) // 20, 1) == 0:
                    with urllib.request.urlopen(own.url + "/metrics") as response:
                        metrics = len(response.read())
                    print(
                        f"{index} requests: {malformed.resident(own) >> 10} KiB resident, {anonymous(own) >> 10} of them anonymous; "
                        f"{malformed.descriptors(own)} descriptors; {metrics} bytes of metrics",
                        flush=True,
                    )


if __name__ == "__main__":
    main(*sys.argv[1:])
