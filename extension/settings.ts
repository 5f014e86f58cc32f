/** Every setting in one table: package.json's part and its texts are written from it by scripts/manifest.mjs, and a test catches drift. */

export interface Setting {
  type: 'string' | 'boolean' | 'array';
  default: string | boolean | readonly string[];
  /**
   * `machine`: what is executed, which no workspace may name. `machine-overridable`: what differs between machines.
   * `resource`: data, which may differ between the folders of a window.
   */
  scope: 'machine' | 'machine-overridable' | 'resource';
  /** Whether an untrusted workspace's own value counts for nothing. */
  restricted: boolean;
  /** Markdown. */
  description: string;
  /** The values there are, with what each means. */
  choices?: Readonly<Record<string, string>>;
  pattern?: { expression: string; message: string };
}

export const settings = {
  engine: {
    type: 'string', default: 'auto', scope: 'machine-overridable', restricted: true,
    description: 'What computes, for run files that leave `engine.engine` at `auto`. The view *Engines* shows what this machine has.',
    choices: { auto: 'The best engine that this machine has.', torch: 'libtorch: GPUs and CPUs, fp32 and bf16.', tensorflow: 'TensorFlow\'s own binding for Node, fp32 only.', wasm: 'WebAssembly: always there, slow.' },
  },
  device: {
    type: 'string', default: 'auto', scope: 'machine-overridable', restricted: true,
    description: 'Where it is computed, for run files that leave `engine.device` at `auto`: `auto`, `cpu`, `cuda`, `cuda:1`, `mps` or `xpu`.',
    pattern: { expression: '^(auto|cpu|mps|xpu|cuda(:\\d{1,3})?)$', message: '"auto", "cpu", "cuda", "cuda:1", "mps" or "xpu".' },
  },
  torchPath: {
    type: 'string', default: '', scope: 'machine', restricted: true,
    description: 'The libtorch to load: the `torch` folder of a Python wheel, or its `lib`. Empty: the one that is found, or that SiamScope has installed. No workspace can set this.',
  },
  nodePath: {
    type: 'string', default: '', scope: 'machine', restricted: true,
    description: 'The Node (20.9 or later) that runs the backend. Empty: the editor\'s own. No workspace can set this.',
  },
  runFolders: {
    type: 'array', default: [], scope: 'resource', restricted: true,
    description: 'Further folders whose runs are shown: a run\'s own folder, or one that holds several. Paths are absolute, or relative to the workspace folder.',
  },
  showCurvesOnStart: {
    type: 'boolean', default: true, scope: 'resource', restricted: false,
    description: 'Show a run\'s curves when it is started.',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;

/** package.json's `contributes.configuration` and `restrictedConfigurations`, and the texts that it names. */
export function configurationManifest(): { configuration: object; restricted: string[]; texts: Record<string, string> } {
  const texts: Record<string, string> = { 'settings.title': 'SiamScope' };
  const named = (key: string, text: string): string => {
    texts[key] = text;
    return `%${key}%`;
  };
  const entries: [string, Setting][] = Object.entries(settings);
  const properties = entries.map(([name, { type, default: value, scope, description, choices, pattern }], order) => [
    `siamscope.${name}`,
    {
      type, default: value, scope, order,
      markdownDescription: named(`settings.${name}`, description),
      ...(type === 'array' ? { items: { type: 'string' } } : {}),
      ...(choices ? { enum: Object.keys(choices), enumDescriptions: Object.entries(choices).map(([choice, text]) => named(`settings.${name}.${choice}`, text)) } : {}),
      ...(pattern ? { pattern: pattern.expression, patternErrorMessage: named(`settings.${name}.pattern`, pattern.message) } : {}),
    },
  ]);
  return {
    configuration: { title: '%settings.title%', properties: Object.fromEntries(properties) as object },
    restricted: entries.filter(([, { restricted }]) => restricted).map(([name]) => `siamscope.${name}`),
    texts,
  };
}
