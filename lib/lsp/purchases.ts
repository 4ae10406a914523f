import type { NodeId } from '../core/ids.ts';
import { saveRecord } from '../core/record.ts';
import type { Scid } from '../core/scid.ts';
import type { InterceptedPart } from '../ports/lspNode.ts';
import type { Offer } from '../session/data.ts';
import { isPaid, type Purchase, type PurchaseInput, purchased } from '../session/purchase.ts';
import { type Actor, actor, purchaseKey } from './actor.ts';
import type { Context } from './context.ts';
import { RpcFault } from './rpcFault.ts';

/** Unpaid purchases that one client may have; further buys are answered with error 1. */
export const UNPAID_PER_CLIENT_MAX = 20;

/** All purchases that live, and the way from what the node tells to the purchase it concerns. */
export interface Purchases {
  all(): readonly Purchase[];
  /** Starts a purchase that is already saved. */
  start(purchase: Purchase): void;
  /** Saves and starts a new one. @throws RpcFault at the client's limit. */
  sell(offer: Offer): Promise<void>;
  part(part: InterceptedPart): void;
  resolved(o: { readonly id: string; readonly outcome: 'settled' | 'failed' }): void;
  /** An input for the purchase of one scid; ignored when it is gone. */
  input(scid: Scid, input: PurchaseInput): void;
  ofClient(client: NodeId, input: PurchaseInput): void;
  every(input: PurchaseInput): void;
  stop(): Promise<void>;
}

export function purchases(context: Context): Purchases {
  const actors = new Map<Scid, Actor>();
  /** Which payment a part belongs to, from its arrival to its end. */
  const payments = new Map<string, Pick<InterceptedPart, 'scid' | 'paymentHash'>>();

  function start(purchase: Purchase): void {
    const { scid } = purchase.offer;
    const expired = () => {
      actors.delete(scid);
      void context.store.remove(purchaseKey(purchase)).catch((cause: unknown) => {
        context.emit('trouble', { scid, what: 'remove', cause });
      });
    };
    actors.set(scid, actor(context, purchase, expired));
  }

  const input = (scid: Scid, next: PurchaseInput) => void actors.get(scid)?.input(next);
  const all = () => [...actors.values()].map((each) => each.purchase());

  return {
    all,
    start,
    input,
    async sell(offer) {
      const unpaid = all().filter((purchase) => purchase.offer.client === offer.client && !isPaid(purchase));
      if (unpaid.length >= UNPAID_PER_CLIENT_MAX) throw new RpcFault('client_rejected');
      const purchase = purchased(offer);
      await context.store.put(purchaseKey(purchase), saveRecord(purchase));
      start(purchase);
    },
    part(part) {
      const found = actors.get(part.scid);
      if (!found) {
        // Not ours, or over: bLIP-52 section 4, after `valid_until`.
        context.node.fail(part.id, 'unknown_next_peer').catch(() => undefined);
        return;
      }
      payments.set(part.id, part);
      const { id, paymentHash, onionAmount, incomingAmount, incomingExpiryHeight } = part;
      const outgoingExpiryHeight = incomingExpiryHeight - found.purchase().offer.lspCltvExpiryDelta;
      const held = { id, amount: onionAmount, outgoingExpiryHeight };
      void found.input({ tag: 'partArrived', paymentHash, part: held, incomingAmount });
    },
    resolved({ id, outcome }) {
      const payment = payments.get(id);
      if (!payment) return;
      payments.delete(id);
      const tag = outcome === 'settled' ? 'partSettled' : 'partFailed';
      input(payment.scid, { tag, paymentHash: payment.paymentHash, id });
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
