import { bytes, colour, element, nameOf, prepare, theme } from "./format.js";

// The budget as one strip of bytes, broken into rows: the share of each holder, and the free rest.
export class MemoryMap {
  constructor(canvas, legend, detail) {
    Object.assign(this, { canvas, legend, detail, parts: [], spots: [] });
    new ResizeObserver(() => this.draw()).observe(canvas);
    canvas.addEventListener("pointermove", (event) => this.point(event));
    canvas.addEventListener("pointerleave", () => (this.detail.textContent = "\u00a0"));
  }

  show(memory) {
    this.budget = memory.budget;
    const parts = [];
    const groups = memory.groups.filter((group) => group.resident > 0);
    for (const group of groups) {
      const names = [...new Set(group.models.map(nameOf))];
      const shared = group.models.length > 1;
      parts.push({
        bytes: group.resident, pieces: group.pieces, pinned: group.pinned > 0, loading: group.loading, names,
        kind: shared ? "shared" : "model",
        label: names.length === 0 ? "closed models" : shared ? `shared by ${group.models.join(", ").replaceAll(":", " v")}` : names[0],
        more: `${bytes(group.resident)} of ${bytes(group.bytes)}${group.pinned > 0 ? ", pinned" : ""}${group.leased > 0 ? ", in use" : ""}${group.loading > 0 ? ", loading" : ""}`,
      });
    }
    parts.sort((a, b) => (a.kind === b.kind ? a.label.localeCompare(b.label) : a.kind === "shared" ? 1 : -1));
    const arenas = memory.arenas.reduce((sum, size) => sum + size, 0);
    if (arenas > 0) parts.push({ bytes: arenas, pieces: memory.arenas, kind: "arena", label: "arenas", names: [], more: `${bytes(arenas)} for activations` });
    if (memory.tensors > 0) parts.push({ bytes: memory.tensors, pieces: [], kind: "tensors", label: "request tensors", names: [], more: bytes(memory.tensors) });
    const free = Math.max(0, memory.budget - memory.resident);
    parts.push({ bytes: free, pieces: [], kind: "free", label: "free", names: [], more: bytes(free) });
    this.parts = parts;
    this.canvas.setAttribute("aria-label", `Memory map: ${parts.map((part) => `${part.label} ${part.more}`).join("; ")}`);
    this.list();
    this.draw();
  }

  list() {
    this.legend.replaceChildren(
      ...this.parts.map((part) => {
        const swatch = element("i", { class: `swatch ${part.kind}` });
        if (part.kind === "model" && part.names[0]) swatch.style.background = colour(part.names[0]);
        return element("li", {}, swatch, element("b", {}, part.label), element("span", {}, bytes(part.bytes) + (part.pinned ? " · pinned" : "")));
      }),
    );
  }

  draw() {
    const { context, width, height } = prepare(this.canvas);
    if (!this.budget) return;
    const rows = width < 500 ? 6 : 4;
    const gap = 4;
    const row = (height - gap * (rows - 1)) / rows;
    const scale = (width * rows) / this.budget;
    this.spots = [];
    let at = 0;
    // Calls `body(x, y, width, height)` for the part of each row that a stretch of the strip covers.
    const stretch = (from, length, body) => {
      let [start, left] = [from, length];
      while (left > 0.01) {
        const line = Math.min(rows - 1, Math.floor((start + 0.001) / width));
        const x = start - line * width;
        const piece = line === rows - 1 ? left : Math.min(left, width - x);
        body(x, line * (row + gap), piece, row);
        start += piece;
        left -= piece;
      }
    };
    for (const part of this.parts) {
      const length = part.bytes * scale;
      const fill = part.kind === "free" ? theme("free") : part.kind === "arena" ? theme("arena") : part.kind === "tensors" ? theme("tensors") : part.names[0] ? colour(part.names[0]) : theme("muted");
      stretch(at, length, (x, y, w, h) => {
        context.fillStyle = fill;
        context.fillRect(x, y, w, h);
        if (part.kind === "shared") this.hatch(context, part, x, y, w, h);
        this.spots.push({ x, y, w, h, part });
      });
      // Edges of extents, and a bar over pinned ones.
      context.fillStyle = theme("panel");
      let edge = at;
      for (const piece of part.kind === "free" ? [] : part.pieces) {
        edge += piece * scale;
        if (piece * scale > 3) stretch(edge - 0.75, 0.75, (x, y, w, h) => context.fillRect(x, y, w, h));
      }
      if (part.pinned) {
        context.fillStyle = theme("ink");
        stretch(at, length, (x, y, w) => context.fillRect(x, y, w, 3));
      }
      if (part.kind !== "free") {
        context.fillStyle = theme("panel");
        stretch(at + length - 1.5, 1.5, (x, y, w, h) => context.fillRect(x, y, w, h));
      }
      at += length;
    }
    context.font = "600 11px system-ui, sans-serif";
    context.textBaseline = "middle";
    const labelled = new Set();
    for (const spot of this.spots) {
      const { part, x, y, w, h } = spot;
      if (labelled.has(part) || w < 46) continue;
      const text = part.kind === "shared" ? "shared" : part.label;
      const size = context.measureText(text).width;
      if (size + 12 > w) continue;
      labelled.add(part);
      if (part.kind === "shared") {
        context.fillStyle = theme("panel");
        context.fillRect(x + 4, y + h / 2 - 8, size + 8, 16);
      }
      if (part.kind === "model") {
        // Edges of extents do not cross the letters.
        context.fillStyle = colour(part.names[0]);
        context.fillRect(x + 5, y + 2, size + 6, h - 4);
      }
      context.fillStyle = part.kind === "free" ? theme("muted") : part.kind === "shared" ? theme("ink") : theme("panel");
      context.fillText(text, x + 8, y + h / 2 + 0.5);
    }
  }

  // Stripes in the colours of all holders.
  hatch(context, part, x, y, w, h) {
    context.save();
    context.beginPath();
    context.rect(x, y, w, h);
    context.clip();
    const step = 7;
    context.lineWidth = step / 2 / Math.SQRT1_2 / 1.6;
    let turn = 0;
    for (let start = Math.floor((x - h) / step) * step; start < x + w; start += step) {
      turn = Math.round(start / step);
      const names = part.names;
      context.strokeStyle = names.length > 1 ? colour(names[1 + (((turn % (names.length - 1)) + names.length - 1) % (names.length - 1))]) : theme("hatch");
      context.beginPath();
      context.moveTo(start, y + h);
      context.lineTo(start + h, y);
      context.stroke();
    }
    context.restore();
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const spot = this.spots.find((spot) => x >= spot.x && x < spot.x + spot.w && y >= spot.y && y < spot.y + spot.h);
    this.detail.textContent = spot ? `${spot.part.label}: ${spot.part.more}${spot.part.pieces.length > 1 ? `, ${spot.part.pieces.length} extents` : ""}` : "\u00a0";
  }
}
