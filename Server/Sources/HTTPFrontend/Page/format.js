// Formatting of numbers, and the colours of models.

export function bytes(value) {
  if (!(value > 0)) return "0 B";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  const scaled = value / 2 ** (10 * power);
  return `${scaled >= 100 || power === 0 ? Math.round(scaled) : scaled.toFixed(1)} ${units[power]}`;
}

export function count(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(1)} k` : `${value}`;
}

export function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 1000) return `${Math.round(value)}`;
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

// "name:1" without its version.
export const nameOf = (key) => key.slice(0, key.lastIndexOf(":"));

const dark = matchMedia("(prefers-color-scheme: dark)");
const order = new Map();

// Colours are assigned in order of first appearance and kept: adding a model changes no other colour.
export function colour(name) {
  if (!order.has(name)) order.set(name, order.size);
  const index = order.get(name);
  const hue = (205 + index * 137.508) % 360;
  const step = index % 3;
  return dark.matches
    ? `oklch(${0.7 + 0.05 * step} ${0.115 - 0.012 * step} ${hue.toFixed(1)})`
    : `oklch(${0.58 + 0.06 * step} ${0.13 - 0.012 * step} ${hue.toFixed(1)})`;
}

// A colour of the style sheet, for canvases.
export const theme = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export const onSchemeChange = (body) => dark.addEventListener("change", body);

// An element with properties and children; text is always text.
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") node.className = value;
    else if (name === "colour") node.style.background = value;
    else if (name in node && name !== "list") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export function vector(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// A canvas at the screen's resolution: its context, and its size in CSS pixels.
export function prepare(canvas) {
  const ratio = devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  const [w, h] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
