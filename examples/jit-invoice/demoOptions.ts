import type { Msat, Trust } from 'lsps2';
import type { Values } from './options.ts';
import { amountOption, oneOf, urlOption, wholeOption } from './parsers.ts';

const CHEATS = ['overcharge', 'public-channel', 'unsolicited-channel'] as const;
export type Cheat = (typeof CHEATS)[number];

export interface DemoOptions {
  readonly amount: Msat;
  readonly parts: number;
  readonly trust: Trust;
  readonly maxFee: Msat;
  readonly timeoutSeconds: number;
  readonly bitcoind: string | undefined;
  readonly cheat: Cheat | undefined;
  readonly json: boolean;
}

/** The reference LSP takes no more. */
const PARTS_MAX = 30;
const TIMEOUT_SECONDS_MAX = 3600;
export const TRUSTS: readonly Trust[] = ['lsp-trusts-client', 'client-trusts-lsp'];

export function demoOptions(values: Values): DemoOptions {
  const amount = amountOption('--amount', values.amount ?? '250000sat');
  return {
    amount,
    parts: wholeOption('--parts', values.parts ?? '1', PARTS_MAX),
    trust: oneOf('--trust', values.trust ?? 'lsp-trusts-client', TRUSTS),
    maxFee: values['max-fee'] === undefined ? amount : amountOption('--max-fee', values['max-fee']),
    timeoutSeconds: wholeOption('--timeout', values.timeout ?? '60', TIMEOUT_SECONDS_MAX),
    bitcoind: values.bitcoind === undefined ? undefined : urlOption('--bitcoind', values.bitcoind),
    cheat: values.cheat === undefined ? undefined : oneOf('--cheat', values.cheat, CHEATS),
    json: values.json ?? false,
  };
}
