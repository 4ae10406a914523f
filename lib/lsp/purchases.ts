import { NodeError, StoppedError } from '../core/errors.ts';
import type { NodeId } from '../core/ids.ts';
import { saveRecord } from '../core/record.ts';
import type { Scid } from '../core/scid.ts';
import type { InterceptedPart, KnownPart, PartResolved } from '../ports/lspNode.ts';
import type { Offer } from '../session/data.ts';
import {
  forwardedOf,
  heldOf,
  isUnderWay,
  type Purchase,
  type PurchaseInput,
  purchased,
  sessionsOf,
} from '../session/purchase.ts';
import { type Actor, actor, purchaseKey } from './actor.ts';
import type { Context } from './context.ts';
import { channelKey } from './effects.ts';
import { giveBack } from './giveBack.ts';
import { RpcFault } from './rpcFault.ts';
import { type Counts, tally } from './tally.ts';

/** Nodes draw scids at random, from a space that is small on a young chain. */
const SCID_TRIES_MAX = 1000;

const RESOLVED = { settled: 'partSettled', failed: 'partFailed', gone: 'partGone' } as const;

/** All purchases that live, and the way from what the node tells to the purchase it concerns. */
export interface Purchases {
  all(): readonly Purchase[];
  get(scid: Scid): Purchase | undefined;
  counts(client?: NodeId): Counts;
  /** A scid that no live purchase has. @throws when the node finds none. */
  newScid(): Scid;
  /** Takes up a purchase that is already saved. It stands still until `resume`. */
  load(purchase: Purchase): void;
  /** What the records say that the node should know of. */
  known(): { readonly parts: readonly KnownPart[]; readonly channels: readonly string[] };
  /** Goes on with all that was loaded. `held`: parts that the node holds. Resolves when each has done what it had to repeat. */
  resume(held: readonly string[]): Promise<void>;
  /** Saves and starts a new one. @throws RpcFault at the client's limit. */
  sell(offer: Offer): Promise<void>;
  part(part: InterceptedPart): void;
  /** @throws {@link StoppedError} when it could not be taken any more. */
  resolved(resolved: PartResolved): Promise<void>;
  /** An input for the purchase of one scid; ignored when it is gone. */
  input(scid: Scid, input: PurchaseInput): void;
  ofClient(client: NodeId, input: PurchaseInput): void;
  /** For those that have something under way. */
  every(input: PurchaseInput): void;
  stop(): Promise<void>;
}

export function purchases(context: Context): Purchases {
  const actors = new Map<Scid, Actor>();
  const clients = new Map<NodeId, Set<Actor>>();
  const { caps } = context.policy;
  const counted = tally();
  /** Buys that are being saved, so that many at once do not slip past the limits. */
  const selling = new Map<NodeId, number>();
  const reserved = new Set<Scid>();
  /** Parts that are queued and not counted yet: a burst must not slip past the caps. */
  const arriving = new Map<NodeId, number>();
  const arrivingTotal = () => [...arriving.values()].reduce((total, each) => total + each, 0);

  function load(purchase: Purchase): Actor {
    const { scid, client } = purchase.offer;
    const started = actor(context, purchase, {
      mayOpen: () => {
        if (purchase.offer.trust === 'client-trusts-lsp') return true;
        const [mine, total] = [counted.of(client).unpaidChannels, counted.total().unpaidChannels];
        return mine < caps.unpaidChannelsPerClient && total < caps.unpaidChannels;
      },
      changed: (before, after) => counted.change(client, before, after),
      expired: () => remove(started),
    });
    actors.set(scid, started);
    clients.set(client, (clients.get(client) ?? new Set()).add(started));
    counted.change(client, undefined, purchase);
    return started;
  }

  function remove(ended: Actor): void {
    const purchase = ended.purchase();
    const { scid, client } = purchase.offer;
    actors.delete(scid);
    const mine = clients.get(client);
    mine?.delete(ended);
    if (mine?.size === 0) clients.delete(client);
    counted.change(client, purchase, undefined);
    if (purchase.channel) context.node.forget(channelKey(scid, purchase.channel.attempt));
    context.emit('expired', { scid, client, paid: purchase.paid, feeSettled: purchase.feeSettled });
    void context.store.remove(purchaseKey(purchase)).catch((cause: unknown) => {
      context.emit('trouble', { scid, what: 'remove', cause });
    });
  }

  const all = () => [...actors.values()].map((each) => each.purchase());

  function checkCaps(client: NodeId): void {
    const under = selling.get(client) ?? 0;
    if (counted.of(client).unpaid + under >= caps.unpaidPerClient) throw new RpcFault('client_rejected');
    if (counted.total().unpaid + reserved.size >= caps.unpaid) throw new RpcFault('client_rejected');
  }

  return {
    all,
    get: (scid) => actors.get(scid)?.purchase(),
    counts: (client) => (client === undefined ? counted.total() : counted.of(client)),
    newScid() {
      for (let i = 0; i < SCID_TRIES_MAX; i++) {
        const scid = context.node.newScid();
        if (!actors.has(scid) && !reserved.has(scid)) return scid;
      }
      throw new NodeError('the node finds no free short channel id');
    },
    load: (purchase) => void load(purchase),
    known: () => ({
      parts: all().flatMap(partsOf),
      channels: all().flatMap(({ offer, channel }) => (channel ? [channelKey(offer.scid, channel.attempt)] : [])),
    }),
    async resume(held) {
      const here = new Set(held);
      const resuming: Promise<boolean>[] = [];
      for (const each of actors.values()) {
        const purchase = each.purchase();
        if (!isUnderWay(purchase)) {
          each.begin();
          continue;
        }
        const { scid, client } = purchase.offer;
        context.emit('resumed', { scid, client, payments: sessionsOf(purchase).length });
        const mine = partsOf(purchase).flatMap(({ id }) => (here.has(id) ? [id] : []));
        resuming.push(each.resume(mine));
      }
      await Promise.all(resuming);
    },
    input: (scid, next) => void actors.get(scid)?.input(next),
    async sell(offer) {
      const { client } = offer;
      checkCaps(client);
      selling.set(client, (selling.get(client) ?? 0) + 1);
      reserved.add(offer.scid);
      try {
        const purchase = purchased(offer);
        await context.store.put(purchaseKey(purchase), saveRecord(purchase));
        load(purchase).begin();
      } finally {
        reserved.delete(offer.scid);
        const left = (selling.get(client) ?? 1) - 1;
        if (left > 0) selling.set(client, left);
        else selling.delete(client);
      }
    },
    part(part) {
      const { id, scid, paymentHash, onionAmount, incomingAmount, incomingExpiryHeight } = part;
      if (context.givingBack.has(id)) return;
      const found = actors.get(scid);
      // Not ours, or over: bLIP-52 section 4, after `valid_until`.
      if (!found) return void giveBack(context, { scid, id, reason: 'unknown_next_peer' });
      const { client, lspCltvExpiryDelta } = found.purchase().offer;
      const mine = arriving.get(client) ?? 0;
      const known = partsOf(found.purchase()).some((each) => each.id === id);
      const full =
        counted.total().heldParts + arrivingTotal() >= caps.heldParts ||
        counted.of(client).heldParts + mine >= caps.heldPartsPerClient;
      if (full && !known) return void giveBack(context, { scid, id, reason: 'temporary_channel_failure' });
      const outgoingExpiryHeight = incomingExpiryHeight - lspCltvExpiryDelta;
      const held = { id, amount: onionAmount, outgoingExpiryHeight };
      arriving.set(client, mine + 1);
      void found.input({ tag: 'partArrived', paymentHash, part: held, incomingAmount }).then(() => {
        const left = (arriving.get(client) ?? 1) - 1;
        if (left > 0) arriving.set(client, left);
        else arriving.delete(client);
      });
    },
    async resolved({ id, scid, paymentHash, outcome }) {
      const found = actors.get(scid);
      if (!found) return;
      if (!(await found.input({ tag: RESOLVED[outcome], paymentHash, id }))) throw new StoppedError();
    },
    ofClient(client, next) {
      for (const each of clients.get(client) ?? []) void each.input(next);
    },
    every(next) {
      for (const each of actors.values()) if (isUnderWay(each.purchase())) void each.input(next);
    },
    async stop() {
      await Promise.all([...actors.values()].map((each) => each.stop()));
    },
  };
}

/** The parts of a purchase that its node should know: held ones, and those on their way. */
const partsOf = ({ offer, sessions }: Purchase): readonly KnownPart[] =>
  sessionsOf({ sessions }).flatMap(([paymentHash, state]) => {
    const pending = forwardedOf(state).filter(({ outcome }) => outcome === 'pending');
    return [...heldOf(state), ...pending].map(({ id }) => ({ id, scid: offer.scid, paymentHash }));
  });
