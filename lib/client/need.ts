import { type Msat, msat } from '../core/amount.ts';
import type { WalletChannel } from '../ports/walletNode.ts';

/** Whether an amount can be received over the channels that are there, and if not, why. */
export interface Receivable {
  readonly canReceive: 'all' | 'partly' | 'nothing';
  /**
   * `enough`: no JIT channel is needed. `one_part_too_large`: enough only for a payer that pays in parts. `no_channels`: there
   * is none. `offline`: enough, if all its peers were connected. `too_little`: even then not.
   */
  readonly why: 'enough' | 'one_part_too_large' | 'no_channels' | 'offline' | 'too_little';
  /** Over all usable channels, by a payer that pays in parts. */
  readonly receivable: Msat;
  /** By a payer that pays in one. */
  readonly inOnePart: Msat;
  /** Were all peers connected. */
  readonly receivableOnline: Msat;
}

/** Adds up what the channels can receive. */
export function receivableOver(channels: readonly WalletChannel[], amount: Msat): Receivable {
  const usable = channels.filter((channel) => channel.usable);
  const receivable = total(usable);
  const receivableOnline = total(channels);
  const inOnePart = usable.map(onePart).reduce((most, each) => (each > most ? each : most), msat(0n));
  const canReceive = receivable >= amount ? 'all' : receivable > 0n ? 'partly' : 'nothing';
  const why = (): Receivable['why'] => {
    if (receivable >= amount) return inOnePart >= amount ? 'enough' : 'one_part_too_large';
    if (channels.length === 0) return 'no_channels';
    return receivableOnline >= amount ? 'offline' : 'too_little';
  };
  return { canReceive, why: why(), receivable, inOnePart, receivableOnline };
}

const total = (channels: readonly WalletChannel[]): Msat =>
  msat(channels.reduce((sum, channel) => sum + channel.receivable, 0n));

const onePart = ({ receivable, largestPart }: WalletChannel): Msat =>
  receivable < largestPart ? receivable : largestPart;
