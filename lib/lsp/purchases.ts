import { NodeError } from '../core/errors.ts';
import type { NodeId } from '../core/ids.ts';
import { saveRecord } from '../core/record.ts';
import type { Scid } from '../core/scid.ts';
import type { InterceptedPart, PartResolved } from '../ports/lspNode.ts';
import type { Offer } from '../session/data.ts';
import { type Purchase, type PurchaseInput, purchased } from '../session/purchase.ts';
import { type Actor, actor, purchaseKey } from './actor.ts';
import type { Context } from './context.ts';
import { giveBack } from './giveBack.ts';
import { RpcFault } from './rpcFault.ts';

/** Unpaid purchases that one client may have; further buys are answered with error 1. */
export const UNPAID_PER_CLIENT_MAX = 20;

/** Unpaid purchases of all clients together. */
const UNPAID_MAX = 10_000;

/** Nodes draw scids at random, from a space that is small on a young chain. */
const SCID_TRIES_MAX = 1000;

const RESOLVED = { settled: 'partSettled', failed: 'partFailed', gone: 'partGone' } as const;

/** All purchases that live, and the way from what the node tells to the purchase it concerns. */
export interface Purchases {
  all(): readonly Purchase[];
  /** A scid that no live purchase has. @throws when the node finds none. */
  newScid(): Scid;
  /** Starts a purchase that is already saved. */
  start(purchase: Purchase): void;
  /** Saves and starts a new one. @throws RpcFault at the client's limit. */
  sell(offer: Offer): Promise<void>;
  part(part: InterceptedPart): void;
  resolved(resolved: PartResolved): void;
  /** An input for the purchase of one scid; ignored when it is gone. */
  input(scid: Scid, input: PurchaseInput): void;
  ofClient(client: NodeId, input: PurchaseInput): void;
  every(input: PurchaseInput): void;
  stop(): Promise<void>;
}

export function purchases(context: Context): Purchases {
  const actors = new Map<Scid, Actor>();
  /** Buys that are being saved, so that many at once do not slip past the limits. */
  const selling = new Map<NodeId, number>();
  const reserved = new Set<Scid>();

  function start(purchase: Purchase): void {
    const { scid } = purchase.offer;
    const expired = () => {
      actors.delete(scid);
      void context.store.remove(purchaseKey(purchase)).catch((cause: unknown) => {
        context.emit('trouble', { scid, what: 'remove', cause });
      });
    };
    const started = actor(context, purchase, expired);
    actors.set(scid, started);
    started.begin();
  }

  const input = (scid: Scid, next: PurchaseInput) => void actors.get(scid)?.input(next);
  const all = () => [...actors.values()].map((each) => each.purchase());

  return {
    all,
    newScid() {
      for (let i = 0; i < SCID_TRIES_MAX; i++) {
        const scid = context.node.newScid();
        if (!actors.has(scid) && !reserved.has(scid)) return scid;
      }
      throw new NodeError('the node finds no free short channel id');
    },
    start,
    input,
    async sell(offer) {
      const { client } = offer;
      const unpaid = all().filter((purchase) => !purchase.paid);
      const under = selling.get(client) ?? 0;
      const ofClient = unpaid.filter((purchase) => purchase.offer.client === client).length + under;
      if (ofClient >= UNPAID_PER_CLIENT_MAX || unpaid.length >= UNPAID_MAX) throw new RpcFault('client_rejected');
      selling.set(client, under + 1);
      reserved.add(offer.scid);
      try {
        const purchase = purchased(offer);
        await context.store.put(purchaseKey(purchase), saveRecord(purchase));
        start(purchase);
      } finally {
        reserved.delete(offer.scid);
        const left = (selling.get(client) ?? 1) - 1;
        if (left > 0) selling.set(client, left);
        else selling.delete(client);
      }
    },
    part(part) {
      const found = actors.get(part.scid);
      if (!found) {
        // Not ours, or over: bLIP-52 section 4, after `valid_until`.
        void giveBack(context, { scid: part.scid, id: part.id, reason: 'unknown_next_peer' });
        return;
      }
      const { id, paymentHash, onionAmount, incomingAmount, incomingExpiryHeight } = part;
      const outgoingExpiryHeight = incomingExpiryHeight - found.purchase().offer.lspCltvExpiryDelta;
      const held = { id, amount: onionAmount, outgoingExpiryHeight };
      void found.input({ tag: 'partArrived', paymentHash, part: held, incomingAmount });
    },
    resolved({ id, scid, paymentHash, outcome }) {
      input(scid, { tag: RESOLVED[outcome], paymentHash, id });
    },
    ofClient(client, next) {
      for (const each of actors.values()) if (each.purchase().offer.client === client) void each.input(next);
    },
    every(next) {
      for (const each of actors.values()) void each.input(next);
    },
    async stop() {
      await Promise.all([...actors.values()].map((each) => each.stop()));
    },
  };
}
