"""The web page, in a real browser; and the events that it is fed with."""

import hashlib
import http.client
import json
import struct
import time
import urllib.error
import urllib.request
import zlib
from xml.etree import ElementTree

import browser
import numpy as np
import pytest
import serving
import small_models
import tritonclient.http as triton

pytestmark = pytest.mark.skipif(browser.PROGRAM is None, reason="there is no Chromium here")


@pytest.fixture(scope="module")
def page_server(store):
    with serving.Server(store) as running:
        yield running


@pytest.fixture
def page(page_server):
    with browser.Browser() as window:
        window.open(page_server.url + "/")
        window.wait("document.getElementById('link').dataset.state === 'live'")
        window.wait("document.querySelectorAll('#model-rows tr').length > 0")
        yield window
        # A content security policy that is broken is an entry in the log, and so among these.
        assert window.problems == []
        origins = {address.split("/")[2] for address in window.requests if not address.startswith(("data:", "blob:", "about:"))}
        assert origins == {page_server.http}


def ask(server, rows=1):
    client = triton.InferenceServerClient(server.http)
    tensor = triton.InferInput("x", [rows, 16], "FP32")
    values = np.linspace(-1, 1, rows * 16, dtype=np.float32).reshape(rows, 16)
    tensor.set_data_from_numpy(values)
    return client.infer("perceptron", [tensor]).as_numpy("y")


def painted(page, canvas):
    """How many colours a canvas shows."""
    return page.run(f"""(() => {{
      const canvas = document.getElementById('{canvas}');
      const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
      return new Set(new Uint32Array(data.buffer)).size; }})()""")


def test_policy_forbids_everything_from_elsewhere(page_server):
    with urllib.request.urlopen(page_server.url + "/") as response:
        policy = response.headers["Content-Security-Policy"]
        document = response.read().decode()
        tag = response.headers["ETag"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "style=" not in document and "<style" not in document and "onclick" not in document
    again = urllib.request.Request(page_server.url + "/", headers={"If-None-Match": tag})
    with pytest.raises(urllib.error.HTTPError) as unchanged:
        urllib.request.urlopen(again)
    assert unchanged.value.code == 304


def test_lists_all_models(page, models):
    names = page.run("[...document.querySelectorAll('#model-rows tr')].map((row) => row.dataset.model)")
    assert sorted(names) == sorted(f"{name}:1" for name in models)


def test_shows_what_becomes_resident_and_what_runs(page, page_server):
    ask(page_server)
    page.wait("Number(document.querySelector('[data-model=\"perceptron:1\"]').dataset.resident) > 0")
    page.wait("document.getElementById('memory-legend').textContent.includes('perceptron')")
    assert painted(page, "memory-map") > 2
    page.wait("Number(document.getElementById('timeline-canvas').dataset.runs) > 0")
    before = painted(page, "timeline-canvas")
    assert before > 2
    page.wait("document.querySelector('#program-picture svg rect') !== null")
    assert page.run("document.querySelector('#program-picture').textContent.includes('perceptron')")
    picture = page.run("fetch(document.getElementById('kernels').href).then((answer) => answer.text())")
    assert picture.startswith("<svg") and "perceptron" in picture


def test_form_answers_what_onnxruntime_answers(page, models):
    values = np.linspace(-1, 1, 32, dtype=np.float32)
    page.run("""(() => { const select = document.getElementById('try-model');
      select.value = 'perceptron'; select.dispatchEvent(new Event('change')); })()""")
    page.wait("document.querySelector('#try-inputs legend')?.textContent.startsWith('x ')")
    page.run(f"""(() => {{ const set = (node, value) => {{ node.value = value; node.dispatchEvent(new Event('change')); }};
      set(document.querySelector('[aria-label="shape of x"]'), '2 x 16');
      set(document.querySelector('[aria-label="contents of x"]'), 'json');
      set(document.querySelector('[aria-label="numbers of x"]'), {json.dumps(json.dumps(values.tolist()))});
      document.getElementById('try-form').requestSubmit(); }})()""")
    outputs = json.loads(page.wait("document.getElementById('try-result').dataset.outputs"))
    expected = small_models.answer(models["perceptron"], x=values.reshape(2, 16))["y"]
    assert outputs[0]["name"] == "y" and outputs[0]["shape"] == [2, 10]
    np.testing.assert_allclose(np.array(outputs[0]["values"]).reshape(2, 10), expected, rtol=1e-5, atol=1e-6)
    assert "compute" in page.run("document.getElementById('try-result').textContent")


def test_form_says_what_is_wrong(page):
    page.run("""(() => { const select = document.getElementById('try-model');
      select.value = 'add_sub'; select.dispatchEvent(new Event('change')); })()""")
    page.wait("document.querySelectorAll('#try-inputs fieldset').length === 2")
    page.run("""(() => { const fill = document.querySelector('[aria-label="contents of INPUT0"]');
      fill.value = 'json'; fill.dispatchEvent(new Event('change'));
      document.querySelector('[aria-label="numbers of INPUT0"]').value = '1, 2';
      document.getElementById('try-form').requestSubmit(); })()""")
    assert "2 numbers were given" in page.wait("document.getElementById('try-status').dataset.state === 'bad' && document.getElementById('try-status').textContent")


@pytest.mark.parametrize("width", [320, 360, 480, 768, 1280])
def test_never_scrolls_sideways(page, page_server, width):
    ask(page_server)
    page.wait("document.querySelector('#program-picture svg') !== null")
    page.resize(width, 800)
    page.run("new Promise((resume) => requestAnimationFrame(() => requestAnimationFrame(resume)))")
    assert page.run("document.documentElement.scrollWidth <= innerWidth")


def test_follows_the_dark_scheme(page):
    light = page.run("getComputedStyle(document.body).backgroundColor")
    page.scheme(True)
    dark = page.run("getComputedStyle(document.body).backgroundColor")
    assert sum(map(int, light[4:-1].split(","))) > 600 and sum(map(int, dark[4:-1].split(","))) < 100


def test_text_can_be_read_in_both_schemes(page):
    """4.5 to 1, as the Web Content Accessibility Guidelines ask of text."""
    for dark in (False, True):
        page.scheme(dark)
        ratio = page.run("""(() => {
          const light = (text) => { const [r, g, b] = text.match(/[0-9.]+/g).slice(0, 3).map((part) => {
            const share = part / 255; return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4; });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
          const ground = light(getComputedStyle(document.querySelector('.panel')).backgroundColor);
          return Math.min(...['body', '.note', 'th', 'footer a', '.of'].map((name) => {
            const ink = light(getComputedStyle(document.querySelector(name)).color);
            return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05); })); })()""")
        assert ratio >= 4.5


def test_can_be_used_with_the_keyboard(page):
    reached = set()
    for _ in range(40):
        page.key("Tab")
        reached.add(page.run("document.activeElement.id || document.activeElement.dataset.span || document.activeElement.textContent.trim()"))
    assert {"pause", "3", "30", "try-model"} <= reached
    page.run("document.getElementById('pause').focus()")
    page.key("Enter", text="\r")
    assert page.run("document.getElementById('pause').getAttribute('aria-pressed')") == "true"


def test_comes_back_when_the_server_does(store):
    with browser.Browser() as window:
        with serving.Server(store) as first:
            port = first.http_port
            window.open(first.url + "/")
            window.wait("document.getElementById('link').dataset.state === 'live'")
            assert first.stop() == 0
        window.wait("document.getElementById('link').dataset.state === 'lost'")
        with serving.Server(store, http_port=port) as second:
            window.wait("document.getElementById('link').dataset.state === 'live'")
            second.stop()


def test_a_picture_is_sent_as_the_model_takes_it(tmp_path_factory):
    folder = tmp_path_factory.mktemp("picture")
    # A model whose answer is what it was given.
    serving.add(folder / "store", small_models.identity(folder / "mirror.onnx", sizes=(1, 3, 4, 4)))
    picture = folder / "red.png"
    picture.write_bytes(png(4, 4, (255, 0, 0)))
    with serving.Server(folder / "store") as server, browser.Browser() as window:
        window.open(server.url + "/")
        window.wait("document.querySelector('#try-inputs legend')?.textContent.startsWith('x ')")
        window.run("""(() => { const set = (label, value) => { const node = document.querySelector(`[aria-label="${label} of x"]`);
          node.value = value; node.dispatchEvent(new Event('change')); }; set('contents', 'picture'); set('scale', 'unit'); })()""")
        window.choose_file('[aria-label="picture for x"]', picture)
        window.run("document.getElementById('try-form').requestSubmit()")
        output, = json.loads(window.wait("document.getElementById('try-result').dataset.outputs"))
        assert window.problems == []
    values = np.array(output["values"]).reshape(1, 3, 4, 4)
    np.testing.assert_allclose(values[0, 0], 1, atol=1e-6)
    np.testing.assert_allclose(values[0, 1:], 0, atol=1e-6)


def png(width, height, colour):
    """A picture of one colour, as its specification writes it."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes(colour) * width for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def test_asks_for_the_key_where_there_are_keys(store, tmp_path):
    keys = tmp_path / "keys.yaml"
    keys.write_text(f"keys:\n  - name: watcher\n    sha256: {hashlib.sha256(b'open sesame').hexdigest()}\n")
    with serving.Server(store, "--keys", keys) as server, browser.Browser() as window:
        window.open(server.url + "/")
        window.wait("!document.getElementById('key-form').hidden")
        window.run("""(() => { document.getElementById('key').value = 'open sesame';
          document.getElementById('key-form').requestSubmit(); })()""")
        window.wait("document.getElementById('link').dataset.state === 'live'")
        window.wait("document.querySelectorAll('#model-rows tr').length > 0")
        assert window.run("document.getElementById('key-form').hidden")


def test_a_program_of_several_models_is_drawn_down_to_its_kernels(page_server):
    ask(page_server)
    client = triton.InferenceServerClient(page_server.http)
    inputs = [triton.InferInput(name, [1, 16], "INT32") for name in ("INPUT0", "INPUT1")]
    for tensor in inputs:
        tensor.set_data_from_numpy(np.ones((1, 16), np.int32))
    client.infer("add_sub", inputs)
    with urllib.request.urlopen(page_server.url + "/api/program.svg?model=perceptron:1&model=add_sub:1") as response:
        assert response.headers["Content-Type"].startswith("image/svg+xml")
        picture = ElementTree.fromstring(response.read())
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    text = " ".join(picture.itertext())
    assert "perceptron" in text and "add_sub" in text
    for query, status in [("", 400), ("?model=made-up:1", 404), ("?model=identity:1", 400)]:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(page_server.url + "/api/program.svg" + query)
        assert refused.value.code == status


# Events.


class Reader:
    """One reader of the server's events."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection(server.http, timeout=30)
        self.connection.request("GET", "/events")
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def next(self, name):
        found, kind = None, None
        while found is None:
            line = self.response.readline().decode()
            assert line, "the stream ended"
            if line.startswith("event: "):
                kind = line[7:].strip()
            elif line.startswith("data: ") and kind == name:
                found = json.loads(line[6:])
        return found

    def close(self):
        self.response.close()
        self.connection.close()


def test_events_begin_with_the_state_and_go_on_with_what_happens(page_server, models):
    reader = Reader(page_server)
    assert reader.response.headers["Content-Type"] == "text/event-stream"
    state = reader.next("state")
    assert {model["name"] for model in state["models"]} == set(models)
    memory = state["memory"]
    assert memory["resident"] <= memory["peak"] <= memory["budget"]
    ask(page_server, rows=3)
    while not (runs := reader.next("activity")["runs"]):
        pass
    assert runs[0]["model"] == "perceptron:1" and runs[0]["end"] >= runs[0]["start"] >= runs[0]["queued"]
    reader.close()


def test_readers_of_events_are_bounded(store):
    with serving.Server(store) as server:
        readers = [Reader(server) for _ in range(32)]
        assert [reader.status for reader in readers] == [200] * 32
        refused = Reader(server)
        assert refused.status == 429 and int(refused.response.headers["Retry-After"]) > 0
        for reader in readers:
            reader.close()
        # Those that left are noticed when something is sent to them.
        end = time.monotonic() + 60
        while (again := Reader(server)).status != 200:
            assert time.monotonic() < end
            time.sleep(0.5)
        again.close()
        assert server.stop() == 0


def test_a_reader_does_not_keep_the_server_from_stopping(store):
    with serving.Server(store) as server:
        reader = Reader(server)
        reader.next("state")
        assert server.stop() == 0
