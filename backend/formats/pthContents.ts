/** Turns what a checkpoint's pickle holds into a list of named tensors and plain JSON for the rest. */
import { InputError } from '../errors.ts';
import { PickleDict, PickleGlobal, PickleList, PickleOpaque, PickleTensor, PickleTuple } from './pickleValues.ts';
import type { PickleValue } from './pickleValues.ts';

/** A pickle may hold the same value in 10^10 places: what is walked is bounded, not what is stored. */
const maxVisits = 2_000_000, maxDepth = 100;
/** More of the rest than a person reads. */
const maxMetadataValues = 20_000, maxTextLength = 10_000;

export interface PthContents {
  tensors: Map<string, PickleTensor>;
  containers: string[];
  metadata: Record<string, unknown>;
}

/** Lists the tensors by their path, keys joined by dots. Throws InputError where it is nested too deep or refers to itself too often. */
export function contentsOf(root: PickleValue): PthContents {
  const walk = new Walk();
  const rest = walk.visit(root, '', 0);
  const isRecord = rest !== null && typeof rest === 'object' && !Array.isArray(rest);
  return { tensors: walk.tensors, containers: [...walk.containers], metadata: isRecord ? (rest as Record<string, unknown>) : rest === undefined ? {} : { value: rest } };
}

class Walk {
  readonly tensors = new Map<string, PickleTensor>();
  readonly containers = new Set<string>();
  private visits = 0;
  private metadataValues = 0;

  /** The value as JSON, without its tensors; undefined where nothing is left. */
  visit(value: PickleValue, path: string, depth: number): unknown {
    if (++this.visits > maxVisits) throw new InputError(`its pickle expands to more than ${maxVisits} values`);
    if (depth > maxDepth) throw new InputError(`its pickle is nested deeper than ${maxDepth} levels`);
    if (value instanceof PickleTensor) {
      this.addTensor(path || 'tensor', value);
      return undefined;
    }
    if (value instanceof PickleDict) return this.dict(value, path, depth);
    if (value instanceof PickleList || value instanceof PickleTuple) return this.list(value.items, path, depth);
    if (++this.metadataValues > maxMetadataValues) return undefined;
    return plain(value);
  }

  private addTensor(path: string, tensor: PickleTensor): void {
    if (this.tensors.has(path)) throw new InputError(`it has two tensors that are both named "${path}"`);
    this.tensors.set(path, tensor);
  }

  private dict(dict: PickleDict, path: string, depth: number): unknown {
    const rest: [string, unknown][] = [];
    let empty = true;
    for (const [key, value] of dict.entries()) {
      empty = false;
      const name = keyText(key);
      if (value instanceof PickleTensor) this.containers.add(path);
      const left = this.visit(value, path ? `${path}.${name}` : name, depth + 1);
      if (left !== undefined) rest.push([name, left]);
    }
    // fromEntries makes own properties, even of "__proto__".
    return empty || rest.length > 0 ? Object.fromEntries(rest) : undefined;
  }

  private list(items: PickleValue[], path: string, depth: number): unknown {
    const rest = items.map((item, i) => this.visit(item, path ? `${path}.${i}` : String(i), depth + 1));
    return items.length > 0 && rest.every((left) => left === undefined) ? undefined : rest.map((left) => left ?? null);
  }
}

function keyText(key: PickleValue): string {
  if (typeof key === 'string') return key;
  if (typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean') return String(key);
  if (key instanceof PickleTuple && key.items.length <= 8 && key.items.every((item) => typeof item !== 'object')) return key.items.map(String).join(',');
  throw new InputError('its pickle has a dict whose keys are neither names nor numbers');
}

function plain(value: Exclude<PickleValue, PickleTensor | PickleDict | PickleList | PickleTuple>): unknown {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string') return value.length > maxTextLength ? `${value.slice(0, maxTextLength)}...` : value;
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  if (value instanceof PickleGlobal) return value.name;
  return value instanceof PickleOpaque ? `<${value.of}>` : `<${value.type}>`;
}
