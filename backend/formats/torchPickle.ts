/** What the globals of a PyTorch checkpoint stand for. Nothing is imported or called: each is a rule from arguments to a plain value. */
import { InputError } from '../errors.ts';
import type { DType } from './dtypes.ts';
import type { PickleMeaning } from './pickle.ts';
import { PickleDict, PickleGlobal, PickleList, PickleNamespace, PickleOpaque, PickleStorage, PickleTensor, PickleTuple } from './pickleValues.ts';
import type { PickleValue } from './pickleValues.ts';

/** The element type of each storage class of PyTorch. */
const storageTypes: Readonly<Record<string, DType>> = {
  DoubleStorage: 'F64', FloatStorage: 'F32', HalfStorage: 'F16', BFloat16Storage: 'BF16',
  LongStorage: 'I64', IntStorage: 'I32', ShortStorage: 'I16', CharStorage: 'I8', ByteStorage: 'U8', BoolStorage: 'BOOL',
  ComplexFloatStorage: 'C64',
};

/** Element types by PyTorch's names, as tensors over untyped storages give them. */
const torchTypes: Readonly<Record<string, DType>> = {
  'torch.float64': 'F64', 'torch.float32': 'F32', 'torch.float16': 'F16', 'torch.bfloat16': 'BF16', 'torch.complex64': 'C64',
  'torch.int64': 'I64', 'torch.int32': 'I32', 'torch.int16': 'I16', 'torch.int8': 'I8', 'torch.uint8': 'U8', 'torch.bool': 'BOOL',
  'torch.uint16': 'U16', 'torch.uint32': 'U32', 'torch.uint64': 'U64',
  'torch.float8_e4m3fn': 'F8_E4M3', 'torch.float8_e5m2': 'F8_E5M2', 'torch.float8_e8m0fnu': 'F8_E8M0',
};

/** The element type of a storage class such as `torch.FloatStorage`; null for untyped storages, undefined for no storage at all. */
export function storageType(name: string): DType | null | undefined {
  const match = /^torch(?:\.cuda|\.storage)?\.(\w+)$/.exec(name);
  if (!match) return undefined;
  if (match[1] === 'UntypedStorage') return null;
  return Object.hasOwn(storageTypes, match[1]!) ? storageTypes[match[1]!] : undefined;
}

export const torchType = (name: string): DType | undefined => (Object.hasOwn(torchTypes, name) ? torchTypes[name] : undefined);

type Rule = (args: PickleValue[]) => PickleValue | undefined;

const first: Rule = ([value]) => value;
const asList: Rule = ([items]) => (items instanceof PickleList || items instanceof PickleTuple ? new PickleList(items.items) : items === undefined ? new PickleList() : undefined);

/** The allow-list. A rule that gives undefined makes the value an opaque record, like any global that is not here. */
const rules: Readonly<Record<string, Rule>> = {
  'torch._utils._rebuild_tensor': ([storage, offset, shape, strides]) => tensor(storage, null, offset, shape, strides),
  'torch._utils._rebuild_tensor_v2': ([storage, offset, shape, strides]) => tensor(storage, null, offset, shape, strides),
  'torch._utils._rebuild_tensor_v3': ([storage, offset, shape, strides, , , type]) => (type instanceof PickleGlobal ? tensor(storage, type.name, offset, shape, strides) : undefined),
  'torch._utils._rebuild_parameter': first,
  'torch._utils._rebuild_parameter_with_state': first,
  'torch.Size': asList,
  'torch.device': ([type, index]) => (typeof type === 'string' ? type + (typeof index === 'number' ? `:${index}` : '') : undefined),
  'collections.OrderedDict': orderedDict,
  'collections.defaultdict': () => new PickleDict(),
  'collections.Counter': ([pairs]) => (pairs instanceof PickleDict ? pairs : undefined),
  'argparse.Namespace': () => new PickleNamespace(),
  'numpy.dtype': ([type]) => (typeof type === 'string' ? new NumpyType(type) : undefined),
  'numpy.core.multiarray.scalar': numpyScalar,
  'numpy._core.multiarray.scalar': numpyScalar,
  '_codecs.encode': ([text, encoding]) => (typeof text === 'string' && encoding === 'latin1' ? Buffer.from(text, 'latin1') : undefined),
};
for (const python of ['builtins', '__builtin__']) {
  for (const name of ['set', 'frozenset', 'list', 'tuple']) Object.assign(rules, { [`${python}.${name}`]: asList });
  Object.assign(rules, { [`${python}.dict`]: () => new PickleDict(), [`${python}.bytearray`]: first });
}

/** Whether naming the global says nothing beyond tensors and plain values. */
export const isPlainGlobal = (name: string): boolean => Object.hasOwn(rules, name) || storageType(name) !== undefined || torchType(name) !== undefined || plainNames.has(name);

/** Named, never called: the type of a storage, a layout, a factory of a defaultdict. */
const plainNames = new Set(['torch.storage.TypedStorage', 'torch.strided', 'torch.contiguous_format', 'builtins.int', 'builtins.float', '__builtin__.int', '__builtin__.float']);

export const torchMeaning: PickleMeaning = {
  call: (name, args) => (Object.hasOwn(rules, name) ? rules[name]!(args) : undefined),
  persistent(id) {
    if (!(id instanceof PickleTuple) || id.items[0] !== 'storage') throw new InputError('its pickle refers to something that is not a storage of the archive');
    const [, type, key, , elements] = id.items;
    if (!(type instanceof PickleGlobal) || typeof key !== 'string' || !isCount(elements)) throw new InputError('its pickle describes a storage without a type, a key or a size');
    return new PickleStorage(type.name, key, elements);
  },
};

const isCount = (value: PickleValue | undefined): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function counts(value: PickleValue | undefined): number[] | null {
  const items = value instanceof PickleTuple || value instanceof PickleList ? value.items : null;
  return items && items.length <= 64 && items.every(isCount) ? items : null;
}

function tensor(storage: PickleValue | undefined, type: string | null, offset: PickleValue | undefined, size: PickleValue | undefined, stride: PickleValue | undefined): PickleTensor {
  const [shape, strides] = [counts(size), counts(stride)];
  if (!(storage instanceof PickleStorage) || !isCount(offset) || !shape || !strides || shape.length !== strides.length) throw new InputError('its pickle describes a tensor whose storage, offset, size or stride makes no sense');
  return new PickleTensor(storage, type, offset, shape, strides);
}

function orderedDict([pairs]: PickleValue[]): PickleValue | undefined {
  const dict = new PickleDict();
  if (pairs === undefined) return dict;
  if (!(pairs instanceof PickleList)) return undefined;
  for (const pair of pairs.items) {
    if (!(pair instanceof PickleList || pair instanceof PickleTuple) || pair.items.length !== 2) return undefined;
    dict.set(pair.items[0]!, pair.items[1]!);
  }
  return dict;
}

/** `numpy.dtype('f8')`; its byte order arrives as its state, and is little on every machine that trains. */
class NumpyType extends PickleOpaque {
  readonly code: string;

  constructor(code: string) {
    super('numpy.dtype');
    this.code = code;
  }
}

/** A numpy scalar's value: its type and its bytes. */
function numpyScalar([type, bytes]: PickleValue[]): PickleValue | undefined {
  if (!(type instanceof NumpyType) || !(bytes instanceof Uint8Array)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const readers: Record<string, [number, () => PickleValue]> = {
    f8: [8, () => view.getFloat64(0, true)], f4: [4, () => view.getFloat32(0, true)],
    i8: [8, () => Number(view.getBigInt64(0, true))], i4: [4, () => view.getInt32(0, true)], i2: [2, () => view.getInt16(0, true)], i1: [1, () => view.getInt8(0)],
    u8: [8, () => Number(view.getBigUint64(0, true))], u4: [4, () => view.getUint32(0, true)], u2: [2, () => view.getUint16(0, true)], u1: [1, () => view.getUint8(0)],
    b1: [1, () => view.getUint8(0) !== 0],
  };
  const [size, value] = (Object.hasOwn(readers, type.code) ? readers[type.code] : undefined) ?? [];
  return value && size === bytes.length ? value() : undefined;
}
