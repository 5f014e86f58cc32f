/** Examples below a command's help. */

/** Arguments for commander's addHelpText. */
export const example = (text: string): [position: 'after', text: string] => ['after', `\nExample:\n${text.split('\n').map((line) => `  ${line}`).join('\n')}`];
