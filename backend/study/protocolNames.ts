/** How a study measures a run: the names alone, so that a study file is checked without an engine. */
export const protocolNames = ['neighbours', 'correspondence', 'prediction'] as const;

export type ProtocolName = (typeof protocolNames)[number];
