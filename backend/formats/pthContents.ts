/** Turns what a checkpoint's pickle holds, dicts or a whole module, into a list of named tensors and plain JSON for the rest. */
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
    this.count(depth);
    if (value instanceof PickleTensor) {
      this.addTensor(path || 'tensor', value);
      return undefined;
    }
    if (value instanceof PickleDict) return this.dict(value, path, depth);
    if (value instanceof PickleOpaque && isModule(value)) {
      this.containers.add(path);
      return this.module(value, path, depth) ? undefined : plain(value);
    }
    if (value instanceof PickleList || value instanceof PickleTuple) return this.list(value.items, path, depth);
    if (++this.metadataValues > maxMetadataValues) return undefined;
    return plain(value);
  }

  private count(depth: number): void {
    if (++this.visits > maxVisits) throw new InputError(`its pickle expands to more than ${maxVisits} values`);
    if (depth > maxDepth) throw new InputError(`its pickle is nested deeper than ${maxDepth} levels`);
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

  /**
   * The tensors of a pickled nn.Module under the names that its state_dict() would give them: its parameters and buffers, then its
   * modules' own. Whether there are any.
   */
  private module(module: PickleOpaque, path: string, depth: number): boolean {
    this.count(depth);
    const left = module.fields?.get('_non_persistent_buffers_set');
    const leftOut = new Set(left instanceof PickleList ? left.items : []);
    let found = false;
    for (const kind of ['_parameters', '_buffers', '_modules'] as const) {
      const members = module.fields?.get(kind);
      if (!(members instanceof PickleDict)) continue;
      for (const [key, value] of members.entries()) {
        const name = path ? `${path}.${keyText(key)}` : keyText(key);
        if (kind === '_modules') found = (value instanceof PickleOpaque && this.module(value, name, depth + 1)) || found;
        else if (value instanceof PickleTensor && !(kind === '_buffers' && leftOut.has(key))) {
          this.count(depth + 1);
          this.addTensor(name, value);
          found = true;
        }
      }
    }
    return found;
  }

  private list(items: PickleValue[], path: string, depth: number): unknown {
    const rest = items.map((item, i) => this.visit(item, path ? `${path}.${i}` : String(i), depth + 1));
    return items.length > 0 && rest.every((left) => left === undefined) ? undefined : rest.map((left) => left ?? null);
  }
}

/** An object that keeps what every nn.Module keeps, whatever its class is called. */
const isModule = ({ fields }: PickleOpaque): boolean => fields?.get('_parameters') instanceof PickleDict && fields.get('_modules') instanceof PickleDict;

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
