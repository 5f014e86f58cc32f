/**
 * libtorch from Node through its stable C ABI (torch/csrc/stable/c/shim.h and inductor/aoti_torch/c/shim.h), with nothing
 * compiled: loads the shared libraries, calls any ATen operator, and owns the rules of who frees what.
 *
 * A tensor is a handle: an address, below 2^53 and so held as a number. Whoever makes a handle releases it; the dispatcher
 * releases every handle that it is passed, so a tensor that is kept goes in as a fresh reference (`ref`).
 */
import koffi, { type LibraryHandle } from 'koffi';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { RunError } from '../../errors.ts';
import { tuneNativeRuntime } from '../nativeEnvironment.ts';

export type Handle = number;
/** One 64-bit argument of an operator: an integer, an address, or raw bits (a double) as a bigint. */
export type Slot = number | bigint;

export type TorchDtype = 'float32' | 'bfloat16' | 'float64' | 'int64' | 'int32' | 'uint8' | 'bool';
export const elementBytes: Record<TorchDtype, number> = { float32: 4, bfloat16: 2, float64: 8, int64: 8, int32: 4, uint8: 1, bool: 1 };

export interface TorchDevice {
  type: 'cpu' | 'cuda' | 'mps' | 'xpu';
  index: number;
}

/** Where libtorch lies: the folder that holds its shared libraries. */
export interface TorchLocation {
  folder: string;
  version: string;
}

type CFunction = (...args: unknown[]) => number;

const extension = process.platform === 'win32' ? 'dll' : process.platform === 'darwin' ? 'dylib' : 'so';
const file = (name: string): string => (process.platform === 'win32' ? `${name}.dll` : `lib${name}.${extension}`);

export class TorchLibrary {
  readonly version: string;
  readonly folder: string;
  /** The accelerator whose library is here and could be loaded; MPS is part of the core on macOS. */
  accelerator: 'cuda' | 'xpu' | null;
  /** The C API's number of each dtype and back. */
  readonly dtypeCode: Record<TorchDtype, number>;
  private readonly core: LibraryHandle;
  private acceleratorLibrary: LibraryHandle | null;
  private readonly functions = new Map<string, CFunction | null>();
  private readonly openMp: LibraryHandle | null;
  private readonly deviceCode: Record<TorchDevice['type'], number>;
  private readonly abi: bigint;
  private readonly what: (() => string) | null;
  private readonly stack = new BigUint64Array(48);
  private readonly words = new Uint32Array(this.stack.buffer);
  private readonly out = [0];
  private readonly double = new Float64Array(1);
  private readonly doubleBits = new BigUint64Array(this.double.buffer);
  private readonly cell = new BigUint64Array(1);
  /** memcpy, for a view on foreign memory costs an object that lives until the event loop turns. */
  private readonly copyBytesIn: CFunction;
  private readonly copyBytesOut: CFunction;
  private readonly dispatch: CFunction;
  private readonly newHandle: CFunction;
  private readonly deleteHandle: CFunction;
  private readonly newList: CFunction;
  private readonly pushList: CFunction;
  private readonly newCell: (out: number[]) => number;
  private readonly newString: CFunction;
  private readonly dataPointer: CFunction;
  private readonly emptyStrided: CFunction;
  private readonly copyInto: CFunction;

  constructor(location: TorchLocation, threads: number) {
    tuneNativeRuntime();
    this.folder = location.folder;
    this.version = location.version;
    const load = (name: string): LibraryHandle => {
      try {
        return koffi.load(join(location.folder, file(name)), { global: true });
      } catch (error) {
        throw new RunError(`${join(location.folder, file(name))} cannot be loaded: ${(error as Error).message}. Reinstall torch there, or use another with --torch PATH or "siamscope engine install torch".`);
      }
    };
    this.openMp = this.loadOpenMp(location.folder);
    load('c10');
    this.core = load('torch_cpu');
    this.accelerator = null;
    this.acceleratorLibrary = null;
    for (const kind of ['cuda', 'xpu'] as const) {
      if (this.acceleratorLibrary || !existsSync(join(location.folder, file(`torch_${kind}`)))) continue;
      try {
        load(`c10_${kind}`);
        this.acceleratorLibrary = load(`torch_${kind}`);
        this.accelerator = kind;
      } catch {
        continue; // an accelerator's build on a machine without its driver or runtime: the CPU part works
      }
    }
    const c = koffi.load(process.platform === 'win32' ? 'ucrtbase.dll' : null);
    this.copyBytesIn = c.func('uint64 memcpy(uint64 to, const void* from, size_t bytes)') as CFunction;
    this.copyBytesOut = c.func('uint64 memcpy(void* to, uint64 from, size_t bytes)') as CFunction;
    const f = (declaration: string): CFunction => this.core.func(declaration) as CFunction;
    const optional = (declaration: string): CFunction | null => {
      try {
        return f(declaration);
      } catch {
        return null;
      }
    };
    const [major = 2, minor = 10] = location.version.split('.').map(Number);
    // The ABI this file is written for: 2.13 added error texts and the allocation of optionals.
    this.abi = (2n << 56n) | ((major > 2 || minor >= 13 ? 13n : 10n) << 48n);
    this.what = optional('const char* torch_exception_get_what_without_backtrace()') as (() => string) | null;
    this.dispatch = f('int torch_call_dispatcher(const char* op, const char* overload, void* stack, uint64 version)');
    this.newHandle = f('int aoti_torch_new_tensor_handle(uint64 handle, _Out_ uint64* copy)');
    this.deleteHandle = f('int aoti_torch_delete_tensor_object(uint64 handle)');
    this.newList = f('int torch_new_list_reserve_size(size_t size, _Out_ uint64* list)');
    this.pushList = f('int torch_list_push_back(uint64 list, uint64 element)');
    this.newString = f('int torch_new_string_handle(const char* data, size_t length, _Out_ uint64* string)');
    this.dataPointer = f('int aoti_torch_get_data_ptr(uint64 handle, _Out_ uint64* pointer)');
    this.emptyStrided = f('int aoti_torch_empty_strided(int64 ndim, int64* sizes, int64* strides, int dtype, int device, int index, _Out_ uint64* handle)');
    this.copyInto = f('int aoti_torch_copy_(uint64 self, uint64 source, int nonBlocking)');
    this.newCell = (optional('int torch_new_stable_ivalue(_Out_ uint64* cell)') as ((out: number[]) => number) | null) ?? this.cellByOperatorNew();
    const constant = (name: string): number => f(`int ${name}()`)();
    this.deviceCode = { cpu: constant('aoti_torch_device_type_cpu'), cuda: constant('aoti_torch_device_type_cuda'), mps: constant('aoti_torch_device_type_mps'), xpu: constant('aoti_torch_device_type_xpu') };
    this.dtypeCode = Object.fromEntries((Object.keys(elementBytes) as TorchDtype[]).map((d) => [d, constant(`aoti_torch_dtype_${d}`)])) as Record<TorchDtype, number>;
    (this.core.func('void aoti_torch_grad_mode_set_enabled(bool on)') as (on: boolean) => void)(false); // tfjs's tape differentiates
    this.setThreads(threads);
  }

  /** A C function of libtorch outside the dispatcher, or null where this version or device has none. */
  function(declaration: string, device: TorchDevice['type'] = 'cpu'): CFunction | null {
    const known = this.functions.get(declaration);
    if (known !== undefined) return known;
    let found: CFunction | null = null;
    for (const library of device === 'cuda' || device === 'xpu' ? [this.acceleratorLibrary, this.core] : [this.core]) {
      try {
        found ??= (library?.func(declaration) as CFunction | undefined) ?? null;
      } catch {
        continue; // not in this library
      }
    }
    this.functions.set(declaration, found);
    return found;
  }

  /** Threads of the CPU kernels. */
  setThreads(threads: number): void {
    if (this.openMp) (this.openMp.func('void omp_set_num_threads(int n)') as CFunction)(threads);
  }

  /**
   * Calls an ATen operator. Tensors, lists, optionals and strings among the slots are consumed.
   * Returns the first result; read further ones with `result`. Throws RunError with libtorch's own text.
   */
  call(op: string, overload: string, ...slots: Slot[]): Handle {
    const { stack, words } = this;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      if (typeof slot === 'bigint') stack[i] = slot;
      else {
        words[2 * i] = slot >>> 0;
        words[2 * i + 1] = Math.floor(slot / 4294967296) >>> 0;
      }
    }
    if (this.dispatch(`aten::${op}`, overload, stack, this.abi) !== 0) throw this.failure(op);
    return this.result(0);
  }

  /** Result i of the last call: a handle that the caller now owns, or an integer. */
  result(i: number): number {
    return this.words[2 * i]! + this.words[2 * i + 1]! * 4294967296;
  }

  /** Calls a C function whose last parameter is the new handle. */
  make(fn: CFunction, name: string, ...args: unknown[]): Handle {
    if (fn(...args, this.out) !== 0) throw this.failure(name);
    return Number(this.out[0]);
  }

  check(code: number, name: string): void {
    if (code !== 0) throw this.failure(name);
  }

  /** A fresh reference to a tensor, to be passed to `call`. */
  ref(handle: Handle): Handle {
    return this.make(this.newHandle, 'new reference', handle);
  }

  release(handle: Handle): void {
    this.check(this.deleteHandle(handle), 'release');
  }

  /** A list argument. */
  list(slots: Slot[]): Handle {
    const list = this.make(this.newList, 'list', slots.length);
    for (const slot of slots) this.check(this.pushList(list, typeof slot === 'number' && slot < 0 ? BigInt.asUintN(64, BigInt(slot)) : slot), 'list element');
    return list;
  }

  /** A list of kept tensors. */
  tensors(handles: Handle[]): Handle {
    return this.list(handles.map((h) => this.ref(h)));
  }

  /** A present optional; an absent one is 0. */
  some(slot: Slot): Handle {
    this.check(this.newCell(this.out), 'optional');
    const cell = Number(this.out[0]);
    this.cell[0] = BigInt.asUintN(64, BigInt(slot));
    this.copyBytesIn(cell, this.cell, 8);
    return cell;
  }

  /** A double argument. */
  float(value: number): bigint {
    this.double[0] = value;
    return this.doubleBits[0]!;
  }

  string(text: string): Handle {
    return this.make(this.newString, 'string', text, Buffer.byteLength(text));
  }

  /** An uninitialised contiguous tensor. */
  empty(shape: number[], dtype: TorchDtype, device: TorchDevice): Handle {
    const strides = new Array<number>(shape.length).fill(1);
    for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * Math.max(1, shape[i + 1]!);
    return this.make(this.emptyStrided, 'empty', shape.length, shape, strides, this.dtypeCode[dtype], this.deviceCode[device.type], device.index);
  }

  /** Copies between tensors of equal shape, any devices and dtypes. */
  copy(target: Handle, source: Handle): void {
    this.check(this.copyInto(target, source, 0), 'copy');
  }

  /** Writes values into a contiguous CPU tensor. */
  write(handle: Handle, bytes: Uint8Array): void {
    if (bytes.length > 0) this.copyBytesIn(this.make(this.dataPointer, 'data pointer', handle), bytes, bytes.length);
  }

  /** Reads a contiguous CPU tensor's values into `bytes`. */
  read(handle: Handle, bytes: Uint8Array): void {
    if (bytes.length > 0) this.copyBytesOut(bytes, this.make(this.dataPointer, 'data pointer', handle), bytes.length);
  }

  private failure(what: string): RunError {
    const text = this.what?.() ?? 'libtorch before 2.13 writes the reason to the terminal';
    const first = text.split('\n')[0]!.trim();
    if (/out of memory|alloc.*memory|DefaultCPUAllocator/i.test(text)) {
      const asked = /tried to allocate ([\d.]+ \w+)/i.exec(text)?.[1]?.replace(/^(\d+)\d{6} bytes$/, '$1 MB');
      return new RunError(`out of memory in ${what}${asked ? ` (${asked} more were asked for)` : ''}: take a smaller batch or a smaller model`);
    }
    return new RunError(`libtorch ${this.version}, ${what}: ${first}`);
  }

  private loadOpenMp(folder: string): LibraryHandle | null {
    const names = process.platform === 'linux' ? [join(folder, 'libgomp.so.1'), 'libgomp.so.1'] : process.platform === 'darwin' ? [join(folder, 'libomp.dylib')] : [];
    for (const name of names) {
      try {
        return koffi.load(name, { global: true });
      } catch {
        continue;
      }
    }
    return null;
  }

  /** Before 2.13 an optional's cell is what C++'s own `operator new` gives, for libtorch deletes it. */
  private cellByOperatorNew(): (out: number[]) => number {
    const runtime = koffi.load(process.platform === 'darwin' ? 'libc++.1.dylib' : 'libstdc++.so.6');
    const operatorNew = runtime.func('uint64 _Znwm(size_t bytes)') as CFunction;
    return (out) => {
      out[0] = operatorNew(8);
      return 0;
    };
  }
}
