import { type Msat, msat } from '../core/amount.ts';
import type { ChannelId, PaymentHash, Txid } from '../core/ids.ts';
import type { Channel, ChannelEffect, Forwarded, Limits, Offer, Part, PartEffect, Rules, State } from './data.ts';

// A purchase and the sessions that try to get it paid: the record that is saved, and the questions asked of it.

/** One successful `lsps2.buy`. */
export interface Purchase {
  /** The form of this record; what is saved under an older one is read and brought up to it. */
  readonly version: 1;
  readonly offer: Offer;
  readonly channel: Channel | undefined;
  /** What the client paid of the opening fee. It never falls, and never exceeds it (L3). */
  readonly feeSettled: Msat;
  /** How many channels were tried, one after the other. */
  readonly openAttempts: number;
  /** Attempts that were given up and whose coins the node has not freed yet (L6). */
  readonly releasing: readonly number[];
  /** How many of them the client refused. */
  readonly refusals: number;
  /** The client took a payment and its whole fee is settled: from now on the scid is an alias. */
  readonly paid: boolean;
  /** A client took parts of this purchase without its fee: from now on nothing travels beyond what bears it. */
  readonly underpaid: boolean;
  /** The channel was broadcast and is gone: there will be no second one (L1). */
  readonly over: boolean;
  /** Sessions that have not ended, by payment hash. */
  readonly sessions: Readonly<Record<PaymentHash, State>>;
}

/** What happens to a purchase. Inputs without a payment hash concern its channel, its client, or all its sessions. */
export type PurchaseInput =
  | {
      readonly tag: 'partArrived';
      readonly paymentHash: PaymentHash;
      readonly part: Part;
      /** What really came in with the HTLC. */
      readonly incomingAmount: Msat;
    }
  | { readonly tag: 'partSettled' | 'partFailed'; readonly paymentHash: PaymentHash; readonly id: string }
  | { readonly tag: 'partGone'; readonly paymentHash: PaymentHash; readonly id: string }
  | { readonly tag: 'clientConnected' | 'clientDisconnected' | 'blockConnected' | 'timePassed' }
  | { readonly tag: 'resumed'; readonly held: readonly string[] }
  /** The node has given up the channel of this attempt, and freed its coins. */
  | { readonly tag: 'channelReleased'; readonly attempt: number }
  | ChannelNews;

/** What became of a channel. `attempt` says of which: news of one that was given up is not news of the next. */
export type ChannelNews = { readonly attempt: number } & (
  | { readonly tag: 'channelAccepted'; readonly limits: Limits }
  | { readonly tag: 'channelFunded'; readonly channelId: ChannelId; readonly fundingTxid: Txid }
  | { readonly tag: 'channelReady'; readonly channelId: ChannelId }
  | { readonly tag: 'channelRefused' | 'channelFailed' | 'fundingBroadcast' }
);

/** The world as the runtime sees it when the input is handled. */
export interface World {
  readonly now: number;
  readonly height: number;
  readonly clientConnected: boolean;
  /** Whether the operator's caps allow another channel. */
  readonly mayOpen: boolean;
  readonly rules: Rules;
}

/** An effect, with the payment that it is for, or the channel of the purchase that it is done with. */
export type Order =
  | (PartEffect & { readonly paymentHash: PaymentHash })
  | (ChannelEffect & { readonly attempt: number });

export interface Ended {
  readonly paymentHash: PaymentHash;
  readonly state: Extract<State, { readonly tag: 'succeeded' | 'failed' | 'abandoned' }>;
}

export interface Result {
  readonly purchase: Purchase;
  /** To be done in this order, after the purchase is saved. */
  readonly orders: readonly Order[];
  readonly ended: readonly Ended[];
  /** Whether the table had no use for the input. */
  readonly odd: boolean;
}

export const purchased = (offer: Offer): Purchase => ({
  version: 1,
  offer,
  channel: undefined,
  feeSettled: msat(0n),
  openAttempts: 0,
  releasing: [],
  refusals: 0,
  paid: false,
  underpaid: false,
  over: false,
  sessions: {},
});

export const sessionsOf = (purchase: Pick<Purchase, 'sessions'>): readonly (readonly [PaymentHash, State])[] =>
  Object.entries(purchase.sessions) as [PaymentHash, State][];

/** Whether something is still to be done: payments, a broadcast, coins to be freed, a channel to be closed. */
export function isUnderWay(purchase: Purchase): boolean {
  const { channel, releasing } = purchase;
  if (sessionsOf(purchase).length > 0 || releasing.length > 0 || channel?.broadcast === 'ordered') return true;
  return channel?.closing === true && channel.stage !== 'closed';
}

const OWNING = new Set<State['tag']>(['awaitingChannel', 'awaitingSettlement', 'broadcasting']);

/** The session that opens or uses the channel; there is never more than one (L1). */
export function ownerOf({ sessions }: Pick<Purchase, 'sessions'>): PaymentHash | undefined {
  for (const hash in sessions) {
    const state = sessions[hash as PaymentHash];
    if (state && OWNING.has(state.tag)) return hash as PaymentHash;
  }
  return undefined;
}

/** The forwarded parts of a session; none before it forwards. */
export const forwardedOf = (state: State | undefined): readonly Forwarded[] =>
  state?.tag === 'awaitingSettlement' || state?.tag === 'broadcasting' ? state.forwarded : NONE;

const NONE: readonly never[] = [];

/** Whether some session holds or forwards this part already: a node may tell of it again. */
export const isKnownPart = (purchase: Purchase, id: string): boolean =>
  sessionsOf(purchase).some(
    ([, state]) => heldOf(state).some((part) => part.id === id) || forwardedOf(state).some((part) => part.id === id),
  );

/** The parts that a session holds. */
export function heldOf(state: State): readonly Part[] {
  switch (state.tag) {
    case 'collecting':
      return state.parts;
    case 'awaitingChannel':
      return state.late.length === 0 ? state.parts : [...state.parts, ...state.late];
    case 'awaitingSettlement':
    case 'broadcasting':
      return state.late;
    case 'succeeded':
    case 'failed':
    case 'abandoned':
      return NONE;
  }
}

/** What of the fee is settled, or on its way with a part (other than `except`). */
export function feeTaken({ feeSettled, sessions }: Purchase, except?: string): Msat {
  let taken: bigint = feeSettled;
  // Every step asks this: plain loops.
  for (const hash in sessions) {
    for (const { outcome, id, extraFee } of forwardedOf(sessions[hash as PaymentHash])) {
      if (outcome === 'pending' && id !== except) taken += extraFee;
    }
  }
  return msat(taken);
}

type WithLate = Extract<State, { readonly late: readonly Part[] }>;

const lateDeadline = (offer: Offer, rules: Rules, { late, lateSince }: WithLate): number | undefined =>
  late.length === 0 ? undefined : Math.min(lateSince + rules.collectSeconds, offer.validUntil);

/** When a session next needs to hear of the time, Unix seconds; undefined when it waits for nothing of the kind. */
export function deadlineOf(offer: Offer, rules: Rules, state: State): number | undefined {
  switch (state.tag) {
    case 'collecting':
      return Math.min(state.since + rules.collectSeconds, offer.validUntil);
    case 'awaitingChannel':
      return Math.min(state.deadline, lateDeadline(offer, rules, state) ?? Number.POSITIVE_INFINITY);
    case 'awaitingSettlement':
    case 'broadcasting':
      return lateDeadline(offer, rules, state);
    case 'succeeded':
    case 'failed':
    case 'abandoned':
      return undefined;
  }
}

/** The earliest deadline of all sessions. */
export function nextDeadline(purchase: Purchase, rules: Rules): number | undefined {
  const all = sessionsOf(purchase).flatMap(([, state]) => deadlineOf(purchase.offer, rules, state) ?? []);
  return all.length === 0 ? undefined : Math.min(...all);
}
