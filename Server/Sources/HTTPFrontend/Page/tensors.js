// Tensors of the Open Inference Protocol in the browser: values to bytes and back, and pictures to tensors.

const arrays = {
  BOOL: Uint8Array, UINT8: Uint8Array, UINT16: Uint16Array, UINT32: Uint32Array, UINT64: BigUint64Array,
  INT8: Int8Array, INT16: Int16Array, INT32: Int32Array, INT64: BigInt64Array, FP32: Float32Array, FP64: Float64Array,
  FP16: Uint16Array, BF16: Uint16Array,
};
const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

export const isKnown = (datatype) => datatype in arrays;

// Numbers to the bytes of a datatype, little-endian like every machine that this page runs on.
export function encode(datatype, values) {
  const kind = arrays[datatype];
  if (datatype === "FP16") return new Uint8Array(Uint16Array.from(values, toHalf).buffer);
  if (datatype === "BF16") return new Uint8Array(Uint16Array.from(values, toBrain).buffer);
  if (kind === BigInt64Array || kind === BigUint64Array) return new Uint8Array(kind.from(values, (value) => BigInt(Math.trunc(Number(value)))).buffer);
  return new Uint8Array(kind.from(values, Number).buffer);
}

// Bytes to an array of numbers.
export function decode(datatype, buffer) {
  const values = new arrays[datatype](buffer);
  if (datatype === "FP16") return Float32Array.from(values, fromHalf);
  if (datatype === "BF16") return Float32Array.from(values, fromBrain);
  return values;
}

function toBrain(value) {
  single[0] = value;
  const rest = bits[0];
  return (rest + 0x7fff + ((rest >>> 16) & 1)) >>> 16;
}

function fromBrain(value) {
  bits[0] = value << 16;
  return single[0];
}

function toHalf(value) {
  single[0] = value;
  const sign = (bits[0] >>> 16) & 0x8000;
  const size = Math.abs(single[0]);
  if (Number.isNaN(size)) return sign | 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | roundEven(size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign + ((exponent + 14) << 10) + roundEven((size / 2 ** exponent) * 1024);
}

function roundEven(value) {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}

function fromHalf(value) {
  const sign = value & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(value >>> 10) & 31, value & 1023];
  if (exponent === 31) return fraction > 0 ? NaN : sign * Infinity;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

export const elements = (shape) => shape.reduce((product, size) => product * size, 1);

// The axes of channels, rows and columns if `shape` is that of a picture; otherwise `null`.
export function pictureLayout(shape) {
  const at = shape.length - 3;
  if (at < 0) return null;
  if ([1, 3].includes(shape[at])) return { channels: shape[at], height: shape[at + 1], width: shape[at + 2], first: true };
  if ([1, 3].includes(shape[at + 2])) return { channels: shape[at + 2], height: shape[at], width: shape[at + 1], first: false };
  return null;
}

const scales = {
  unit: () => (value) => value / 255,
  signed: () => (value) => value / 127.5 - 1,
  bytes: () => (value) => value,
  imagenet: (channel) => (value) => (value / 255 - [0.485, 0.456, 0.406][channel]) / [0.229, 0.224, 0.225][channel],
};

// The middle of a picture, scaled to the tensor's size.
export async function pictureValues(file, layout, scale) {
  const bitmap = await createImageBitmap(file);
  const { channels, height, width, first } = layout;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const zoom = Math.max(width / bitmap.width, height / bitmap.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, (width - bitmap.width * zoom) / 2, (height - bitmap.height * zoom) / 2, bitmap.width * zoom, bitmap.height * zoom);
  const pixels = context.getImageData(0, 0, width, height).data;
  const values = new Float32Array(channels * height * width);
  for (let channel = 0; channel < channels; channel += 1) {
    const convert = scales[scale](channel);
    for (let pixel = 0; pixel < height * width; pixel += 1) {
      const at = pixel * 4;
      const value = channels === 3 ? pixels[at + channel] : 0.299 * pixels[at] + 0.587 * pixels[at + 1] + 0.114 * pixels[at + 2];
      values[first ? channel * height * width + pixel : pixel * channels + channel] = convert(value);
    }
  }
  return values;
}
