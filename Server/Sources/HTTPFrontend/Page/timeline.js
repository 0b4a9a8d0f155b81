import { bytes, colour, milliseconds, nameOf, prepare, theme } from "./format.js";

// The maximum number of items drawn; the latest are kept.
const MOST = 6000;

// The last seconds: one row per lane with its runs, one for swap-ins, one for evictions and refusals.
export class Timeline {
  constructor(canvas, detail) {
    Object.assign(this, { canvas, detail, lanes: 1, span: 10, runs: [], loads: [], marks: [], offset: null, frozen: null, pointer: null });
    const buttons = [...document.querySelectorAll("[data-span]")];
    for (const button of buttons) {
      button.addEventListener("click", () => {
        this.span = Number(button.dataset.span);
        for (const other of buttons) other.setAttribute("aria-pressed", `${other === button}`);
        this.draw();
      });
    }
    const pause = document.getElementById("pause");
    pause.addEventListener("click", () => {
      this.frozen = this.frozen === null ? this.now() : null;
      pause.setAttribute("aria-pressed", `${this.frozen !== null}`);
      pause.textContent = this.frozen === null ? "Pause" : "Go on";
    });
    canvas.addEventListener("pointermove", (event) => {
      const box = canvas.getBoundingClientRect();
      this.pointer = [event.clientX - box.left, event.clientY - box.top];
    });
    canvas.addEventListener("pointerleave", () => (this.pointer = null));
    const period = matchMedia("(prefers-reduced-motion: reduce)").matches ? 500 : 40;
    let last = 0;
    const frame = (time) => {
      if (time - last >= period && !document.hidden) {
        last = time;
        this.draw();
      }
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  // The server's time in milliseconds, slightly delayed, so that events in transit have arrived when their time is drawn.
  now() {
    return this.offset === null ? 0 : performance.now() - this.offset - 350;
  }

  add(activity) {
    const offset = performance.now() - activity.now;
    // The fastest message gives the best offset between the clocks; a restarted server has a new clock.
    this.offset = this.offset === null || Math.abs(offset - this.offset) > 2000 ? offset : Math.min(this.offset + 0.5, offset);
    this.runs.push(...activity.runs);
    this.loads.push(...activity.loads);
    this.marks.push(...activity.evictions, ...activity.refusals.map((refusal) => ({ ...refusal, refused: true })));
    const oldest = (this.frozen ?? this.now()) - 31000;
    const fresh = (list, end) => {
      const kept = list.filter((item) => end(item) > oldest);
      return kept.length > MOST ? kept.slice(-MOST) : kept;
    };
    this.runs = fresh(this.runs, (run) => run.end);
    this.loads = fresh(this.loads, (load) => load.end);
    this.marks = fresh(this.marks, (mark) => mark.at);
  }

  draw() {
    const rows = this.lanes + 2;
    const wanted = `${Math.max(5, rows) * 26 + 22}px`;
    if (this.canvas.style.height !== wanted) this.canvas.style.height = wanted;
    const { context, width, height } = prepare(this.canvas);
    const gutter = 62;
    const row = (height - 22) / rows;
    const now = this.frozen ?? this.now();
    const from = now - this.span * 1000;
    const x = (time) => gutter + ((time - from) / (now - from)) * (width - gutter);
    context.font = "11px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.lineWidth = 1;
    context.strokeStyle = theme("faint");
    context.fillStyle = theme("muted");
    const titles = [...Array(this.lanes).keys()].map((lane) => `lane ${lane}`).concat("swap-in", "evicted");
    titles.forEach((title, index) => {
      context.fillStyle = theme("muted");
      context.fillText(title, 0, row * (index + 0.5));
      context.fillStyle = theme("line");
      context.fillRect(gutter, row * (index + 1) - 0.5, width - gutter, 0.5);
    });
    const step = this.span <= 3 ? 500 : this.span <= 10 ? 1000 : 5000;
    context.textAlign = "center";
    context.fillStyle = theme("muted");
    for (let back = step; back < this.span * 1000; back += step) {
      const at = x(now - back);
      context.beginPath();
      context.moveTo(at, 0);
      context.lineTo(at, height - 20);
      context.stroke();
      if (width > 500 || (back / step) % 2 === 0) context.fillText(`−${back / 1000} s`, at, height - 9);
    }
    context.textAlign = "left";
    context.save();
    context.beginPath();
    context.rect(gutter, 0, width - gutter, height - 20);
    context.clip();
    let under = null;
    const bar = (start, end, line, fill, item, inset = 3) => {
      const [left, right] = [x(start), Math.max(x(end), x(start) + 1.5)];
      if (right < gutter) return null;
      context.fillStyle = fill;
      context.fillRect(left, row * line + inset, right - left, row - inset * 2);
      const [px, py] = this.pointer ?? [-1, -1];
      if (px >= left - 2 && px <= right + 2 && py >= row * line && py < row * (line + 1)) under = item;
      return [left, right];
    };
    for (const run of this.runs) {
      if (run.end < from || run.start > now) continue;
      const line = Math.min(Math.max(run.lane, 0), this.lanes - 1);
      const ends = bar(run.start, run.end, line, run.failed ? theme("bad") : colour(nameOf(run.model)), run);
      if (!ends) continue;
      // A run that loaded weights has a dark foot.
      if (run.loaded > 0) {
        context.fillStyle = theme("ink");
        context.fillRect(ends[0], row * (line + 1) - 5, ends[1] - ends[0], 2);
      }
      const text = nameOf(run.model) + (run.batch > 1 ? ` ×${run.batch}` : "");
      if (ends[1] - ends[0] > context.measureText(text).width + 8) {
        context.fillStyle = theme("panel");
        context.fillText(text, Math.max(ends[0], gutter) + 4, row * (line + 0.5));
      }
    }
    for (const load of this.loads) {
      if (load.end < from) continue;
      const fill = load.models.length > 1 ? theme("ink") : load.models[0] ? colour(nameOf(load.models[0])) : theme("muted");
      const ends = bar(load.start, load.end, this.lanes, fill, load, load.cold ? 3 : 7);
      if (ends && load.cold) {
        context.fillStyle = theme("ink");
        context.fillRect(ends[0], row * this.lanes + 3, ends[1] - ends[0], 2);
      }
    }
    for (const mark of this.marks) {
      if (mark.at < from) continue;
      const [at, middle] = [x(mark.at), row * (this.lanes + 1.5)];
      const name = mark.refused ? mark.model : mark.models[0];
      context.fillStyle = mark.refused ? theme("bad") : name ? colour(nameOf(name)) : theme("muted");
      context.beginPath();
      if (mark.refused) {
        context.arc(at, middle, 3, 0, 7);
      } else {
        context.moveTo(at - 4, middle - 4);
        context.lineTo(at + 4, middle - 4);
        context.lineTo(at, middle + 4);
      }
      context.fill();
      const [px, py] = this.pointer ?? [-1, -1];
      if (Math.abs(px - at) < 5 && py >= row * (this.lanes + 1) && py < row * (this.lanes + 2)) under = mark;
    }
    context.restore();
    const text = under ? describe(under) : this.runs.length + this.loads.length === 0 ? "Nothing has run since this page was opened." : "\u00a0";
    if (this.detail.textContent !== text) this.detail.textContent = text;
    this.drawn = this.runs.length + this.loads.length;
    this.canvas.dataset.runs = this.runs.length;
    this.canvas.dataset.loads = this.loads.length;
  }
}

function describe(item) {
  const names = (list) => (list.length > 0 ? list.map((key) => key.replace(":", " v")).join(", ") : "a closed model");
  if (item.refused) return `${item.model.replace(":", " v")}: refused, ${item.kind.replaceAll("_", " ")}`;
  if ("at" in item) return `${names(item.models)}: ${bytes(item.bytes)} evicted`;
  if ("extents" in item) return `${names(item.models)}: ${item.extents} extents, ${bytes(item.bytes)} ${item.cold ? "from disk" : "from the page cache"} in ${milliseconds(item.end - item.start)} ms`;
  return `${item.model.replace(":", " v")}: ran ${milliseconds(item.end - item.start)} ms after waiting ${milliseconds(Math.max(0, item.start - item.queued))} ms, batch of ${item.batch}, program ${item.program} with ${item.width} ${item.width === 1 ? "member" : "members"}${item.loaded > 0 ? `, ${bytes(item.loaded)} loaded` : ""}${item.failed ? ", failed" : ""}`;
}
