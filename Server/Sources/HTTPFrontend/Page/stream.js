// Reads the server's events, with `fetch`, since an EventSource cannot send an API key.

let key = sessionStorage.getItem("fusedinf-key") ?? "";

export function useKey(value) {
  key = value;
  sessionStorage.setItem("fusedinf-key", value);
}

// `fetch` with the key, if there is one.
export function request(path, options = {}) {
  const headers = new Headers(options.headers);
  if (key) headers.set("Authorization", `Bearer ${key}`);
  return fetch(path, { ...options, headers });
}

// Calls `on.message(name, value)` for each event and `on.state(text, detail)` as the connection opens and closes, for ever.
export async function follow(path, on) {
  let pause = 500;
  for (;;) {
    try {
      const response = await request(path, { cache: "no-store" });
      if (response.status === 401 || response.status === 403) {
        on.state("locked", "API key required");
        await on.unlocked();
        continue;
      }
      if (!response.ok) throw new Error(`answered ${response.status}`);
      on.state("live", "live");
      pause = 500;
      await read(response.body, on.message);
    } catch {
      // The server is gone or refuses; the retry is below.
    }
    on.state("lost", "connection lost, retrying");
    await new Promise((resume) => setTimeout(resume, pause));
    pause = Math.min(pause * 2, 8000);
  }
}

async function read(body, onMessage) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      let name = "message";
      const data = [];
      for (const line of block.split("\n")) {
        if (line.startsWith("event: ")) name = line.slice(7);
        else if (line.startsWith("data: ")) data.push(line.slice(6));
      }
      if (data.length > 0) onMessage(name, JSON.parse(data.join("\n")));
    }
  }
}
