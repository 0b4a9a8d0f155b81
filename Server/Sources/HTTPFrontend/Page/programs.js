import { bytes, colour, element, milliseconds, nameOf, theme, vector } from "./format.js";

// The number of programs kept, and of members drawn of each.
const KEPT = 10;
const DRAWN = 9;

// Recent fused programs, each as a DAG of loads and members, and the sizes of programs and batches.
export class Programs {
  constructor(list, picture, kernels, widths, batches) {
    Object.assign(this, { list, picture, kernels, widths, batches, programs: [], chosen: null, groups: [] });
    new ResizeObserver(() => this.draw()).observe(picture);
  }

  showState(state) {
    this.groups = state.memory.groups;
    histogram(this.widths, state.queue.widths);
    histogram(this.batches, state.queue.batches);
  }

  add(activity) {
    if (activity.runs.length === 0) return;
    for (const run of activity.runs) {
      let program = this.programs.find((other) => other.id === run.program);
      if (!program) {
        program = { id: run.program, runs: [], members: 0 };
        this.programs.push(program);
      }
      program.members += 1;
      program.runs.push(run);
      if (program.runs.length > 64) program.runs.shift();
    }
    // Wide programs are preferred to the most recent ones: they show more.
    while (this.programs.length > KEPT) {
      const old = this.programs.slice(0, -3).filter((program) => program.id !== this.chosen);
      const least = old.reduce((least, program) => (program.members < least.members ? program : least), old[0]);
      this.programs.splice(this.programs.indexOf(least), 1);
    }
    this.offer();
    this.draw();
  }

  current() {
    return this.programs.find((program) => program.id === this.chosen) ?? this.programs.reduce((best, program) => (!best || Math.min(program.members, DRAWN) >= Math.min(best.members, DRAWN) ? program : best), null);
  }

  offer() {
    const current = this.current();
    const old = new Map([...this.list.children].map((button) => [button.dataset.program, button]));
    const buttons = [...this.programs].reverse().map((program) => {
      const id = `${program.id}`;
      const button = old.get(id) ?? element("button", { type: "button", onclick: () => this.choose(program.id) });
      button.dataset.program = id;
      const text = `${program.id} · ${program.members} ${program.members === 1 ? "member" : "members"}`;
      if (button.textContent !== text) button.textContent = text;
      button.setAttribute("aria-pressed", `${program === current}`);
      return button;
    });
    const focused = document.activeElement;
    this.list.replaceChildren(...buttons);
    if (buttons.includes(focused)) focused.focus();
  }

  choose(id) {
    this.chosen = this.chosen === id ? null : id;
    this.offer();
    this.draw();
  }

  draw() {
    const program = this.current();
    if (!program) return;
    const runs = stretch([...program.runs].sort((a, b) => a.start - b.start));
    const keys = [...new Set(runs.map((run) => run.model))];
    const loads = this.groups.filter((group) => group.models.some((key) => keys.includes(key)))
      .map((group) => ({ ...group, members: group.models.filter((key) => keys.includes(key)) }))
      .sort((a, b) => keys.indexOf(a.members[0]) - keys.indexOf(b.members[0]) || a.members.length - b.members.length);
    const width = Math.max(280, this.picture.clientWidth);
    const [row, top] = [30, 18];
    const left = Math.min(150, width * 0.28);
    const begin = left + Math.min(46, width * 0.1);
    const first = Math.min(...runs.map((run) => run.start));
    const span = Math.max(0.05, Math.max(...runs.map((run) => run.end)) - first);
    const scale = (width - begin - 6) / span;
    const height = top + Math.max(loads.length, runs.length, 5) * row + 20;
    const svg = vector("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Program ${program.id}: ${loads.length} groups of loads, ${program.members} members` });
    svg.append(vector("text", { x: 0, y: 10, class: "small" }, "loads"), vector("text", { x: begin, y: 10, class: "small" }, `members over ${milliseconds(span)} ms${program.members > runs.length ? `, ${runs.length} of ${program.members}` : ""}`));
    const spot = new Map();
    runs.forEach((run, index) => {
      if (!spot.has(run.model)) spot.set(run.model, []);
      spot.get(run.model).push([begin + (run.start - first) * scale, top + index * row + row / 2 - 2]);
    });
    const largest = Math.max(1, ...loads.map((load) => load.bytes));
    loads.forEach((load, index) => {
      const y = top + index * row;
      const wide = 58 + (left - 58) * Math.sqrt(load.bytes / largest);
      const shared = load.members.length > 1;
      const ink = shared ? theme("bad") : colour(nameOf(load.members[0]));
      const brought = runs.some((run) => run.loaded > 0 && load.members.includes(run.model));
      for (const key of load.members) {
        for (const [x, middle] of spot.get(key)) {
          const bend = Math.max(18, (x - wide) / 2);
          svg.append(vector("path", { class: "wire", stroke: ink, d: `M${wide} ${y + row / 2 - 2} C${wide + bend} ${y + row / 2 - 2} ${x - bend} ${middle} ${x} ${middle}` }));
        }
      }
      const box = vector("rect", { x: 0.75, y: y + 2, width: wide, height: row - 8, rx: 4, ...(brought ? { fill: ink } : { class: "hollow", stroke: ink }) });
      box.append(vector("title", {}, `${load.models.join(", ")}: ${bytes(load.bytes)}, ${brought ? "loaded" : "already resident"}`));
      svg.append(box);
      const label = vector("text", { x: 6, y: y + row / 2 + 2, class: "inside" }, bytes(load.bytes));
      if (brought) label.style.fill = theme("panel");
      svg.append(label);
    });
    runs.forEach((run, index) => {
      const [x, y] = [begin + (run.start - first) * scale, top + index * row];
      const long = Math.max(2, (run.end - run.start) * scale);
      const bar = vector("rect", { x, y: y + 2, width: long, height: row - 8, rx: 3, fill: run.failed ? theme("bad") : colour(nameOf(run.model)) });
      const full = `${nameOf(run.model)}${run.batch > 1 ? ` ×${run.batch}` : ""} · ${milliseconds(run.end - run.start)} ms`;
      // A narrow picture has no room for durations; the axis shows them roughly.
      const text = width < 420 ? nameOf(run.model) : full;
      bar.append(vector("title", {}, `${full}, lane ${run.lane}`));
      svg.append(bar);
      const size = text.length * 5.9;
      const inside = size + 10 < long;
      const fits = x + long + 5 + size < width;
      // Beside the bar if there is room, else over it.
      const before = !inside && !fits && x - 5 - size > left * 0.6;
      const spot = inside ? x + 5 : fits ? x + long + 5 : before ? x - 5 : width - 4;
      const label = vector("text", { class: inside ? "" : "over", x: spot, y: y + row / 2 + 2, "text-anchor": inside || fits ? "start" : "end" }, text);
      if (inside) label.style.fill = theme("panel");
      svg.append(label);
    });
    svg.append(vector("line", { class: "axis", x1: begin, x2: width - 6, y1: height - 14, y2: height - 14 }));
    for (const share of [0, 0.5, 1]) {
      svg.append(vector("text", { class: "small", x: begin + (width - begin - 6) * share, y: height - 2, "text-anchor": share === 0 ? "start" : share === 1 ? "end" : "middle" }, share === 0 ? "0" : `${milliseconds(span * share)} ms`));
    }
    this.picture.replaceChildren(svg);
    this.kernels.hidden = false;
    this.kernels.href = `api/program.svg?${new URLSearchParams(keys.slice(0, 8).map((key) => ["model", key]))}`;
  }
}

// The runs to draw: as many consecutive ones as there is room for, around the moment with the most models; of equal moments the latest.
function stretch(runs) {
  let [best, most] = [0, 0];
  for (let from = 0; from + DRAWN <= runs.length; from += 1) {
    const models = new Set(runs.slice(from, from + DRAWN).map((run) => run.model)).size;
    if (models >= most) [best, most] = [from, models];
  }
  return runs.slice(best, best + DRAWN);
}

// A histogram; empty bars after the last value are left out.
function histogram(node, bars) {
  const last = bars.findLastIndex((bar) => bar.count > 0);
  const shown = bars.slice(0, Math.max(4, last + 1));
  const most = Math.max(1, ...shown.map((bar) => bar.count));
  node.replaceChildren(
    ...shown.map((bar, index) => {
      const low = index > 0 ? shown[index - 1].most + 1 : 1;
      const name = bar.most === undefined || bar.most === null ? `${low}+` : low === bar.most ? `${low}` : `–${bar.most}`;
      const fill = element("i");
      fill.style.height = `${(bar.count / most) * 44}px`;
      return element("div", { title: `${name}: ${bar.count}` }, fill, name);
    }),
  );
}
