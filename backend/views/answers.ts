/** Every call that a view may make. What an answer needs, the engine above all, is loaded when it is first asked for. */
import type { ViewAnswer } from './serve.ts';

export const viewAnswers: Readonly<Record<string, ViewAnswer<never, unknown>>> = {};
