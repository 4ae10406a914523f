// Eyes on the chain for a wallet that waits for a funding transaction: `client({ chain })`.
export { bitcoindView } from './bitcoind.ts';
export { esploraView } from './esplora.ts';
export type { FetchLike } from './fetching.ts';
