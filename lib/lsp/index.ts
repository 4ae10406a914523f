export { UNPAID_PER_CLIENT_MAX } from './purchases.ts';
export type { LspEvents } from './events.ts';
export { type Lsp, type LspInit, lsp } from './lsp.ts';
export * from './policy.ts';
export { REQUESTS_PER_PEER_MAX } from './server.ts';
