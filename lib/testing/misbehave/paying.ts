import { msat, wholeSat } from '../../core/amount.ts';
import type { Txid } from '../../core/ids.ts';
import type { Scid } from '../../core/scid.ts';
import type { LspNode } from '../../ports/lspNode.ts';

/** What LSPs may do with channels and money that they should not. */
export const paying = {
  /** Keeps 1 msat more of each part than it promised. */
  overcharges: (node: LspNode): LspNode => ({
    ...node,
    forward: (o) => node.forward({ ...o, amount: msat(o.amount - 1n) }),
  }),
  /** Keeps half of everything. */
  robs: (node: LspNode): LspNode => ({ ...node, forward: (o) => node.forward({ ...o, amount: msat(o.amount / 2n) }) }),
  /** Takes its fee again from each further payment. */
  skimsAgain(node: LspNode): LspNode {
    const whole = new Map<string, bigint>();
    let fee = 0n;
    return {
      ...node,
      onPart: (f) =>
        node.onPart((part) => {
          whole.set(part.id, part.onionAmount);
          f(part);
        }),
      forward(o) {
        const kept = (whole.get(o.id) ?? o.amount) - o.amount;
        if (kept > 0n) fee = kept;
        return node.forward({ ...o, amount: kept > 0n ? o.amount : msat(o.amount - fee) });
      },
    };
  },
  /** Sells, and then fails every payment, as Core Lightning's released LSP does with a fixed amount. */
  failsPayments: (node: LspNode): LspNode => ({
    ...node,
    onPart: (f) => node.onPart((part) => void node.fail(part.id, 'unknown_next_peer').catch(() => f(part))),
  }),
  /** Is paid for a channel, and never opens one. */
  neverOpens: (node: LspNode): LspNode => ({ ...node, open: async () => undefined }),
  /** Opens two channels for one. */
  opensTwice: (node: LspNode): LspNode => ({
    ...node,
    async open(o) {
      await node.open(o);
      await node.open({ ...o, key: `${o.key}/twin` });
    },
  }),
  /** Opens a quarter of what was bought. */
  opensSmall: (node: LspNode): LspNode => ({
    ...node,
    open: (o) => node.open({ ...o, capacity: wholeSat(o.capacity / 4n) }),
  }),
  /** Says that it broadcast the funding transaction, and does not. */
  withholdsFunding(node: LspNode): LspNode {
    const funded = new Map<string, Txid>();
    return {
      ...node,
      onChannel: (f) =>
        node.onChannel((event) => {
          if (event.tag === 'funded') funded.set(event.key, event.fundingTxid);
          f(event);
        }),
      async broadcast(key) {
        const txid = funded.get(key);
        return txid ?? node.broadcast(key);
      },
    };
  },
  /** Closes the channel as soon as it was paid for. */
  closesEarly(node: LspNode): LspNode {
    const keys = new Set<string>();
    return {
      ...node,
      async open(o) {
        keys.add(o.key);
        await node.open(o);
      },
      onPartResolved: (f) =>
        node.onPartResolved(async (resolved) => {
          await f(resolved);
          if (resolved.outcome !== 'settled') return;
          for (const key of keys) await node.close(key).catch(() => undefined);
        }),
    };
  },
  /** Forwards the first part of a payment, and fails the others. */
  forwardsOne(node: LspNode): LspNode {
    const forwarded = new Map<Scid, string>();
    const scids = new Map<string, Scid>();
    return {
      ...node,
      onPart: (f) =>
        node.onPart((part) => {
          scids.set(part.id, part.scid);
          f(part);
        }),
      async forward(o) {
        const scid = scids.get(o.id);
        const first = scid === undefined ? o.id : (forwarded.get(scid) ?? o.id);
        if (scid !== undefined) forwarded.set(scid, first);
        if (first === o.id) await node.forward(o);
        else await node.fail(o.id, 'temporary_channel_failure');
      },
    };
  },
} as const;
