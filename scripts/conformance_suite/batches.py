"""Runs batches of cases in child processes that may crash or hang.

A child is started with the path of a list, one case a line, and writes `ready`, then one line of JSON a case, in order. When
it dies, the case that it was at has crashed; when it takes too long for one case, it is killed. Another child goes on with the
rest.
"""

import concurrent.futures
import json
import os
import queue
import subprocess
import threading

START_SECONDS = 60
LATE = "late"


class BatchError(Exception):
    """A child did not even begin."""


def run(command, cases, folder, scratch, limit, report):
    """Runs the cases on all cores, at most four.

    - command: returns the arguments of a child, for the path of its list and its own scratch folder.
    - folder: the folder that a child runs in.
    - limit: the seconds that one case may take.
    - report: called with each result, from several threads.
    """
    workers = min(os.cpu_count() or 1, 4)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        futures = [
            pool.submit(run_batch, command, cases[index::workers], folder, scratch / f"{index}", limit, report)
            for index in range(workers)]
        for future in futures:
            future.result()


def run_batch(command, cases, folder, scratch, limit, report):
    scratch.mkdir(parents=True, exist_ok=True)
    while cases:
        done, end = run_child(command, cases, folder, scratch, limit, report)
        if end:
            report({"name": cases[done]["name"], "ways": [], "ended": end})
            done += 1
        cases = cases[done:]


def run_child(command, cases, folder, scratch, limit, report):
    """Returns the number of cases that one child answered, and the reason why there are no more."""
    listed = scratch / "cases.jsonl"
    listed.write_text("".join(json.dumps(case) + "\n" for case in cases))
    with open(scratch / "messages.txt", "w+b") as messages:
        child = subprocess.Popen(
            command(listed, scratch), cwd=folder, stdout=subprocess.PIPE, stderr=messages, text=True)
        lines = queue.Queue()
        threading.Thread(target=forward, args=(child.stdout, lines), daemon=True).start()
        try:
            if next_line(lines, START_SECONDS) != "ready\n":
                raise BatchError(f"{child.args[0]} does not start: {last_message(messages)}")
            for done in range(len(cases)):
                line = next_line(lines, limit)
                if line == LATE:
                    return done, f"took longer than {limit} s"
                if line is None:
                    return done, f"{last_message(messages) or 'no message'} (status {child.wait()})"
                report(json.loads(line))
        finally:
            child.kill()
            child.wait()
    return len(cases), None


def forward(stream, lines):
    """Puts the lines of a stream into a queue, and `None` at its end."""
    for line in stream:
        lines.put(line)
    lines.put(None)


def next_line(lines, limit):
    """Returns a child's next line, `None` at its end, or `LATE`."""
    try:
        return lines.get(timeout=limit)
    except queue.Empty:
        return LATE


def last_message(file):
    file.seek(0)
    said = file.read().decode(errors="replace").strip().splitlines()
    fatal = [line for line in said if "Fatal error" in line]
    return (fatal or said or [""])[-1][:300]
