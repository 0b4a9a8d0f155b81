import { bytes, colour, count, element, milliseconds, nameOf } from "./format.js";

// A row a model and version. Rows are kept and changed in place, so that nothing jumps and selections are kept.
export class ModelTable {
  constructor(body, empty) {
    Object.assign(this, { body, empty, rows: new Map() });
  }

  show(state) {
    this.empty.hidden = state.models.length > 0;
    const held = new Map();
    for (const group of state.memory.groups) {
      for (const key of group.models) {
        const sum = held.get(key) ?? { resident: 0, bytes: 0 };
        sum.resident += group.resident;
        sum.bytes += group.bytes;
        held.set(key, sum);
      }
    }
    const seen = new Set();
    let before = null;
    for (const model of state.models) {
      const key = `${model.name}:${model.version}`;
      seen.add(key);
      const row = this.rows.get(key) ?? this.make(key, model);
      const place = before ? before.nextSibling : this.body.firstChild;
      if (row.node !== place) this.body.insertBefore(row.node, place);
      before = row.node;
      this.fill(row, model, held.get(key));
    }
    for (const [key, row] of this.rows) {
      if (seen.has(key)) continue;
      row.node.remove();
      this.rows.delete(key);
    }
  }

  make(key, model) {
    const swatch = element("i", { class: "swatch", colour: colour(model.name) });
    const cells = {
      state: element("td", { class: "state" }), held: element("td", { class: "held" }),
      waiting: element("td", { class: "n", "data-label": "wait" }), running: element("td", { class: "n", "data-label": "run" }),
    };
    for (const kind of ["warm", "cold"]) {
      cells[`${kind}0`] = element("td", { class: "n group", "data-label": kind });
      for (const name of ["p50", "p90", "p99"]) cells[kind + name] = element("td", { class: "n", "data-label": name });
    }
    const name = element("td", { class: "name", title: model.name }, swatch, model.name, " ", element("small", {}, model.version ? `v${model.version}` : ""));
    const badge = element("span", { class: "badge" });
    const reason = element("span", { class: "reason" });
    cells.state.append(badge, reason);
    const fill = element("i", { colour: colour(model.name) });
    const held = element("span");
    const pin = element("span", { class: "pin" });
    cells.held.append(element("span", { class: "meter" }, fill), held, pin);
    const row = { node: element("tr", {}, name, ...Object.values(cells)), cells, badge, reason, fill, held, pin, swatch, name: model.name };
    row.node.dataset.model = key;
    this.rows.set(key, row);
    return row;
  }

  fill(row, model, held) {
    const set = (node, text) => {
      if (node.textContent !== text) node.textContent = text;
    };
    row.badge.dataset.state = model.state;
    set(row.badge, model.state.toLowerCase());
    set(row.reason, model.reason);
    row.fill.style.width = held?.bytes > 0 ? `${(100 * held.resident) / held.bytes}%` : "0";
    set(row.held, held?.resident > 0 ? bytes(held.resident) : "–");
    set(row.pin, model.pinned ? "pinned" : "");
    row.node.dataset.resident = held?.resident ?? 0;
    set(row.cells.waiting, count(model.waiting));
    set(row.cells.running, count(model.running));
    for (const kind of ["warm", "cold"]) {
      set(row.cells[`${kind}0`], count(model[kind].count));
      for (const name of ["p50", "p90", "p99"]) set(row.cells[kind + name], milliseconds(model[kind][name]));
      for (const name of ["0", "p50", "p90", "p99"]) row.cells[kind + name].classList.toggle("quiet", model[kind].count === 0);
    }
    for (const name of ["waiting", "running"]) row.cells[name].classList.toggle("quiet", model[name] === 0);
  }

  recolour() {
    for (const row of this.rows.values()) {
      row.swatch.style.background = colour(row.name);
      row.fill.style.background = colour(row.name);
    }
  }
}
