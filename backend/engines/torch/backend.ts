/**
 * TensorFlow.js's backend over libtorch: which tensor is which handle, how values come in and out, and the precision policy.
 *
 * Precision: TensorFlow.js has no bf16, so a tensor's dtype stays `float32` there and this backend decides how it is held. Under
 * the bf16 policy the operators that profit (matrix products, attention) take and give bf16; parameters, optimizer state,
 * statistics, losses and the sums of reductions stay fp32. Reading back always gives float32. A CPU that cannot multiply bf16
 * multiplies the same rounded values in fp32, which is exact: its step takes 10 to 20 % longer than in fp32, where ATen's emulation
 * takes ten times as long, and what is kept between products is bf16 all the same.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Precision } from '../engine.ts';
import { TorchUpdates } from './updates.ts';
import type { TorchLibrary} from './library.ts';
import { elementBytes, type Handle, type TorchDevice, type TorchDtype } from './library.ts';

export interface TorchData {
  handle: Handle;
  dtype: tf.DataType;
  shape: number[];
  refCount: number;
  /**
   * bf16 copy of a parameter, made when a product first needs it and refreshed when the parameter has changed. It stays where it is:
   * long-lived blocks that move between short-lived ones shatter the C library's heap.
   */
  low: Handle | null;
  lowIsStale: boolean;
  /** A 0-dimensional value that was written from the host: it stays there, for operators take it beside device tensors. */
  onHost: boolean;
  bytes: number;
}

const storageOf: Record<string, TorchDtype> = { float32: 'float32', int32: 'int32', bool: 'bool' };

/** Values as the array that the storage is made of; without a copy where they are one already. */
function hostValues(values: ArrayLike<number>, storage: TorchDtype): Float32Array | Int32Array | Uint8Array {
  if (storage === 'float32') return values instanceof Float32Array ? values : Float32Array.from(values);
  if (storage === 'int32') return values instanceof Int32Array ? values : Int32Array.from(values);
  return values instanceof Uint8Array ? values : Uint8Array.from(values);
}

export class TorchBackend extends tf.KernelBackend {
  readonly torch: TorchLibrary;
  readonly device: TorchDevice;
  readonly precision: Precision;
  /** The dtype in which the values between products are held under the policy. */
  readonly computeDtype: TorchDtype;
  /** The dtype in which products take those values: float32 where bf16 would be emulated. */
  readonly productDtype: TorchDtype;
  /** Updates of parameters in place. */
  readonly updates = new TorchUpdates(this);
  private readonly data: tf.DataStorage<TorchData>;
  private readonly dtypeOf: (handle: Handle) => TorchDtype;
  private bytes = 0;
  private peakBytes = 0;
  private readonly hostDevice: TorchDevice = { type: 'cpu', index: 0 };

  constructor(torch: TorchLibrary, device: TorchDevice, precision: Precision, multipliesBf16: boolean) {
    super();
    this.torch = torch;
    this.device = device;
    this.precision = precision;
    this.computeDtype = precision === 'bf16' ? 'bfloat16' : 'float32';
    this.productDtype = multipliesBf16 ? this.computeDtype : 'float32';
    this.data = new tf.DataStorage(this, tf.engine());
    const getDtype = torch.function('int aoti_torch_get_dtype(uint64 handle, _Out_ int* dtype)')!;
    const byCode = new Map(Object.entries(torch.dtypeCode).map(([name, code]) => [code, name as TorchDtype]));
    const out = [0];
    this.dtypeOf = (handle) => {
      torch.check(getDtype(handle, out), 'dtype');
      return byCode.get(out[0]!)!;
    };
  }

  // --- handles and tensors ---

  /** The handle behind a tensor, borrowed: valid while the tensor is. */
  handle(info: tf.TensorInfo): Handle {
    const data = this.data.get(info.dataId);
    if (data.onHost && this.device.type !== 'cpu') {
      const moved = this.torch.empty(data.shape, storageOf[data.dtype]!, this.device);
      this.torch.copy(moved, data.handle);
      this.torch.release(data.handle);
      data.handle = moved;
      data.onHost = false;
    }
    return data.handle;
  }

  /** As `handle`, for operators that take a 0-dimensional tensor of the host beside those of the device. */
  scalarHandle(info: tf.TensorInfo): Handle {
    return this.data.get(info.dataId).handle;
  }

  /** How the tensor is held. */
  storage(info: tf.TensorInfo): TorchDtype {
    return this.dtypeOf(this.data.get(info.dataId).handle);
  }

  storageOfHandle(handle: Handle): TorchDtype {
    return this.dtypeOf(handle);
  }

  /** Takes over a new handle as a tensor. `view` is true where it shares another tensor's memory. */
  adopt(handle: Handle, shape: number[], dtype: tf.DataType, view = false): tf.TensorInfo {
    const dataId = {};
    const bytes = view ? 0 : shape.reduce((a, b) => a * b, elementBytes[this.dtypeOf(handle)]);
    this.data.set(dataId, { handle, dtype, shape, refCount: 1, low: null, lowIsStale: false, onHost: false, bytes });
    this.bytes += bytes;
    if (this.bytes > this.peakBytes) this.peakBytes = this.bytes;
    return { dataId, shape, dtype };
  }

  /** A new handle of the tensor in the given dtype: the same memory where it is held so already. */
  as(handle: Handle, dtype: TorchDtype): Handle {
    const { torch } = this;
    if (this.dtypeOf(handle) === dtype) return torch.ref(handle);
    return torch.call('_to_copy', '', torch.ref(handle), torch.some(torch.dtypeCode[dtype]), 0, 0, 0, 0, 0);
  }

  /** As `as`, and consumes the handle. */
  into(handle: Handle, dtype: TorchDtype): Handle {
    const result = this.as(handle, dtype);
    this.torch.release(handle);
    return result;
  }

  /** A new handle of what a product takes: the tensor's values in the compute dtype, in the dtype in which products multiply. */
  operand(info: tf.TensorInfo): Handle {
    return this.into(this.as(this.handle(info), this.computeDtype), this.productDtype);
  }

  /** As `operand`, of a parameter; under bf16 the copy is kept until the parameter changes. */
  parameter(info: tf.TensorInfo): Handle {
    const data = this.data.get(info.dataId);
    const handle = this.handle(info);
    if (this.computeDtype === 'float32' || this.dtypeOf(handle) === 'bfloat16') return this.as(handle, this.productDtype);
    data.low ??= this.as(handle, 'bfloat16');
    if (data.lowIsStale) this.torch.copy(data.low, handle);
    data.lowIsStale = false;
    return this.as(data.low, this.productDtype);
  }

  /** What a product gave, in the compute dtype; consumes the handle. */
  produced(handle: Handle): Handle {
    return this.into(handle, this.computeDtype);
  }

  /** To be called after a tensor was changed in place. */
  changed(info: tf.TensorInfo): void {
    this.data.get(info.dataId).lowIsStale = true;
  }

  // --- TensorFlow.js's storage interface ---

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(dataId: tf.DataId, values: tf.BackendValues | null, shape: number[], dtype: tf.DataType, refCount: number): void {
    const storage = storageOf[dtype];
    if (!storage) throw new Error(`the torch engine holds float32, int32 and bool tensors, not ${dtype}`);
    const size = shape.reduce((a, b) => a * b, 1);
    const onHost = shape.length === 0;
    const { torch } = this;
    let handle = torch.empty(shape, storage, this.hostDevice);
    if (values) {
      const source = hostValues(values as ArrayLike<number>, storage);
      torch.write(handle, new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
    }
    if (!onHost && this.device.type !== 'cpu') {
      const moved = torch.empty(shape, storage, this.device);
      torch.copy(moved, handle);
      torch.release(handle);
      handle = moved;
    }
    const bytes = size * elementBytes[storage];
    this.bytes += bytes;
    if (this.bytes > this.peakBytes) this.peakBytes = this.bytes;
    this.data.set(dataId, { handle, dtype, shape, refCount, low: null, lowIsStale: false, onHost, bytes });
  }

  /** Bytes straight from the loader as a [size] tensor of unsigned bytes, which only kernels of this engine understand. */
  uploadBytes(values: Uint8Array, shape: number[]): Handle {
    const { torch } = this;
    const handle = torch.empty(shape, 'uint8', this.hostDevice);
    torch.write(handle, values);
    if (this.device.type === 'cpu') return handle;
    const moved = torch.empty(shape, 'uint8', this.device);
    torch.copy(moved, handle);
    torch.release(handle);
    return moved;
  }

  override readSync(dataId: tf.DataId): tf.BackendValues {
    const { torch } = this;
    const data = this.data.get(dataId);
    const storage = storageOf[data.dtype]!;
    const size = data.shape.reduce((a, b) => a * b, 1);
    const host = torch.empty(data.shape, storage, this.hostDevice); // contiguous, fp32, on the host: one copy does all three
    torch.copy(host, data.handle);
    const bytes = new Uint8Array(size * elementBytes[storage]);
    torch.read(host, bytes);
    torch.release(host);
    return storage === 'float32' ? new Float32Array(bytes.buffer) : storage === 'int32' ? new Int32Array(bytes.buffer) : bytes;
  }

  override read(dataId: tf.DataId): Promise<tf.BackendValues> {
    return Promise.resolve(this.readSync(dataId));
  }

  override disposeData(dataId: tf.DataId, force = false): boolean {
    if (!this.data.has(dataId)) return true;
    const data = this.data.get(dataId);
    data.refCount--;
    if (!force && data.refCount > 0) return false;
    this.torch.release(data.handle);
    if (data.low !== null) this.torch.release(data.low);
    this.bytes -= data.bytes;
    this.data.delete(dataId);
    return true;
  }

  override refCount(dataId: tf.DataId): number {
    return this.data.has(dataId) ? this.data.get(dataId).refCount : 0;
  }

  override incRef(dataId: tf.DataId): void {
    this.data.get(dataId).refCount++;
  }

  override numDataIds(): number {
    return this.data.numDataIds();
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false };
  }

  /** Bytes of all tensors now, and the most so far. */
  tensorMemory(): { bytes: number; peakBytes: number } {
    return { bytes: this.bytes, peakBytes: this.peakBytes };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return true;
  }

  override async time(f: () => void): Promise<tf.BackendTimingInfo> {
    const started = performance.now();
    f();
    this.synchronize();
    return Promise.resolve({ kernelMs: performance.now() - started });
  }

  /** Waits for the device: reading a value cannot come before what was asked earlier on the same stream. */
  synchronize(): void {
    if (this.device.type === 'cpu') return;
    const probe = this.torch.empty([], 'float32', this.device);
    const host = this.torch.empty([], 'float32', this.hostDevice);
    this.torch.copy(host, probe);
    this.torch.release(probe);
    this.torch.release(host);
  }

  override dispose(): void {
    // Handles go with the process; TensorFlow.js disposes tensors before it drops a backend.
  }
}
