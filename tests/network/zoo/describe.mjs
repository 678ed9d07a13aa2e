// A short way to describe small models: nodes in a chain, with weights drawn from a fixed seed.
import {tensor} from './protobuf.mjs';

let state = 1;
export function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 4294967296;
}
export const reseed = (seed) => {
  state = seed >>> 0;
};
export const choose = (list) => list[Math.floor(random() * list.length)];

const count = (dims) => dims.reduce((a, b) => a * b, 1);
const draw = (n, low, high) =>
    Array.from({length: n}, () => Math.fround(low + (high - low) * random()));

// Weights: around zero, or positive (variances, scales).
export const weight = (...dims) => tensor(dims, draw(count(dims), -0.6, 0.6));
export const positive = (...dims) => tensor(dims, draw(count(dims), 0.5, 1.5));
export const ints = (...values) => tensor([values.length], values, 'int64');
export const scalar = (value, type = 'float') => tensor([], [value], type);

// One model. Its nodes are lists [operator, inputs..., attributes]: an input is the name of a
// value, a tensor (which becomes an initialiser), or null for one that is left out. Without inputs
// that name a value the node reads the one before it ('_' names it where it is not the first).
// `out` in the attributes names the outputs. The model's input is 'x', its output the last node's.
export function model(
    name,
    {input, nodes, opset = 13, output, outputs, constants = 'initialiser', extra = {}, ...rest}) {
  const initialisers = {...extra};
  const list = [];
  let last = 'x';
  let tensors = 0;
  for (const entry of nodes) {
    const [op, ...given] = entry;
    const tail = given.at(-1);
    const isPlain = tail && typeof tail === 'object' && !('dims' in tail);
    const {out, id, domain, ...attributes} = isPlain ? given.pop() : {};
    const value = (x) => {
      if (x === null) return '';
      if (typeof x === 'string') return x === '_' ? last : x;
      const tensorName = `w${++tensors}`;
      if (constants === 'node') {
        list.push({op: 'Constant', inputs: [], outputs: [tensorName], attributes: {value: x}});
      } else {
        initialisers[tensorName] = x;
      }
      return tensorName;
    };
    const reads = given.some((x) => typeof x === 'string') || attributes.nothing;
    delete attributes.nothing;
    const inputs = (reads ? given : ['_', ...given]).map(value);
    const result = out ?? [`v${list.length}`];
    list.push({op, inputs, outputs: [result].flat(), attributes, name: id ?? '', domain});
    last = [result].flat()[0];
  }
  const declared = outputs ?? [{name: last, dims: output}];
  return {
    name,
    opset,
    nodes: list,
    initialisers,
    inputs: [{name: 'x', dims: input}],
    outputs: declared,
    ...rest
  };
}
