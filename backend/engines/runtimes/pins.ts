/** The shape of the pins (runtimes.json, written by scripts/pinRuntimes.mjs): which wheels a runtime is made of, by their hashes. */
import { createHash } from 'node:crypto';

export interface PinnedWheel {
  name: string;
  version: string;
  /** Platform tag of the wheel, e.g. `manylinux_2_28_x86_64`. */
  tag: string;
  /** Of the whole wheel, hexadecimal. */
  sha256: string;
  /** Of the whole wheel. */
  bytes: number;
  /** Of the members that are kept. */
  keptBytes: number;
  /** Members that are kept; `*` stands for anything but '/'. */
  members: string[];
}

export interface Pins {
  version: string;
  /** The Python whose wheels are taken. Only their C++ libraries are used, so that any Python will do to fetch them. */
  python: { version: string; abi: string };
  /** By `<process.platform>-<process.arch>`. */
  platforms: Record<string, { cpu: PinnedWheel[]; cuda?: PinnedWheel[] } | undefined>;
}

export const thisPlatform = (): string => `${process.platform}-${process.arch}`;

/** A runtime's folder name: what it is, and a hash of everything it is made of. */
export function runtimeName(engine: string, version: string, wheels: PinnedWheel[], platform = thisPlatform()): string {
  const contents = wheels.map((wheel) => [wheel.name, wheel.sha256, wheel.members]);
  return `${engine}-${version}-${platform}-${createHash('sha256').update(JSON.stringify(contents)).digest('hex').slice(0, 8)}`;
}
