/** The version, put in by the build. */
declare const SIAMSCOPE_VERSION: string | undefined;

export const version = typeof SIAMSCOPE_VERSION === 'undefined' ? 'source' : SIAMSCOPE_VERSION;
