/** How texts are translated, for modules that do not know the editor: `vscode.l10n.t` is one, and plain filling-in of {0} is another. */

export type Translate = (message: string, ...args: (string | number | boolean)[]) => string;

/** English: the message itself, with its {0}, {1} filled in. */
export const untranslated: Translate = (message, ...args) => message.replace(/\{(\d+)\}/g, (_, i: string) => String(args[Number(i)] ?? ''));
