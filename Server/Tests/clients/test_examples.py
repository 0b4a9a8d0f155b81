"""What lies in `examples/` works, and names only what there is."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request

import numpy as np
import pytest
import serving
import small_models
import yaml

EXAMPLES = serving.ROOT / "examples"


def run(*command, **options):
    result = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=600, **options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def numbers(text):
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d*)?(?:e-?\d+)?", text)]


# Clients


def test_the_python_client_prints_what_onnxruntime_answers(server, models):
    printed = run(sys.executable, EXAMPLES / "client.py", "perceptron", server.http, server.grpc).splitlines()
    x = (np.random.default_rng(1).random((1, 16)) * 2).astype(np.float32)
    expected = small_models.answer(models["perceptron"], x=x)["y"].ravel()[:4]
    assert [line.split(":")[0] for line in printed] == ["tritonclient.http", "tritonclient.grpc"]
    for line in printed:
        description, values = line.split(", first ")
        assert description.endswith("y float32[1, 10]")
        np.testing.assert_allclose(numbers(values), expected, atol=1e-5)


def test_the_curl_client_prints_what_onnxruntime_answers(server, models, tmp_path):
    x = np.linspace(0, 1, 16, dtype=np.float32).reshape(1, 16)
    body = json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 16], "data": x.ravel().tolist()}]})
    file = tmp_path / "body.json"
    file.write_text(body)
    for given in (body, f"@{file}"):
        ready, information, index, metadata, answer = run(
            "sh", EXAMPLES / "client.sh", server.http, "perceptron", given).splitlines()
        assert ready == "ready: 200"
        assert json.loads(information)["name"] == "fusedinf"
        assert {"perceptron", "add_sub"} <= {model["name"] for model in json.loads(index)}
        assert json.loads(metadata)["outputs"] == [{"name": "y", "datatype": "FP32", "shape": [-1, 10]}]
        np.testing.assert_allclose(
            json.loads(answer)["outputs"][0]["data"], small_models.answer(models["perceptron"], x=x)["y"].ravel(), atol=1e-5)


def test_the_curl_client_fails_with_the_servers_reason(server):
    result = subprocess.run(["sh", EXAMPLES / "client.sh", server.http, "made-up"], capture_output=True, text=True)
    assert result.returncode != 0
    assert "made-up" in json.loads(result.stdout.splitlines()[-1])["error"]


@pytest.fixture(scope="module")
def ask():
    """The Swift client, built."""
    if not shutil.which("swift"):
        pytest.skip("there is no Swift here")
    package = ["--package-path", EXAMPLES / "swift"]
    run("swift", "build", *package)
    return pathlib.Path(run("swift", "build", *package, "--show-bin-path").strip()) / "ask"


def test_the_swift_client_prints_what_onnxruntime_answers(server, models, ask):
    printed = run(ask, "perceptron", "x=0.5", server.url)
    assert printed.startswith("y: FP32[1, 10], first ")
    expected = small_models.answer(models["perceptron"], x=np.full((1, 16), 0.5, np.float32))["y"].ravel()[:4]
    np.testing.assert_allclose(numbers(printed.split("first ")[1]), expected, atol=1e-5)
    assert run(ask, "add_sub", "INPUT0=7", "INPUT1=2", server.url).splitlines() == [
        "OUTPUT0: INT32[1, 16], first [9.0, 9.0, 9.0, 9.0]", "OUTPUT1: INT32[1, 16], first [5.0, 5.0, 5.0, 5.0]"]


@pytest.mark.parametrize("words, reason", [
    (["made-up"], "HTTP 404: there is no model 'made-up'"), (["add_sub", "INPUT0=0.5"], "INPUT0: 0.5 cannot be sent as INT32"),
    (["add_sub", "INPUT7=1"], "no input INPUT7"), (["add_sub", "INPUT0"], "not INPUT=VALUE"), ([], "usage")])
def test_the_swift_client_says_what_is_wrong(server, ask, words, reason):
    result = subprocess.run([ask, *words, server.url], capture_output=True, text=True)
    assert result.returncode == 1
    assert reason in result.stderr


# Prometheus and Grafana


def expressions():
    """All queries of the dashboard and the alerts."""
    dashboard = json.loads((EXAMPLES / "grafana.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["definition"]
    configuration = yaml.safe_load((EXAMPLES / "prometheus.yml").read_text())
    for file in configuration["rule_files"]:
        for group in yaml.safe_load((EXAMPLES / file).read_text())["groups"]:
            for rule in group["rules"]:
                yield rule["alert"], rule["expr"]


@pytest.mark.parametrize("title, expression", [pytest.param(*pair, id=pair[0]) for pair in expressions()])
def test_a_query_asks_for_metrics_and_labels_that_exist(series, title, expression):
    selectors = re.findall(r"\b((?:fusedinf|nv|process)_\w+|up)\b(?:\{([^}]*)\})?", expression)
    assert selectors
    labels = set()
    for name, matchers in selectors:
        if name == "up":
            # Prometheus's own.
            continue
        assert name in series, f"{name} is not in /metrics"
        labels |= series[name].keys()
        for label, operator, value in re.findall(r'(\w+)(=~|!=|!~|=)"([^"]*)"', matchers):
            assert label in series[name], f"{name} has no label {label}"
            if not value.startswith("$"):
                assert value in series[name][label], f"{name} is never of {label} {value}"
    for grouped in re.findall(r"\b(?:by|on) \(([^)]*)\)", expression):
        assert set(re.findall(r"\w+", grouped)) <= labels


def test_the_dashboard_can_be_imported():
    """As Grafana's documentation of the JSON model has it: panels on a grid of 24 columns that do not lie on one another."""
    dashboard = json.loads((EXAMPLES / "grafana.json").read_text())
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    taken = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, f"{panel['title']} lies on another panel"
        taken |= cells
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert set(re.findall(r"\$\{?([a-z]\w*)", json.dumps(dashboard))) <= variables


@pytest.mark.skipif(not shutil.which("promtool"), reason="there is no promtool here")
def test_prometheus_takes_its_configuration():
    run("promtool", "check", "config", EXAMPLES / "prometheus.yml")


# systemd, containers, Kubernetes


def options(words):
    """The names of a command line's options."""
    return {word[2:].split("=")[0] for word in words if word.startswith("--")}


def environment_names(knobs):
    return {knob["environment"] for knob in knobs.values()} | {"FUSEDINF_CONFIG"}


def test_the_systemd_unit_is_right(knobs, tmp_path):
    text = (EXAMPLES / "fusedinf.service").read_text()
    command = shlex.split(re.search(r"^ExecStart=(.+)$", text, flags=re.M)[1])
    assert options(command) <= knobs.keys()
    assert set(re.findall(r"FUSEDINF_\w+", text)) <= environment_names(knobs)
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze here")
    # Where the release is not installed, the program is the one that was built.
    unit = tmp_path / "fusedinf.service"
    unit.write_text(text.replace(command[0], os.path.realpath(serving.SERVER)))
    result = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def objects(file):
    """Kubernetes' objects in a file, by kind and name."""
    loaded = yaml.safe_load_all((EXAMPLES / "kubernetes" / file).read_text())
    return {(one["kind"], one["metadata"]["name"]): one["spec"] for one in loaded}


def check_container(container, volumes, knobs, server):
    arguments = container["args"]
    assert options(arguments) <= knobs.keys()
    given = dict(zip(arguments[::2], arguments[1::2]))
    listening = {int(given.get(f"--{name}", knobs[name]["default"])) for name in ("http-port", "grpc-port")}
    ports = {port["containerPort"]: port.get("name") for port in container["ports"]}
    assert ports.keys() <= listening
    http = int(given.get("--http-port", knobs["http-port"]["default"]))
    for probe in (container.get(f"{kind}Probe") for kind in ("startup", "readiness", "liveness")):
        if probe:
            assert probe["httpGet"]["port"] in (http, ports[http])
            with urllib.request.urlopen(server.url + probe["httpGet"]["path"]) as response:
                assert response.status == 200
    assert {mount["name"] for mount in container["volumeMounts"]} <= {volume["name"] for volume in volumes}


def test_the_kubernetes_manifest_fits_the_server(knobs, server):
    found = objects("deployment.yaml")
    deployment, service = found["Deployment", "fusedinf"], found["Service", "fusedinf"]
    template = deployment["template"]
    assert deployment["selector"]["matchLabels"] == template["metadata"]["labels"] == service["selector"]
    pod = template["spec"]
    container, = pod["containers"]
    check_container(container, pod["volumes"], knobs, server)
    assert all(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in found for volume in pod["volumes"])
    names = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {port["name"]: port["port"] for port in service["ports"]} == names
    # It ends in the time that it has: after the wait before it is told, what runs may end.
    wait = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    drain = int(knobs["drain-timeout"]["default"].removesuffix("s"))
    assert pod["terminationGracePeriodSeconds"] > wait + drain


def test_the_kserve_runtime_fits_the_server(knobs, server):
    runtime = objects("serving-runtime.yaml")["ServingRuntime", "fusedinf"]
    container, = runtime["containers"]
    # KServe finds it by this name.
    assert container["name"] == "kserve-container"
    check_container(container, runtime["volumes"], knobs, server)


def test_the_containerfile_fits_the_release(knobs):
    lines = re.sub(r"\\\n", "", (EXAMPLES / "Containerfile").read_text()).splitlines()
    instructions = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    stages = [words.split(" AS ")[1] for word, words in instructions if word == "FROM" and " AS " in words]
    for copied in (words for word, words in instructions if word == "COPY"):
        if stage := re.match(r"--from=(\w+)", copied):
            assert stage[1] in stages
        else:
            # The context is dist/.
            assert f"dist/{copied.split()[0]}" in (serving.ROOT / "scripts" / "make-release.sh").read_text()
    of = dict(instructions)
    assert set(re.findall(r"FUSEDINF_\w+", of["ENV"])) <= environment_names(knobs)
    assert of["EXPOSE"].split() == [knobs["http-port"]["default"], knobs["grpc-port"]["default"]]
    assert json.loads(of["ENTRYPOINT"]) == [serving.SERVER.name]
    # Kubernetes' manifest says which user owns its volumes.
    pod = objects("deployment.yaml")["Deployment", "fusedinf"]["template"]["spec"]
    assert pod["securityContext"]["runAsUser"] == int(of["USER"])
