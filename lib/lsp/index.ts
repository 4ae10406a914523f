export type { Counts } from './tally.ts';
export type { LspEvents } from './events.ts';
export { type Lsp, type LspInit, lsp, type Subscribe } from './lsp.ts';
export * from './policy.ts';
export { REQUESTS_PER_PEER_MAX } from './server.ts';
