import { type Msat, msat } from '../../core/amount.ts';
import { DecodeError } from '../../core/errors.ts';
import { networkOf, type Network } from '../../core/network.ts';

const MSAT_PER_BTC = 100_000_000_000n;
const UNITS = [
  ['', MSAT_PER_BTC],
  ['m', MSAT_PER_BTC / 1000n],
  ['u', MSAT_PER_BTC / 1_000_000n],
  ['n', MSAT_PER_BTC / 1_000_000_000n],
] as const;

/** The amount of a human-readable part, in the largest unit that is exact: `2500u`; `10p` is a millisatoshi. */
export function formatAmount(amount: Msat): string {
  if (amount === 0n) throw new RangeError('an invoice over nothing: leave the amount out instead');
  for (const [letter, unit] of UNITS) if (amount % unit === 0n) return `${amount / unit}${letter}`;
  return `${amount * 10n}p`;
}

/** Network, then an amount without leading zeros: a positive number, and a multiplier. */
const PREFIX = /^ln([a-z]{2,5}?)(?:([1-9]\d{0,19})([munp]?))?$/;
const PICO = 'p';

/** What the human-readable part says. @throws {@link DecodeError} */
export function readPrefix(prefix: string): { readonly network: Network; readonly amount: Msat | undefined } {
  const [whole, name = '', digits, letter = ''] = PREFIX.exec(prefix) ?? [];
  if (whole === undefined) throw new DecodeError('', 'its amount or network is not of the form of BOLT 11');
  const network = networkOf(name);
  if (!network) throw new DecodeError('', 'an invoice for an unknown network');
  if (digits === undefined) return { network, amount: undefined };
  const count = BigInt(digits);
  if (letter === PICO && count % 10n !== 0n) throw new DecodeError('amount', 'is no whole number of millisatoshi');
  const unit = UNITS.find(([each]) => each === letter)?.[1];
  return { network, amount: toMsat(unit === undefined ? count / 10n : count * unit) };
}

function toMsat(value: bigint): Msat {
  try {
    return msat(value);
  } catch (cause) {
    throw new DecodeError('amount', 'is more than 64 bits of millisatoshi', { cause });
  }
}
