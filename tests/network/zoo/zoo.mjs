// Models for the tests of the ONNX module, and what an independent runtime makes of them.
//   node zoo.mjs make FOLDER   writes models, inputs and the runtime's outputs, listed in zoo.txt
//   node zoo.mjs run FOLDER    runs every model X.onnx there on X.in and writes X.out
// Inputs and outputs are float32 samples one after the other. Exits with 77 where the runtime is
// not installed.
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

import * as comparisons from './comparisons.mjs';
import {random, reseed} from './describe.mjs';
import * as endings from './endings.mjs';
import * as exporters from './exporters.mjs';
import * as images from './images.mjs';
import * as layouts from './layouts.mjs';
import * as linear from './linear.mjs';
import {encodeModel, externalBytes} from './protobuf.mjs';
import {refused} from './refused.mjs';
import * as windows from './windows.mjs';

const samples = 4;
const ort =
    await import('onnxruntime-node').then((module) => module.default, () => process.exit(77));

const typed = {
  float32: Float32Array,
  float64: Float64Array,
  uint8: Uint8Array
};

// Runs the model on rows of an input; `together` of them form a batch.
async function run(path, rows, shape, together, output) {
  const session = await ort.InferenceSession.create(path, {
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  const {name, type} = session.inputMetadata[0];
  const outputs = [];
  for (let i = 0; i < rows.length; i += together) {
    const values = typed[type].from(rows.slice(i, i + together).flat());
    const result = await session.run({[name]: new ort.Tensor(type, values, shape)});
    // Labels are 64-bit whole numbers.
    outputs.push(...Array.from(result[output ?? session.outputNames[0]].data, Number));
  }
  await session.release();
  return Float32Array.from(outputs);
}

const write = (path, floats) => writeFileSync(path, Buffer.from(Float32Array.from(floats).buffer));

function save(folder, description) {
  const {name, inputs, initialisers, type, weightsAreInputs, moreInputs = []} = description;
  for (const weight of Object.values(initialisers)) {
    if (weight.store === 'external' && weight.file === `${name}.data`) {
      writeFileSync(
          join(folder, weight.file),
          Buffer.concat([Buffer.alloc(weight.offset), externalBytes(weight)]));
    }
  }
  const weights =
      Object.entries(initialisers).map(([key, w]) => ({name: key, dims: w.dims, type: w.type}));
  const all = [{...inputs[0], type}, ...moreInputs, ...(weightsAreInputs ? weights : [])];
  const path = join(folder, `${name}.onnx`);
  writeFileSync(path, encodeModel({...description, inputs: all}));
  return path;
}

async function make(folder) {
  reseed(20240601);
  const list = [];
  const loaded = [
    linear.linear,          linear.arithmetic,  linear.normalisation, linear.sums,
    linear.quantised,       linear.storage,     windows.windows,      windows.gates,
    layouts.layouts,        layouts.selections, layouts.reductions,   layouts.batches,
    endings.endings,        images.blocks,      images.resizing,      comparisons.comparisons,
    exporters.plain,        exporters.residual, exporters.branching,  exporters.keras,
    exporters.verification, exporters.stacks
  ].flatMap((group) => group());
  for (const description of loaded) {
    const {name, inputs: [{dims}], compare = 'logits', compareOutput, batch, type} = description;
    const path = save(folder, description);
    const open = dims.findIndex((d) => typeof d !== 'number');
    const together =
        batch ?? (open >= 0 || description.outputs[0].dims?.[0] === samples ? samples : 1);
    const shape = dims.map((d, i) => i === open ? together : d);
    const size = shape.reduce((a, b) => a * b, 1) / together;
    const value = () => type === 'uint8' ? Math.floor(random() * 256) : Math.fround(random());
    const rows = Array.from({length: samples}, () => Array.from({length: size}, value));
    try {
      write(join(folder, `${name}.out`), await run(path, rows, shape, together, compareOutput));
    } catch (error) {
      throw new Error(`${name}: ${error.message}`);
    }
    // Images here are in [0, 1], whatever the model takes.
    const white = type === 'uint8' ? 255 : 1;
    write(join(folder, `${name}.in`), rows.flat().map((x) => x / white));
    list.push(`${name}\t${compare}`);
  }
  for (const [description, message] of refused()) {
    save(folder, description);
    list.push(`${description.name}\trefused\t${message}`);
  }
  writeFileSync(join(folder, 'zoo.txt'), list.join('\n') + '\n');
  console.log(`${list.length} models`);
}

async function runAll(folder) {
  for (const file of readdirSync(folder).filter((f) => f.endsWith('.onnx'))) {
    const path = join(folder, file);
    const session = await ort.InferenceSession.create(path);
    const shape = session.inputMetadata[0].shape.map((d) => typeof d === 'number' ? d : samples);
    await session.release();
    const bytes = readFileSync(path.replace(/onnx$/, 'in'));
    const values = Array.from(new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4));
    const size = values.length / samples;
    const rows = Array.from({length: samples}, (_, i) => values.slice(i * size, (i + 1) * size));
    write(path.replace(/onnx$/, 'out'), await run(path, rows, shape, samples));
  }
}

const [command, folder] = process.argv.slice(2);
await{make, run: runAll}[command](folder);
