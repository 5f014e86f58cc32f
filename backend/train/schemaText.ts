/** The run file's JSON Schema as a page for people: docs/run-file.md is this, and a test holds it to the schema. */

type Node = Record<string, unknown>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);
const nodes = (value: unknown): Node[] => (Array.isArray(value) ? value.filter(isNode) : []);
const code = (value: unknown): string => `\`${JSON.stringify(value)}\``;
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');

/** What may stand there, in a few words. */
function kindOf(node: Node): string {
  const { type, const: value, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = node;
  if (value !== undefined) return code(value);
  const choices = node.enum as unknown[] | undefined;
  if (choices) return choices.map(code).join(', ');
  const alternatives = [...nodes(node.anyOf), ...nodes(node.oneOf)];
  if (alternatives.length > 0) return alternatives.some((one) => one.type === 'object') ? 'object' : [...new Set(alternatives.map(kindOf))].join(' or ');
  const items = nodes(node.prefixItems);
  if (items.length > 0) return `[${items.map(kindOf).join(', ')}]`;
  if (type === 'array') return 'list';
  if (type === 'null') return '`null`';
  if (type !== 'number' && type !== 'integer') return textOf(type) || 'anything';
  const number = (bound: unknown): number | null => (typeof bound === 'number' && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? bound : null);
  const bounds = [[minimum, '≥'], [exclusiveMinimum, '>'], [maximum, '≤'], [exclusiveMaximum, '<']].flatMap(([bound, sign]) => (number(bound) === null ? [] : [`${String(sign)} ${String(bound)}`]));
  return [type === 'integer' ? 'whole number' : 'number', ...bounds].join(' ');
}

/** A description, and what each choice means. */
function meaningOf(node: Node): string {
  const choices = (node.enum as unknown[] | undefined) ?? [], meanings = (node.enumDescriptions as string[] | undefined) ?? [];
  return [textOf(node.description), ...meanings.map((meaning, i) => `${code(choices[i])}: ${meaning.replace(/\.$/, '')}`)].join('<br>');
}

const defaultOf = ({ default: value }: Node): string => (value === undefined || isNode(value) ? '' : code(value));

function table(properties: Node): string[] {
  return ['| key | value | default | meaning |', '|---|---|---|---|', ...Object.entries(properties).filter(([, node]) => isNode(node)).map(([key, node]) => `| \`${key}\` | ${cell(kindOf(node as Node))} | ${defaultOf(node as Node)} | ${cell(meaningOf(node as Node))} |`)];
}

/** A heading and a table for an object, one for each kind of it, and those of the objects inside. */
function section(path: string, node: Node): string[] {
  const properties = isNode(node.properties) ? node.properties : null;
  const kinds = [...nodes(node.anyOf), ...nodes(node.oneOf), ...(isNode(node.items) ? [node.items] : [])];
  const own = properties ? ['', `## ${path}`, '', ...(node.description === undefined ? [] : [textOf(node.description), '']), ...table(properties)] : [];
  const inner = Object.entries(properties ?? {}).flatMap(([key, child]) => (isNode(child) ? section(`${path}.${key}`, child) : []));
  return [...own, ...inner, ...kinds.flatMap((kind) => section(nameOfKind(path, kind), kind))];
}

/** `method (siamese)`: by the constant that tells the kinds apart. */
function nameOfKind(path: string, kind: Node): string {
  const constant = Object.values(isNode(kind.properties) ? kind.properties : {}).find((property) => isNode(property) && property.const !== undefined) as Node | undefined;
  return constant ? `${path} (${String(constant.const)})` : path;
}

/** Markdown: the keys at the top, then a section an object. */
export function schemaText(schema: Record<string, unknown>): string {
  const properties = schema.properties as Node;
  return [
    '# The run file', '',
    'A run file (`*.siam.json`) says everything about a run. What it leaves out comes from its `preset`, and after that from the defaults below.',
    'Written by `siamscope schema --markdown`; the editor completes and explains the same keys.', '',
    ...table(properties),
    ...Object.entries(properties).flatMap(([key, node]) => section(key, node as Node)), '',
  ].join('\n');
}
