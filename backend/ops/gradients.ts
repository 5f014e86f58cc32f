/**
 * Backpropagation over TensorFlow.js's tape that frees as it goes: each saved activation is released as soon as its node has been
 * walked, and each gradient as soon as it was used. `tf.variableGrads` keeps all of both until the end, which doubles the peak.
 */
import * as tf from '@tensorflow/tfjs-core';

interface TapeNode {
  id: number;
  kernelName: string;
  inputs: Record<string, tf.Tensor>;
  outputs: tf.Tensor[];
  saved: tf.Tensor[];
  gradient?: (dys: (tf.Tensor | null)[]) => Record<string, () => tf.Tensor>;
}

/** The part of TensorFlow.js's engine that records; public in its JavaScript, private in its types. */
interface Recorder {
  state: { activeTape: TapeNode[] | null; gradientDepth: number; kernelDepth: number };
  startTape(): void;
  endTape(): void;
}

const recorder = (): Recorder => tf.engine() as unknown as Recorder;

/** Whether ops are recorded now, so that what they save must last. */
export const isRecording = (): boolean => recorder().state.activeTape !== null && recorder().state.kernelDepth === 0;

/** Runs f without recording: for targets, statistics, and all that no gradient flows through. Only the tensors that it returns outlive it. */
export function withoutGradient<T>(f: () => T): T {
  const { state } = recorder();
  state.kernelDepth++;
  try {
    return tf.tidy(() => f() as tf.TensorContainer) as T;
  } finally {
    state.kernelDepth--;
  }
}

/** The nodes through which `y` depends on `xs`, in order, each with the inputs that do. */
function relevant(tape: TapeNode[], xs: tf.Tensor[], y: tf.Tensor): TapeNode[] {
  const fromX = new Set(xs.map((x) => x.id));
  const forward = tape.filter((node) => {
    const depends = Object.values(node.inputs).some((input) => fromX.has(input.id));
    if (depends) for (const output of node.outputs) fromX.add(output.id);
    return depends;
  });
  const toY = new Set([y.id]);
  return forward
    .reverse()
    .filter((node) => {
      const leads = node.outputs.some((output) => toY.has(output.id));
      if (leads) for (const input of Object.values(node.inputs)) toY.add(input.id);
      return leads;
    })
    .reverse()
    .map((node) => ({ ...node, inputs: Object.fromEntries(Object.entries(node.inputs).filter(([, input]) => fromX.has(input.id))) }));
}

export interface Differentiated<T> {
  /** What `f` returned; its tensors belong to the caller. */
  value: T;
  /** d loss / d variable, in the variables' order; null where the loss does not depend on it. The caller disposes them. */
  gradients: (tf.Tensor | null)[];
}

/**
 * Runs `f`, which returns tensors with `loss`, a scalar, among them, and differentiates the loss by the variables.
 * Throws where an op on the way has no gradient.
 */
export function valueAndGradients<T extends { loss: tf.Tensor }>(f: () => T, variables: tf.Tensor[]): Differentiated<T> {
  const engine = recorder();
  engine.startTape();
  let tape: TapeNode[] = [];
  let value: T;
  try {
    value = tf.tidy(() => f() as unknown as tf.TensorContainer) as unknown as T;
  } finally {
    tape = engine.state.activeTape ?? [];
    engine.endTape();
    if (engine.state.gradientDepth === 0) engine.state.activeTape = null;
  }
  const nodes = relevant(tape, variables, value.loss);
  const needed = new Set(nodes.map((node) => node.id));
  for (const node of tape) if (!needed.has(node.id)) tf.dispose(node.saved);
  const wanted = new Set(variables.map((v) => v.id));
  const gradientOf = new Map<number, tf.Tensor>();
  gradientOf.set(value.loss.id, tf.keep(tf.onesLike(value.loss)));
  for (let node = nodes.pop(); node; node = nodes.pop()) {
    const { inputs, outputs, saved, gradient, kernelName } = node;
    if (!gradient) throw new Error(`${kernelName} has no gradient`);
    const dys = outputs.map((output) => gradientOf.get(output.id) ?? null);
    if (dys.some((dy) => dy !== null))
      tf.tidy(() => {
        const perInput = gradient(dys);
        for (const [name, input] of Object.entries(inputs)) {
          if (!perInput[name]) throw new Error(`${kernelName} has no gradient for its input ${name}`);
          let dx = perInput[name]();
          if (dys.includes(dx)) dx = dx.clone();
          if (!tf.util.arraysEqual(dx.shape, input.shape)) throw new Error(`${kernelName}: the gradient of ${name} has shape [${dx.shape.join()}], the input [${input.shape.join()}]`);
          const sofar = gradientOf.get(input.id);
          gradientOf.set(input.id, tf.keep(sofar ? tf.add(sofar, dx) : dx));
          sofar?.dispose();
        }
      });
    for (const output of outputs) {
      if (wanted.has(output.id)) continue;
      gradientOf.get(output.id)?.dispose();
      gradientOf.delete(output.id);
    }
    tf.dispose(saved);
  }
  const gradients = variables.map((v) => gradientOf.get(v.id) ?? null);
  for (const [id, gradient] of gradientOf) if (!wanted.has(id)) gradient.dispose();
  return { value, gradients };
}
