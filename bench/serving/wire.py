"""Requests as bytes, and answers out of bytes: KServe v2 with binary tensors, and plain bodies for servers with a protocol of
their own. All that can be made once is made once, so that the client costs little."""

import json
import time

import numpy as np

# Stands for a number of microseconds of as many digits; spaces before a number are JSON too.
TIMEOUT = b"9876543210"


class KServe:
    """`POST /v2/models/NAME/infer` with binary tensors both ways."""

    def __init__(self, expires_in_parameters=False):
        """Parameters carry what is left until the deadline as `timeout`, in microseconds; and, when asked for, the deadline
        as `expires`, seconds of the clock, for a model's own program."""
        self.expires = expires_in_parameters
        self.prepared = {}

    def request(self, model, expires=0.0):
        """The pieces to send. `expires`: when the answer is worth nothing any more, by `time.time()`."""
        key = model.name, model.tells_deadline
        prepared = self.prepared.get(key) or self.prepared.setdefault(key, self._prepare(model))
        if model.tells_deadline:
            # A client that is late itself leaves the server less.
            left = (expires - time.time()) * 1e6 if expires else model.deadline * 1e6
            prepared = prepared.replace(TIMEOUT, b"%10d" % max(left, 1))
        if self.expires:
            prepared = prepared.replace(b"@@@@@@@@@@@@@@@@@", b"%017.6f" % expires)
        return prepared, model.body

    def header(self, model):
        parameters = {"timeout": int(TIMEOUT)} if model.tells_deadline else {}
        parameters |= {"expires": "@" * 17} if self.expires else {}
        return json.dumps({
            "parameters": parameters,
            "inputs": [
                {
                    "name": item["name"], "shape": item["shape"], "datatype": item["datatype"],
                    "parameters": {"binary_data_size": model.inputs[item["name"]].nbytes}}
                for item in model.described()["inputs"]],
            "outputs": [{"name": name, "parameters": {"binary_data": True}} for name in model.outputs],
        }).encode()

    def _prepare(self, model):
        header = self.header(model)
        return (
            f"POST /v2/models/{model.name}/infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
            f"Inference-Header-Content-Length: {len(header)}\r\nContent-Length: {len(header) + len(model.body)}\r\n\r\n"
        ).encode() + header

    def answers(self, model, headers, body):
        """{output: array} of an answer."""
        length = int(headers.get("inference-header-content-length", len(body)))
        described = json.loads(bytes(body[:length]))
        result, offset = {}, length
        for output in described["outputs"]:
            dtype = model.outputs[output["name"]].dtype
            size = output["parameters"]["binary_data_size"]
            result[output["name"]] = np.frombuffer(body[offset:offset + size], dtype).reshape(output["shape"])
            offset += size
        return result


class Plain:
    """Tensors behind each other in the body, and the model and the deadline in headers."""

    def __init__(self, path, model_header):
        self.path = path
        self.model_header = model_header

    def request(self, model, expires=0.0):
        head = (
            b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n%s: %s\r\n"
            b"Expires-At: %.6f\r\nContent-Length: %d\r\n\r\n")
        return head % (
            self.path.encode(), self.model_header.encode(), model.name.encode(), expires, len(model.body)), model.body

    def answers(self, model, headers, body):
        result, offset = {}, 0
        for name, reference in model.outputs.items():
            values = np.frombuffer(body[offset:offset + reference.nbytes], reference.dtype)
            result[name] = values.reshape(reference.shape)
            offset += reference.nbytes
        return result


def parsed_head(data):
    """(status, headers in lower case, where the body begins) of an answer; None while its head is not whole."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = bytes(data[:end]).decode("latin-1").split("\r\n")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(lines[0].split(" ", 2)[1]), headers, end + 4
