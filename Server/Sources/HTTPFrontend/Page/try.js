import { bytes, element, milliseconds } from "./format.js";
import { request } from "./stream.js";
import { decode, elements, encode, isKnown, pictureLayout, pictureValues } from "./tensors.js";

// The maximum number of elements sent, so that a mistyped size does not freeze the page.
const MOST = 32 * 1024 * 1024;

// The form that runs one model: a field set per input, then its answer with the time of each phase.
export class TryForm {
  constructor(form, result) {
    Object.assign(this, { form, result, inputs: [], names: "" });
    this.select = form.querySelector("select");
    this.fields = form.querySelector("#try-inputs");
    this.send = form.querySelector("button");
    this.status = form.querySelector("#try-status");
    this.select.addEventListener("change", () => this.load());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.run();
    });
  }

  showModels(models) {
    const names = [...new Set(models.filter((model) => model.state === "READY").map((model) => model.name))];
    if (names.join("\n") === this.names) return;
    this.names = names.join("\n");
    const before = this.select.value;
    this.select.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    if (names.includes(before)) this.select.value = before;
    else if (names.length > 0) this.load();
  }

  say(text, state = "") {
    this.status.textContent = text;
    this.status.dataset.state = state;
  }

  async load() {
    const name = this.select.value;
    this.send.disabled = true;
    this.result.replaceChildren();
    this.say("");
    try {
      const response = await request(`v2/models/${encodeURIComponent(name)}`);
      const metadata = await response.json();
      if (!response.ok) throw new Error(metadata.error ?? `answered ${response.status}`);
      if (name !== this.select.value) return;
      this.inputs = metadata.inputs.map((input) => new InputField(input));
      this.fields.replaceChildren(...this.inputs.map((input) => input.node));
      this.send.disabled = this.inputs.some((input) => !isKnown(input.datatype));
      if (this.send.disabled) this.say("This page cannot fill all inputs of this model.", "bad");
    } catch (error) {
      if (name !== this.select.value) return;
      this.fields.replaceChildren();
      this.say(error.message, "bad");
    }
  }

  async run() {
    this.send.disabled = true;
    this.say("running");
    const began = performance.now();
    try {
      const tensors = await Promise.all(this.inputs.map((input) => input.tensor()));
      const header = new TextEncoder().encode(JSON.stringify({
        inputs: tensors.map(({ name, datatype, shape, data }) => ({ name, datatype, shape, parameters: { binary_data_size: data.byteLength } })),
        parameters: { binary_data_output: true, timing: true },
      }));
      const sent = performance.now();
      const response = await request(`v2/models/${encodeURIComponent(this.select.value)}/infer`, {
        method: "POST",
        headers: { "Content-Type": "application/octet-stream", "Inference-Header-Content-Length": `${header.byteLength}` },
        body: new Blob([header, ...tensors.map((tensor) => tensor.data)]),
      });
      const body = await response.arrayBuffer();
      const trip = performance.now() - sent;
      const length = Number(response.headers.get("Inference-Header-Content-Length") ?? body.byteLength);
      const answer = JSON.parse(new TextDecoder().decode(body.slice(0, length)));
      if (!response.ok) throw new Error(answer.error ?? `answered ${response.status}`);
      this.show(answer, body.slice(length), trip);
      this.say(`answered by version ${answer.model_version}`);
    } catch (error) {
      this.result.replaceChildren();
      this.say(error.message, "bad");
    }
    this.send.disabled = false;
    this.took = performance.now() - began;
  }

  show(answer, body, trip) {
    const nodes = [timing(answer.parameters ?? {}, trip)];
    let at = 0;
    this.outputs = {};
    for (const output of answer.outputs) {
      const size = output.parameters?.binary_data_size;
      const values = size === undefined ? output.data.flat(Infinity) : decode(output.datatype, body.slice(at, at + size));
      at += size ?? 0;
      this.outputs[output.name] = { ...output, values };
      nodes.push(shown(output, values));
    }
    this.result.replaceChildren(...nodes);
    this.result.dataset.outputs = JSON.stringify(Object.values(this.outputs).map(({ name, shape, values }) => ({ name, shape, values: Array.from(values.slice(0, 64), Number) })));
  }
}

// One input: its size and its contents.
class InputField {
  constructor({ name, datatype, shape }) {
    Object.assign(this, { name, datatype, declared: shape });
    this.shape = element("input", { value: shape.map((size, axis) => (size < 0 ? (axis === 0 ? 1 : shape.length === 4 ? 224 : 1) : size)).join(" × "), "aria-label": `shape of ${name}`, spellcheck: false });
    this.fill = element("select", { "aria-label": `contents of ${name}` });
    for (const [value, text] of [["random", "random, from 0 to 1"], ["zeros", "zeros"], ["ones", "ones"], ["json", "numbers, typed"], ["picture", "a picture"]]) {
      if (value !== "picture" || pictureLayout(this.sizes())) this.fill.append(element("option", { value }, text));
    }
    this.text = element("textarea", { placeholder: "[0.5, 1, 2]", "aria-label": `numbers of ${name}`, hidden: true });
    this.file = element("input", { type: "file", accept: "image/*", "aria-label": `picture for ${name}` });
    this.scale = element("select", { "aria-label": `scale of ${name}` });
    for (const [value, label] of [["imagenet", "ImageNet's mean and deviation"], ["unit", "from 0 to 1"], ["signed", "from −1 to 1"], ["bytes", "from 0 to 255"]]) this.scale.append(element("option", { value }, label));
    const picture = element("div", { hidden: true }, element("label", { class: "field" }, element("span", {}, "Picture"), this.file), element("label", { class: "field" }, element("span", {}, "Values"), this.scale));
    this.fill.addEventListener("change", () => {
      this.text.hidden = this.fill.value !== "json";
      picture.hidden = this.fill.value !== "picture";
    });
    this.node = element("fieldset", {}, element("legend", {}, name, " ", element("small", {}, `${datatype} ${shape.map((size) => (size < 0 ? "any" : size)).join(" × ")}`)),
      element("label", { class: "field" }, element("span", {}, "Shape"), this.shape), element("label", { class: "field" }, element("span", {}, "Filled with"), this.fill), this.text, picture);
  }

  sizes() {
    const words = this.shape.value.split(/[^0-9]+/).filter((word) => word !== "");
    return words.map(Number);
  }

  async tensor() {
    let shape = this.sizes();
    const number = elements(shape);
    if (!Number.isSafeInteger(number) || number > MOST) throw new Error(`${this.name}: a shape of ${number} elements exceeds this page's limit`);
    let values;
    if (this.fill.value === "json") {
      const given = JSON.parse(`[${this.text.value.trim() || "null"}]`).flat(Infinity);
      if (given.some((value) => typeof value !== "number" && typeof value !== "boolean")) throw new Error(`${this.name}: enter numbers, separated by commas`);
      if (given.length !== number) throw new Error(`${this.name}: ${given.length} numbers were given, but the shape has ${number} elements`);
      values = given;
    } else if (this.fill.value === "picture") {
      const layout = pictureLayout(shape);
      if (!layout || number !== layout.channels * layout.height * layout.width) throw new Error(`${this.name}: a picture needs a shape like 1 × 3 × 224 × 224`);
      if (!this.file.files[0]) throw new Error(`${this.name}: choose a picture`);
      values = await pictureValues(this.file.files[0], layout, this.scale.value);
    } else {
      const value = { zeros: () => 0, ones: () => 1, random: /^(FP|BF)/.test(this.datatype) ? Math.random : () => Math.round(Math.random()) }[this.fill.value];
      values = Array.from({ length: number }, value);
    }
    return { name: this.name, datatype: this.datatype, shape, data: encode(this.datatype, values) };
  }
}

// The time of each phase, as a bar.
function timing(parameters, trip) {
  const parts = [["queue", "queue_us", "--warn"], ["swap-in", "swap_in_us", "--bad"], ["compute", "compute_us", "--accent"]].map(([name, key, ink]) => ({ name, ink, value: Number(parameters[key] ?? 0) / 1000 }));
  const rest = Math.max(0, trip - parts.reduce((sum, part) => sum + part.value, 0));
  parts.push({ name: "transport and browser", ink: "--arena", value: rest });
  const bar = element("div", { class: "parts", role: "img", "aria-label": "time of each phase" });
  const key = element("p", { class: "parts-key" });
  for (const part of parts) {
    const piece = element("i");
    piece.style.width = `${(100 * part.value) / Math.max(trip, 1e-9)}%`;
    piece.style.background = `var(${part.ink})`;
    bar.append(piece);
    key.append(element("span", {}, `${part.name} `, element("b", {}, `${milliseconds(part.value)} ms`)));
  }
  const loaded = Number(parameters.loaded_bytes ?? 0);
  key.append(element("span", {}, loaded > 0 ? `${bytes(loaded)} loaded` : "weights were resident"), element("span", {}, `program of ${parameters.program_width ?? 1}, batch of ${parameters.batch_size ?? 1}`));
  return element("div", {}, bar, key);
}

// An output: its best five values if it looks like class scores, and its first values.
function shown(output, values) {
  const node = element("div", { class: "output" }, element("h3", {}, output.name, " ", element("small", {}, `${output.datatype} ${output.shape.join(" × ")}`)));
  const classes = output.shape.at(-1) ?? 0;
  if (/^(FP|BF)/.test(output.datatype) && values.length === classes && classes > 1) {
    const order = Array.from(values, (value, index) => [value, index]).sort((a, b) => b[0] - a[0]).slice(0, 5);
    const low = Math.min(0, order.at(-1)[0]);
    const high = Math.max(order[0][0] - low, 1e-9);
    node.append(element("div", { class: "top" }, ...order.map(([value, index]) => {
      const fill = element("i");
      fill.style.width = `${(100 * (value - low)) / high}%`;
      return element("div", {}, element("span", {}, `class ${index}`), element("span", {}, fill), element("span", {}, written(value)));
    })));
  }
  const first = Array.from(values.slice(0, 200), written).join("  ");
  node.append(element("pre", { tabIndex: 0 }, first + (values.length > 200 ? `  … ${values.length} in total` : "")));
  return node;
}

const written = (value) => (typeof value === "number" && !Number.isInteger(value) ? value.toPrecision(6) : `${value}`);
