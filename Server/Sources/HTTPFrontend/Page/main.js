import { bytes, colour, count, onSchemeChange } from "./format.js";
import { follow, useKey } from "./stream.js";
import { MemoryMap } from "./memory.js";
import { Timeline } from "./timeline.js";
import { ModelTable } from "./models.js";
import { Programs } from "./programs.js";
import { TryForm } from "./try.js";

const $ = (id) => document.getElementById(id);
const set = (id, text) => {
  if ($(id).textContent !== text) $(id).textContent = text;
};

const memory = new MemoryMap($("memory-map"), $("memory-legend"), $("memory-detail"));
const timeline = new Timeline($("timeline-canvas"), $("timeline-detail"));
const table = new ModelTable($("model-rows"), $("models-empty"));
const programs = new Programs($("program-list"), $("program-picture"), $("kernels"), $("widths"), $("batches"));
const form = new TryForm($("try-form"), $("try-result"));

// Answers a second, from what was counted over the last three seconds or more.
const answers = [];

function showState(state) {
  for (const model of state.models) colour(model.name);
  const { memory: held, queue, swaps } = state;
  set("version", state.version);
  set("v-resident", bytes(held.resident));
  set("v-budget", `of ${bytes(held.budget)}, peak ${bytes(held.peak)}`);
  set("v-waiting", count(queue.waiting));
  set("v-bytes", queue.bytes > 0 ? bytes(queue.bytes) : `at most ${count(queue.limit)}`);
  set("v-running", count(queue.running));
  set("v-lanes", `on ${state.lanes} ${state.lanes === 1 ? "lane" : "lanes"}`);
  const total = state.models.reduce((sum, model) => sum + model.succeeded, 0);
  set("v-answers", count(total));
  answers.push([performance.now(), total]);
  set("v-swapped", bytes(swaps.warmBytes + swaps.coldBytes));
  set("v-swaps", `${bytes(swaps.coldBytes)} of it from disk`);
  const refusals = Object.entries(queue.refusals);
  set("v-refused", count(refusals.reduce((sum, [, number]) => sum + number, 0)));
  set("v-refusals", refusals.sort((a, b) => b[1] - a[1])[0]?.[0].replaceAll("_", " ") ?? "none");
  set("memory-note", `${count(swaps.evicted)} extents evicted so far`);
  memory.show(held);
  timeline.lanes = state.lanes;
  table.show(state);
  programs.showState(state);
  form.showModels(state.models);
}

setInterval(() => {
  const now = performance.now();
  while (answers.length > 2 && now - answers[1][0] > 3000) answers.shift();
  const [first, last] = [answers[0], answers.at(-1)];
  if (!first) return;
  const rate = now - last[0] > 3000 ? 0 : (last[1] - first[1]) / Math.max(1, (now - first[0]) / 1000);
  set("v-rate", `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)} a second`);
}, 500);

follow("events", {
  message(name, value) {
    if (name === "state") showState(value);
    if (name === "activity") {
      timeline.add(value);
      programs.add(value);
    }
  },
  state(state, text) {
    $("link").dataset.state = state;
    set("link", text);
  },
  unlocked() {
    $("key-form").hidden = false;
    $("key").focus();
    return new Promise((resume) => {
      $("key-form").onsubmit = (event) => {
        event.preventDefault();
        useKey($("key").value);
        $("key-form").hidden = true;
        resume();
      };
    });
  },
});

onSchemeChange(() => {
  memory.list();
  memory.draw();
  table.recolour();
  programs.draw();
});
