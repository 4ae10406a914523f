import type { NodeId } from '../core/ids.ts';
import { heldOf, type Purchase, sessionsOf } from '../session/purchase.ts';

/** What the operator's caps count, of one client or of all. */
export interface Counts {
  /** Purchases that were not paid yet. */
  readonly unpaid: number;
  /** Channels that nobody has paid for, and that are broadcast all the same, or will be when they are open. */
  readonly unpaidChannels: number;
  /** HTLCs that are held. */
  readonly heldParts: number;
}

const NONE: Counts = { unpaid: 0, unpaidChannels: 0, heldParts: 0 };

function countsOf(purchase: Purchase | undefined): Counts {
  if (!purchase) return NONE;
  const { paid, channel, offer } = purchase;
  const willBeOut = channel?.broadcast !== 'no' || offer.trust === 'lsp-trusts-client';
  const isOut = channel !== undefined && willBeOut && channel.stage !== 'closed';
  return {
    unpaid: paid ? 0 : 1,
    unpaidChannels: isOut && !paid ? 1 : 0,
    heldParts: sessionsOf(purchase).reduce((total, [, state]) => total + heldOf(state).length, 0),
  };
}

const plus = (a: Counts, b: Counts, sign: 1 | -1): Counts => ({
  unpaid: a.unpaid + sign * b.unpaid,
  unpaidChannels: a.unpaidChannels + sign * b.unpaidChannels,
  heldParts: a.heldParts + sign * b.heldParts,
});

/** Running counts, so that a cap costs the same with one purchase or a hundred thousand. */
export interface Tally {
  total(): Counts;
  of(client: NodeId): Counts;
  /** A purchase changed; undefined: it was not there before, or is not any more. */
  change(client: NodeId, before: Purchase | undefined, after: Purchase | undefined): void;
}

export function tally(): Tally {
  let total = NONE;
  const clients = new Map<NodeId, Counts>();
  return {
    total: () => total,
    of: (client) => clients.get(client) ?? NONE,
    change(client, before, after) {
      const [was, is] = [countsOf(before), countsOf(after)];
      total = plus(plus(total, was, -1), is, 1);
      const mine = plus(plus(clients.get(client) ?? NONE, was, -1), is, 1);
      if (mine.unpaid + mine.unpaidChannels + mine.heldParts > 0) clients.set(client, mine);
      else clients.delete(client);
    },
  };
}
