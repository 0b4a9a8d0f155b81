"""The committed list of the cases that pass."""

UPDATE = "to accept this, run `make conformance UPDATE=1` and commit"


def problems(listed, passed, results):
    """Returns the differences between the cases that are listed and those that passed."""
    found = []
    for name in sorted(set(listed) - set(passed)):
        result = results.get(name, {"status": "gone", "message": "onnx has no such case"})
        found.append(f"{name} is listed and has not passed; {result['status']}: {result['message']}")
    for name in sorted(set(passed) - set(listed)):
        found.append(f"{name} passes and is not listed; {UPDATE}")
    return found
