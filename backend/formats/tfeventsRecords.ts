/**
 * The bytes of TensorBoard's event files: records framed as in TensorFlow's TFRecord (length, its checksum, data, its
 * checksum; checksums are masked CRC-32C), each an `Event` of tensorflow/core/util/event.proto, of which the fields
 * below are ours.
 *
 *   Event   { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; SessionLog session_log = 7 }
 *   Summary { repeated Value value = 1 }, Value { string tag = 1; float simple_value = 2; TensorProto tensor = 8 }
 *   TensorProto { DataType dtype = 1; TensorShapeProto tensor_shape = 2; bytes tensor_content = 4; repeated float float_val = 5,
 *     double double_val = 6, int32 int_val = 7, int64 int64_val = 10 }: a scalar of the second version of TensorFlow's summaries
 *   SessionLog { Status status = 1 }, Status START = 1
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { crc32c } from './crc.ts';

export interface TfEvent {
  /** Seconds since 1970. */
  wallTime: number;
  step: number;
  fileVersion?: string;
  /** Values by their tags. */
  scalars?: { tag: string; value: number }[];
  /** A session starts here: what was logged before at this step or later no longer counts. */
  sessionStart?: boolean;
}

const sessionStarted = 1;
const headerBytes = 12, footerBytes = 4;

export function encodeEvent({ wallTime, step, fileVersion, scalars, sessionStart }: TfEvent): Uint8Array {
  const writer = new BinaryWriter().tag(1, WireType.Bit64).double(wallTime);
  if (step !== 0) writer.tag(2, WireType.Varint).int64(step);
  if (fileVersion !== undefined) writer.tag(3, WireType.LengthDelimited).string(fileVersion);
  if (scalars) {
    writer.tag(5, WireType.LengthDelimited).fork();
    for (const { tag, value } of scalars) writer.tag(1, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).string(tag).tag(2, WireType.Bit32).float(floatRange(value)).join();
    writer.join();
  }
  if (sessionStart) writer.tag(7, WireType.LengthDelimited).fork().tag(1, WireType.Varint).int32(sessionStarted).join();
  return frame(writer.finish());
}

/** The writer refuses what float32 cannot hold; it is infinite there. */
const floatRange = (value: number): number => Math.fround(value);

function frame(data: Uint8Array): Uint8Array {
  const record = Buffer.alloc(headerBytes + data.length + footerBytes);
  record.writeBigUInt64LE(BigInt(data.length));
  record.writeUInt32LE(maskedCrc(record.subarray(0, 8)), 8);
  record.set(data, headerBytes);
  record.writeUInt32LE(maskedCrc(data), headerBytes + data.length);
  return record;
}

function maskedCrc(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/**
 * The record at the start of `bytes`: its data and how many bytes it takes in all. `more` says how many bytes the record
 * needs where it is not all there; 'lost' that no record begins here, and null data that its checksum is wrong.
 */
export function unframe(bytes: Buffer): { data: Buffer | null; bytes: number } | { more: number } | 'lost' {
  if (bytes.length < headerBytes) return { more: headerBytes };
  if (bytes.readUInt32LE(8) !== maskedCrc(bytes.subarray(0, 8))) return 'lost';
  const length = bytes.readBigUInt64LE();
  if (length > Number.MAX_SAFE_INTEGER - headerBytes - footerBytes) return 'lost';
  const total = headerBytes + Number(length) + footerBytes;
  if (bytes.length < total) return { more: total };
  const data = bytes.subarray(headerBytes, total - footerBytes);
  return { data: bytes.readUInt32LE(total - footerBytes) === maskedCrc(data) ? data : null, bytes: total };
}

/** The event in a record's data; fields that are not ours are skipped. Throws where it is not a protobuf message. */
export function decodeEvent(data: Uint8Array): TfEvent {
  const event: TfEvent = { wallTime: 0, step: 0 };
  eachField(data, (field, reader) => {
    if (field === 1) event.wallTime = reader.double();
    else if (field === 2) event.step = Number(reader.int64());
    else if (field === 3) event.fileVersion = reader.string();
    else if (field === 5) event.scalars = decodeSummary(reader.bytes());
    else if (field === 7) event.sessionStart = decodeStatus(reader.bytes()) === sessionStarted;
    else return false;
    return true;
  });
  return event;
}

function decodeSummary(data: Uint8Array): { tag: string; value: number }[] {
  const scalars: { tag: string; value: number }[] = [];
  eachField(data, (field, reader) => {
    if (field !== 1) return false;
    const scalar: { tag: string; value: number | null } = { tag: '', value: null };
    eachField(reader.bytes(), (inner, valueReader) => {
      if (inner === 1) scalar.tag = valueReader.string();
      else if (inner === 2) scalar.value = valueReader.float();
      else if (inner === 8) scalar.value ??= decodeScalarTensor(valueReader.bytes());
      else return false;
      return true;
    });
    if (scalar.value !== null) scalars.push({ tag: scalar.tag, value: scalar.value });
    return true;
  });
  return scalars;
}

/** How a number of each of TensorFlow's dtypes lies in tensor_content. */
const tensorContent: Readonly<Record<number, { bytes: number; read: (view: DataView) => number }>> = {
  1: { bytes: 4, read: (view) => view.getFloat32(0, true) },
  2: { bytes: 8, read: (view) => view.getFloat64(0, true) },
  3: { bytes: 4, read: (view) => view.getInt32(0, true) },
  9: { bytes: 8, read: (view) => Number(view.getBigInt64(0, true)) },
};

/** The number of a tensor without dimensions; null for any other (histograms, images, text). */
function decodeScalarTensor(data: Uint8Array): number | null {
  let dtype = 0, scalar = true, value: number | null = null, content: Uint8Array | null = null;
  eachField(data, (field, reader, wireType) => {
    const packed = wireType === WireType.LengthDelimited;
    if (field === 1) dtype = reader.int32();
    else if (field === 2) scalar = reader.bytes().length === 0;
    else if (field === 4) content = reader.bytes();
    else if (field === 5 || field === 6 || field === 7 || field === 10) {
      const inner = packed ? new BinaryReader(reader.bytes()) : reader;
      if (inner.pos < inner.len) value = field === 5 ? inner.float() : field === 6 ? inner.double() : field === 7 ? inner.int32() : Number(inner.int64());
    } else return false;
    return true;
  });
  if (!scalar) return null;
  const layout = tensorContent[dtype];
  const bytes = content as Uint8Array | null;
  if (layout && bytes?.length === layout.bytes) return layout.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
  // Zero is written as nothing at all.
  return layout ? (value ?? 0) : null;
}

function decodeStatus(data: Uint8Array): number {
  let status = 0;
  eachField(data, (field, reader) => {
    if (field !== 1) return false;
    status = reader.int32();
    return true;
  });
  return status;
}

/** Calls `take` with each field's number; what it does not take is skipped. */
function eachField(data: Uint8Array, take: (field: number, reader: BinaryReader, wireType: WireType) => boolean): void {
  const reader = new BinaryReader(data);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (!take(field, reader, wireType)) reader.skip(wireType, field);
  }
}
