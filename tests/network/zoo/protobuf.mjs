// Writes ONNX models: just enough of the protocol-buffer format for the messages a model needs.
const TYPES = {
  float: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  double: 11
};
const ARRAYS = {
  float: Float32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int32: Int32Array,
  bool: Uint8Array,
  float16: Uint16Array,
  double: Float64Array,
};

function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const integer = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);
const bytes = (field, value) => {
  const data = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([varint((field << 3) | 2), varint(data.length), data]);
};
const float = (field, value) => {
  const data = Buffer.alloc(4);
  data.writeFloatLE(value);
  return Buffer.concat([varint((field << 3) | 5), data]);
};
const message = (field, ...parts) => bytes(field, Buffer.concat(parts.flat()));

function packed(type, values) {
  if (type === 'int64') return Buffer.from(BigInt64Array.from(values, BigInt).buffer);
  return Buffer.from(ARRAYS[type].from(values).buffer);
}

// A tensor for an initialiser or an attribute. `store`: raw, typed or external (with `file`).
export function tensor(dims, values, type = 'float', store = 'raw') {
  return {dims, values, type, store};
}

function encodeTensor(name, {dims, values, type, store, file, offset}) {
  const parts = [...dims.map((d) => integer(1, d)), integer(2, TYPES[type]), bytes(8, name)];
  if (store === 'raw') parts.push(bytes(9, packed(type, values)));
  if (store === 'typed' && type === 'float') parts.push(...values.map((v) => float(4, v)));
  if (store === 'typed' && type === 'int64') parts.push(...values.map((v) => integer(7, v)));
  if (store === 'typed' && type === 'double') parts.push(bytes(10, packed(type, values)));
  if (store === 'typed' && ['int32', 'bool', 'float16'].includes(type)) {
    parts.push(...values.map((v) => integer(5, v)));
  }
  if (store === 'external') {
    const entries = {
      location: file,
      offset: String(offset),
      length: String(packed(type, values).length)
    };
    for (const [key, value] of Object.entries(entries))
      parts.push(message(13, bytes(1, key), bytes(2, value)));
    parts.push(integer(14, 1));
  }
  return parts;
}

// An attribute's kind follows from its value; {f: 1} is a float, {floats: [...]} a list of them.
function encodeAttribute([name, value]) {
  const kind = (code) => integer(20, code);
  let parts;
  if (typeof value === 'number')
    parts = [integer(3, value), kind(2)];
  else if (typeof value === 'string')
    parts = [bytes(4, value), kind(3)];
  else if (Array.isArray(value))
    parts = [...value.map((v) => integer(8, v)), kind(7)];
  else if ('f' in value)
    parts = [float(2, value.f), kind(1)];
  else if ('floats' in value)
    parts = [...value.floats.map((v) => float(7, v)), kind(6)];
  else
    parts = [message(5, encodeTensor('', value)), kind(4)];
  return message(5, bytes(1, name), ...parts);
}

function encodeValue(field, {name, dims, type = 'float'}) {
  const axes =
      (dims ?? []).map((d) => message(1, typeof d === 'number' ? integer(1, d) : bytes(2, d)));
  const shape = dims ? [message(2, ...axes)] : [];
  return message(field, bytes(1, name), message(2, message(1, integer(1, TYPES[type]), ...shape)));
}

function encodeNode({op, inputs, outputs, attributes = {}, name = '', domain = ''}) {
  return message(
      1, ...inputs.map((i) => bytes(1, i)), ...outputs.map((o) => bytes(2, o)), bytes(3, name),
      bytes(4, op), ...Object.entries(attributes).map(encodeAttribute),
      domain ? bytes(7, domain) : Buffer.alloc(0));
}

// {opset, ir, domains, nodes, initialisers: {name: tensor}, inputs, outputs} -> the file's bytes.
export function encodeModel(
    {opset, ir = 8, domains = {}, nodes, initialisers = {}, inputs, outputs}) {
  const graph = [
    ...nodes.map(encodeNode),
    bytes(2, 'zoo'),
    ...Object.entries(initialisers).map(([name, t]) => message(5, encodeTensor(name, t))),
    ...inputs.map((v) => encodeValue(11, v)),
    ...outputs.map((v) => encodeValue(12, v)),
  ];
  const sets = Object.entries({'': opset, ...domains});
  return Buffer.concat([
    integer(1, ir),
    bytes(2, 'zoo'),
    message(7, ...graph),
    ...sets.map(([domain, version]) => message(8, bytes(1, domain), integer(2, version))),
  ]);
}

// The bytes of a tensor's external file.
export const externalBytes = (t) => packed(t.type, t.values);
