/** Strided views of a storage, as PyTorch keeps tensors: element i of dimension d lies `strides[d]` elements further. */

interface Layout {
  shape: readonly number[];
  strides: readonly number[];
}

/** Elements from a view's first to its last, inclusive; 0 where it is empty. */
export function spanOf({ shape, strides }: Layout): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((last, size, d) => last + (size - 1) * strides[d]!, 1);
}

/** Whether the elements lie in row-major order without gaps. */
export function isContiguous({ shape, strides }: Layout): boolean {
  let expected = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (shape[d] !== 1 && strides[d] !== expected) return false;
    expected *= shape[d]!;
  }
  return true;
}

/** The elements of a view in row-major order; `bytes` begins with its first element. */
export function gather(bytes: Uint8Array, { shape, strides }: Layout, itemBytes: number): Uint8Array {
  const count = shape.reduce((product, size) => product * size, 1);
  const result = new Uint8Array(count * itemBytes);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < result.length; to += itemBytes) {
    for (let b = 0; b < itemBytes; b++) result[to + b] = bytes[from * itemBytes + b]!;
    for (let d = shape.length - 1; d >= 0; d--) {
      from += strides[d]!;
      if (++index[d]! < shape[d]!) break;
      from -= strides[d]! * shape[d]!;
      index[d] = 0;
    }
  }
  return result;
}
