import { fromHex } from '../../core/bytes.ts';
import type { Network } from '../../core/network.ts';

/** Genesis block hashes in the order of the wire (BOLT 0 "chain_hash"). */
const CHAIN_HASH: Readonly<Record<Network, string>> = {
  bitcoin: '6fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000',
  testnet: '43497fd7f826957108f4a30fd9cec3aeba79972084e90ead01ea330900000000',
  signet: 'f61eee3b63a380a477a063af32b2bbc97c9ff9f01f2c4225e973988108000000',
  regtest: '06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f',
};

/** The `chain_hash` of a network: 32 bytes. */
export const chainHash = (network: Network): Uint8Array => fromHex(CHAIN_HASH[network]);
