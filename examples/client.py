#!/usr/bin/env python3
"""Requests a model's answer over HTTP and over gRPC: client.py MODEL [HOST:PORT [HOST:PORT]]

The addresses are those of HTTP and gRPC; the defaults are localhost:8000 and localhost:8001. Open sizes become 1; inputs
are random. Needs `tritonclient[http,grpc]` and numpy.
"""

import sys

import numpy as np
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import triton_to_np_dtype


def inputs(client, metadata):
    random = np.random.default_rng(1)
    for tensor in metadata["inputs"]:
        shape = [max(1, int(size)) for size in tensor["shape"]]
        values = np.asarray(random.random(shape) * 2).astype(triton_to_np_dtype(tensor["datatype"]))
        given = client.InferInput(tensor["name"], shape, tensor["datatype"])
        given.set_data_from_numpy(values)
        yield given


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    model, *given = sys.argv[1:]
    addresses = [*given, *["localhost:8000", "localhost:8001"][len(given):]]
    http = tritonclient.http.InferenceServerClient(addresses[0])
    grpc = tritonclient.grpc.InferenceServerClient(addresses[1])
    metadata = http.get_model_metadata(model)
    for client, module in [(http, tritonclient.http), (grpc, tritonclient.grpc)]:
        answer = client.infer(model, list(inputs(module, metadata)))
        for output in metadata["outputs"]:
            values = answer.as_numpy(output["name"])
            print(f"{module.__name__}: {output['name']} {values.dtype}{list(values.shape)}, first {values.ravel()[:4]}")


if __name__ == "__main__":
    main()
