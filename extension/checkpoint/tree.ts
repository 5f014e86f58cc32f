/** The tensors of a checkpoint as a tree: groups by what they are for, below them the parts of their names. Only what is opened is made; only the rows in view are given. */
import type { CheckpointGroup, CheckpointRow, CheckpointRows, ValueStatistics } from '../../backend/protocol.ts';
import type { TensorInfo } from '../../backend/formats/tensorFile.ts';
import { elementCount } from '../../backend/formats/dtypes.ts';
import { partOrder, partText, type Roles } from './roles.ts';
import { shapeText, shownText } from './text.ts';

/** Names are taken apart this far; a hostile one may have a million dots. */
const mostLevels = 10;
/** Keys outlive the page in the editor's state: a longer one stands for nothing after a reload. */
const mostKey = 300;
/** A longer part of a name is no level. */
const mostPart = 100;
const mostLabel = 160;

interface Node {
  key: string;
  label: string;
  /** Places of the tensors below. */
  tensors: number[];
  /** Characters of the own names that lie above. */
  prefix: number;
  depth: number;
  values: number;
  bytes: number;
  children: (Node | number)[] | null;
  group: CheckpointGroup;
}

export class TensorTree {
  readonly groups: CheckpointGroup[];
  private readonly tensors: readonly TensorInfo[];
  private readonly roles: Roles['roles'];
  private readonly roots: Node[];
  private readonly rootOf: Node[] = [];
  private searched: { query: string; found: number[] } | null = null;
  private searchable: string[] | null = null;

  constructor(tensors: readonly TensorInfo[], { roles, hasTarget }: Roles) {
    this.tensors = tensors;
    this.roles = roles;
    const places = new Map<string, number[]>();
    roles.forEach(({ part, target }, place) => {
      const key = `${target ? 'target ' : ''}${part}`;
      const list = places.get(key);
      if (list) list.push(place);
      else places.set(key, [place]);
    });
    this.roots = [...places].map(([key, list]) => {
      const { part, target } = roles[list[0]!]!;
      const group: CheckpointGroup = { key, part, target, ...partText(part, target, hasTarget), tensors: list.length, ...this.sizes(list) };
      return { key, label: group.title, tensors: list, prefix: this.sharedPrefix(list, 0), depth: 0, values: group.values, bytes: group.bytes, children: null, group };
    }).sort((a, b) => Number(a.group.target) - Number(b.group.target) || partOrder.indexOf(a.group.part) - partOrder.indexOf(b.group.part));
    // What is of both branches, or of none, stands last.
    const last = new Set(['queue', 'objective', 'optimizer', 'other']);
    this.roots.sort((a, b) => Number(last.has(a.group.part)) - Number(last.has(b.group.part)));
    this.groups = this.roots.map(({ group }) => group);
    for (const root of this.roots) for (const place of root.tensors) this.rootOf[place] = root;
  }

  groupOf(place: number): CheckpointGroup {
    return this.rootOf[place]!.group;
  }

  /** Rows `from` to `from + count` of what is open, or of the tensors that match every word of the query. */
  rows(query: string, open: ReadonlySet<string>, from: number, count: number, statistics: ReadonlyMap<number, ValueStatistics>): CheckpointRows {
    const words = query.toLowerCase().split(/\s+/).filter((word) => word !== '');
    if (words.length > 0) {
      const found = this.search(words);
      const rows = found.slice(from, from + count).map((place, i) => this.tensorRow(place, this.rootOf[place]!, 1, shownText(this.tensors[place]!.name, mostLabel), from + i + 1, found.length, null, statistics));
      return { total: found.length, from, rows };
    }
    const rows: CheckpointRow[] = [];
    let at = 0;
    const visit = (children: readonly (Node | number)[], above: Node | null, level: number, parent: number | null): void => {
      // A long list of tensors is skipped at once.
      if (above && children.length > 1000 && (at + children.length <= from || at >= from + count) && children.every((child) => typeof child === 'number')) {
        at += children.length;
        return;
      }
      children.forEach((child, i) => {
        const inView = at >= from && at < from + count;
        at++;
        if (typeof child === 'number') {
          if (inView) rows.push(this.tensorRow(child, this.rootOf[child]!, level, shownText(this.roles[child]!.own.slice(above!.prefix) || this.roles[child]!.own, mostLabel), i + 1, children.length, parent, statistics));
          return;
        }
        const isOpen = open.has(child.key);
        if (inView) rows.push(this.groupRow(child, level, isOpen, i + 1, children.length, parent));
        if (isOpen) visit(this.childrenOf(child), child, level + 1, at - 1);
      });
    };
    visit(this.roots, null, 1, null);
    return { total: at, from, rows };
  }

  private search(words: readonly string[]): number[] {
    const query = words.join(' ');
    if (this.searched?.query === query) return this.searched.found;
    this.searchable ??= this.tensors.map(({ name, dtype, shape }) => `${name} ${dtype} ${shape.join('x')}`.toLowerCase());
    const { searchable } = this;
    const found: number[] = [];
    // Groups are in the order that the tree has.
    for (const root of this.roots) {
      const title = root.group.title.toLowerCase();
      for (const place of root.tensors) if (words.every((word) => searchable[place]!.includes(word) || title.includes(word))) found.push(place);
    }
    this.searched = { query, found };
    return found;
  }

  /** Below a node: the next parts of its tensors' names, in the file's order, numbers in theirs; parts that all have are one node. */
  private childrenOf(node: Node): (Node | number)[] {
    return (node.children ??= this.makeChildren(node));
  }

  private makeChildren(node: Node): (Node | number)[] {
    if (node.depth >= mostLevels || node.tensors.length === 1) return node.tensors;
    const parts = new Map<string, { places: number[]; whole: boolean }>();
    for (const place of node.tensors) {
      const { own } = this.roles[place]!;
      const dot = own.indexOf('.', node.prefix);
      const whole = dot < 0 || dot - node.prefix > mostPart;
      const part = own.slice(node.prefix, whole ? node.prefix + mostPart : dot);
      const found = parts.get(part);
      if (found) found.places.push(place);
      else parts.set(part, { places: [place], whole });
    }
    const names = [...parts.keys()];
    if (names.length > 1 && names.every((name) => /^\d{1,9}$/.test(name))) names.sort((a, b) => Number(a) - Number(b));
    return names.flatMap((name): (Node | number)[] => {
      const { places, whole } = parts.get(name)!;
      if (whole || places.length === 1) return places;
      const prefix = this.sharedPrefix(places, node.prefix);
      const label = shownText(this.roles[places[0]!]!.own.slice(node.prefix, prefix - 1), mostLabel);
      return [{ key: `${node.key}/${name}`.slice(-mostKey), label, tensors: places, prefix, depth: node.depth + 1, ...this.sizes(places), children: null, group: node.group }];
    });
  }

  /** Where the parts end that all of these have in common: at most a few, so that a node's label stays short. */
  private sharedPrefix(places: readonly number[], from: number): number {
    const { own } = this.roles[places[0]!]!;
    let end = from;
    for (let levels = 0; levels < 4; levels++) {
      const dot = own.indexOf('.', end);
      if (dot < 0 || dot - end > mostPart) break;
      const shared = own.slice(from, dot + 1);
      if (!places.every((place) => this.roles[place]!.own.startsWith(shared, from))) break;
      end = dot + 1;
    }
    return end;
  }

  private sizes(places: readonly number[]): { values: number; bytes: number } {
    let values = 0, bytes = 0;
    for (const place of places) {
      values += elementCount(this.tensors[place]!.shape) ?? 0;
      bytes += this.tensors[place]!.bytes;
    }
    return { values, bytes };
  }

  private groupRow(node: Node, level: number, open: boolean, place: number, siblings: number, parent: number | null): CheckpointRow {
    const { part, target } = node.group;
    return { key: node.key, kind: 'group', level, label: node.label, place, siblings, part, target, open, parent, tensors: node.tensors.length, values: node.values, bytes: node.bytes, tensor: null, dtype: '', shape: '', statistics: null };
  }

  private tensorRow(tensor: number, { group: { part, target } }: Node, level: number, label: string, place: number, siblings: number, parent: number | null, statistics: ReadonlyMap<number, ValueStatistics>): CheckpointRow {
    const { dtype, shape, bytes } = this.tensors[tensor]!;
    return { key: `#${tensor}`, kind: 'tensor', level, label, place, siblings, part, target, open: false, parent, tensors: 1, values: elementCount(shape) ?? 0, bytes, tensor, dtype, shape: shapeText(shape), statistics: statistics.get(tensor) ?? null };
  }
}
