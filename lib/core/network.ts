/** The bitcoin networks, and the prefix of their BOLT 11 invoices (without `ln`). */
export const NETWORK_PREFIX = { bitcoin: 'bc', testnet: 'tb', signet: 'tbs', regtest: 'bcrt' } as const;

export type Network = keyof typeof NETWORK_PREFIX;

export function networkOf(prefix: string): Network | undefined {
  return (Object.keys(NETWORK_PREFIX) as Network[]).find((network) => NETWORK_PREFIX[network] === prefix);
}
