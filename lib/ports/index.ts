export type * from './abort.ts';
export type * from './clock.ts';
export type * from './gates.ts';
export type * from './log.ts';
export type * from './lspNode.ts';
export type * from './peerMessages.ts';
export type * from './store.ts';
export type * from './walletNode.ts';
