"""A real browser, driven over the DevTools protocol: Chromium without a window."""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import websocket

PROGRAM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class BrowserError(Exception):
    pass


class Browser:
    """One browser with one page. Keeps what the page logs, what it asks for and what is refused to it."""

    def __init__(self, width=1280, height=900, dark=False):
        self.folder = tempfile.TemporaryDirectory(
            prefix="fusedinf-browser-", ignore_cleanup_errors=True  # its last processes may still write
        )
        self.process = subprocess.Popen(
            [PROGRAM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
             "--remote-debugging-port=0", "--remote-allow-origins=*", f"--user-data-dir={self.folder.name}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.number = 0
        self.problems, self.requests = [], []
        try:
            self.socket = websocket.create_connection(self._address(), timeout=60, suppress_origin=True)
            target = next(t for t in self._raw("Target.getTargets")["targetInfos"] if t["type"] == "page")["targetId"]
            self.session = self._raw("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ["Page", "Runtime", "Log", "Network", "DOM"]:
                self.call(f"{domain}.enable")
            self.resize(width, height)
            self.scheme(dark)
        except BaseException:
            self.close()
            raise

    def _address(self):
        port = pathlib.Path(self.folder.name) / "DevToolsActivePort"
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise BrowserError(f"the browser ended with status {self.process.returncode}")
            lines = port.read_text().split() if port.exists() else []
            if len(lines) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            time.sleep(0.05)
        raise BrowserError("the browser did not come up in a minute")

    # What is asked of the browser.

    def _raw(self, method, **parameters):
        return self._ask({"method": method, "params": parameters})

    def call(self, method, **parameters):
        return self._ask({"method": method, "params": parameters, "sessionId": self.session})

    def _ask(self, message):
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, **message}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise BrowserError(f"{message['method']}: {answer['error']['message']}")
                return answer["result"]
            self._note(answer)

    def _note(self, event):
        name, detail = event.get("method"), event.get("params", {})
        if name == "Runtime.exceptionThrown":
            thrown = detail["exceptionDetails"]
            self.problems.append(thrown.get("exception", {}).get("description", thrown["text"]))
        elif name == "Runtime.consoleAPICalled" and detail["type"] in ("error", "warning", "assert"):
            self.problems.append(" ".join(str(a.get("value", a.get("description"))) for a in detail["args"]))
        elif name == "Log.entryAdded" and detail["entry"]["level"] in ("error", "warning"):
            self.problems.append(f"{detail['entry']['text']} {detail['entry'].get('url', '')}")
        elif name == "Network.requestWillBeSent":
            self.requests.append(detail["request"]["url"])

    # What is done with the page.

    def resize(self, width, height, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False)

    def scheme(self, dark):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def run(self, expression):
        """The value of an expression, awaited."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise BrowserError(result["exceptionDetails"].get("exception", {}).get("description", "failed"))
        return result["result"].get("value")

    def wait(self, expression, seconds=30):
        """The first value of an expression that is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = self.run(expression)
            if value:
                return value
            time.sleep(0.05)
        raise BrowserError(f"{expression} did not come true in {seconds} s; problems: {self.problems}")

    def key(self, key, code=None, text=None):
        for kind in ("keyDown", "keyUp"):
            extra = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=code or key,
                      windowsVirtualKeyCode={"Tab": 9, "Enter": 13}.get(key, 0), **extra)

    def choose_file(self, selector, path):
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def screenshot(self, path, whole=True):
        """Writes a picture of the window, or of the page in its whole length."""
        extra = {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            extra = {"captureBeyondViewport": True,
                     "clip": {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}}
        data = self.call("Page.captureScreenshot", format="png", **extra)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def close(self):
        if hasattr(self, "socket"):
            self.socket.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
