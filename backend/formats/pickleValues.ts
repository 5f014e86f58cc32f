/** What a pickle can hold once it is read without running anything: plain values, and records of everything else. */

/** A name that the pickle asked for, such as `torch._utils._rebuild_tensor_v2`. It is never looked up. */
export class PickleGlobal {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

export class PickleTuple {
  readonly items: PickleValue[];

  constructor(items: PickleValue[]) {
    this.items = items;
  }
}

/** A list, a set or a frozen set. */
export class PickleList {
  readonly items: PickleValue[];

  constructor(items: PickleValue[] = []) {
    this.items = items;
  }
}

/** A dict or an OrderedDict: its pairs in order, a later pair of an equal plain key winning. */
export class PickleDict {
  /** Made with the first pair: a hostile pickle may hold a million empty dicts. */
  private pairs: Map<PickleValue, PickleValue> | null = null;

  set(key: PickleValue, value: PickleValue): void {
    this.pairs ??= new Map();
    this.pairs.set(key, value);
  }

  get(key: string): PickleValue | undefined {
    return this.pairs?.get(key);
  }

  entries(): Iterable<[PickleValue, PickleValue]> {
    return this.pairs ?? [];
  }
}

/** An argparse.Namespace: a dict whose pairs arrive as its state. */
export class PickleNamespace extends PickleDict {}

/** An object of a class without a meaning here. Nothing was constructed, nothing ran; of what was put into it the fields are kept, as plain pairs. */
export class PickleOpaque {
  readonly of: string;
  /** Its state, where that is a dict: an nn.Module's tensors are in it. */
  fields: PickleDict | null = null;

  constructor(of: string) {
    this.of = of;
  }
}

/** What PyTorch's persistent ids stand for: a record of the archive, as the pickle describes it (not yet held against the archive). */
export class PickleStorage {
  readonly type: string;
  readonly key: string;
  readonly elements: number;

  constructor(type: string, key: string, elements: number) {
    this.type = type;
    this.key = key;
    this.elements = elements;
  }
}

/** A strided view of a storage, in elements. `dtype` is the storage's own where null. */
export class PickleTensor {
  readonly storage: PickleStorage;
  readonly dtype: string | null;
  readonly offset: number;
  readonly shape: number[];
  readonly strides: number[];

  constructor(storage: PickleStorage, dtype: string | null, offset: number, shape: number[], strides: number[]) {
    this.storage = storage;
    this.dtype = dtype;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

export type PickleValue = null | boolean | number | bigint | string | Uint8Array | PickleGlobal | PickleTuple | PickleList | PickleDict | PickleOpaque | PickleStorage | PickleTensor;
