import { type Msat, msat } from '../../lib/core/amount.ts';
import type { ChannelId, NodeId, PaymentHash, Txid } from '../../lib/core/ids.ts';
import { saveRecord } from '../../lib/core/record.ts';
import { scid } from '../../lib/core/scid.ts';
import { DEFAULT_RULES } from '../../lib/lsp/policy.ts';
import type { Trust } from '../../lib/protocol/lsps2/messages.ts';
import type { Offer, Rules } from '../../lib/session/data.ts';
import {
  forwardedOf,
  heldOf,
  type Order,
  ownerOf,
  type Purchase,
  type PurchaseInput,
  purchased,
  sessionsOf,
} from '../../lib/session/purchase.ts';
import { step } from '../../lib/session/step.ts';

// A purchase with the world around it, small enough to be walked to its end: three payers' parts, a client that comes and
// goes, a node that answers, a clock and a height that each pass one threshold.

const SIZE = msat(100_000n);
const FEE = msat(1_000n);
const HALF = msat(50_000n);
const [A, B] = ['aa', 'bb'].map((byte) => byte.repeat(32) as PaymentHash) as [PaymentHash, PaymentHash];

/** The times that matter: the beginning, the end of collecting, the end of the offer. */
const TIMES = [0, 90, 300] as const;
/** The heights that matter: room for everybody, and for nobody. */
const HEIGHTS = [100, 130] as const;
const EXPIRY = 140;

const RULES: Rules = { ...DEFAULT_RULES, refusalsMax: 2 };

interface PartSpec {
  readonly id: string;
  readonly hash: PaymentHash;
  readonly amount: Msat;
}

/** Two parts of one payment, either of which may come first, last or late, and the whole of another payment. */
const PARTS: readonly PartSpec[] = [
  { id: 'a1', hash: A, amount: SIZE },
  { id: 'a2', hash: A, amount: HALF },
  { id: 'b1', hash: B, amount: SIZE },
];

type Answer = 'held' | 'failed' | 'forwarded' | 'settled' | 'refused' | 'gone';

export interface World {
  readonly purchase: Purchase;
  readonly connected: boolean;
  readonly time: number;
  readonly height: number;
  readonly answers: Readonly<Record<string, Answer>>;
  /** What the node was asked for the channel of each attempt. */
  readonly asked: Readonly<Record<number, 'opened' | 'funded' | 'broadcast' | 'abandoned'>>;
  readonly done: readonly number[];
}

export const start = (trust: Trust): World => {
  const offer: Offer = {
    scid: scid(1n),
    client: `02${'11'.repeat(32)}` as NodeId,
    trust,
    paymentSize: SIZE,
    maxPaymentSize: msat(10n * SIZE),
    openingFee: FEE,
    validUntil: TIMES[2],
    maxClientToSelfDelayBlocks: 2016,
    minLifetimeBlocks: 0,
    lspCltvExpiryDelta: 144,
  };
  return { purchase: purchased(offer), connected: true, time: 0, height: 0, answers: {}, asked: {}, done: [] };
};

/** Everything that may happen next. */
export function inputs(world: World): readonly PurchaseInput[] {
  const { purchase, answers, asked } = world;
  const { channel } = purchase;
  const all: PurchaseInput[] = [];
  for (const { id, hash, amount } of PARTS) {
    const answer = answers[id];
    const part = { id, amount, outgoingExpiryHeight: EXPIRY };
    if (answer === undefined) all.push({ tag: 'partArrived', paymentHash: hash, part, incomingAmount: amount });
    if (answer === 'held') all.push({ tag: 'partGone', paymentHash: hash, id });
    if (answer === 'forwarded') {
      all.push({ tag: 'partSettled', paymentHash: hash, id }, { tag: 'partFailed', paymentHash: hash, id });
    }
  }
  all.push({ tag: world.connected ? 'clientDisconnected' : 'clientConnected' });
  if (world.time < TIMES.length - 1) all.push({ tag: 'timePassed' });
  if (world.height < HEIGHTS.length - 1) all.push({ tag: 'blockConnected' });
  if (!channel) return all;
  const { attempt } = channel;
  const ids = { channelId: 'cc'.repeat(32) as ChannelId, fundingTxid: 'dd'.repeat(32) as Txid };
  if (channel.stage === 'opening' && asked[attempt] === 'opened') {
    const limits = { sendable: msat(10n ** 9n), htlcMinimum: msat(1n), toSelfDelayBlocks: 144, minimumDepth: 0 };
    all.push({ tag: 'channelAccepted', attempt, limits }, { tag: 'channelRefused', attempt });
  }
  if (asked[attempt] === 'funded' && channel.fundingTxid === undefined)
    all.push({ tag: 'channelFunded', attempt, ...ids });
  if (channel.fundingTxid !== undefined && channel.stage !== 'ready') {
    all.push({ tag: 'channelReady', attempt, channelId: ids.channelId });
  }
  if (asked[attempt] === 'broadcast' && !world.done.includes(attempt)) all.push({ tag: 'fundingBroadcast', attempt });
  if (channel.stage !== 'closed') all.push({ tag: 'channelFailed', attempt });
  return all;
}

/** One input handled, and its orders carried out. Throws where a money rule breaks. */
export function next(world: World, input: PurchaseInput): World {
  const time = input.tag === 'timePassed' ? world.time + 1 : world.time;
  const height = input.tag === 'blockConnected' ? world.height + 1 : world.height;
  const connected =
    input.tag === 'clientConnected' ? true : input.tag === 'clientDisconnected' ? false : world.connected;
  const before = { ...world, time, height, connected, answers: withInput(world.answers, input) };
  const result = step(world.purchase, input, {
    now: TIMES[time] ?? 0,
    height: HEIGHTS[height] ?? 0,
    clientConnected: connected,
    rules: RULES,
  });
  const done = input.tag === 'fundingBroadcast' ? [...world.done, input.attempt] : world.done;
  const after = result.orders.reduce((w, order) => carryOut(w, order), { ...before, done, purchase: result.purchase });
  checkAlways(after);
  return after;
}

function withInput(answers: World['answers'], input: PurchaseInput): World['answers'] {
  if (input.tag === 'partArrived') return { ...answers, [input.part.id]: 'held' };
  if (input.tag === 'partSettled') return { ...answers, [input.id]: 'settled' };
  if (input.tag === 'partFailed') return { ...answers, [input.id]: 'refused' };
  if (input.tag === 'partGone') return { ...answers, [input.id]: 'gone' };
  return answers;
}

function rule(holds: boolean, name: string, world: World): void {
  if (!holds) throw new Error(`${name} is broken: ${saveRecord(world)}`);
}

function carryOut(world: World, order: Order): World {
  const { purchase, answers, asked } = world;
  const { attempt } = order;
  const ask = (what: World['asked'][number]): World => ({ ...world, asked: { ...asked, [attempt]: what } });
  const answer = (id: string, what: Answer): World => {
    rule(answers[id] === 'held', 'L2: one answer for each part', world);
    return { ...world, answers: { ...answers, [id]: what } };
  };
  switch (order.tag) {
    case 'wakeClient':
      return world;
    case 'openChannel':
      rule(asked[attempt] === undefined, 'L1: one open for each attempt', world);
      rule(!Object.values(asked).includes('broadcast'), 'L1: no second channel once one may be out', world);
      rule(
        Object.entries(asked).every(([, what]) => what === 'abandoned'),
        'L1: the channel before is given up',
        world,
      );
      return ask('opened');
    case 'fundChannel':
      rule(asked[attempt] === 'opened', 'L1: funded once, after it was opened', world);
      return ask('funded');
    case 'broadcastFunding': {
      rule(asked[attempt] === 'funded', 'L5: broadcast once, after it was funded', world);
      const settled = Object.values(answers).includes('settled');
      rule(purchase.offer.trust === 'lsp-trusts-client' || settled, 'L5: no broadcast before a preimage', world);
      rule(purchase.channel?.broadcast === 'ordered', 'L7: the intent is saved first', world);
      return ask('broadcast');
    }
    case 'abandonChannel':
      rule(asked[attempt] !== 'broadcast', 'L6: nothing that may be out is given up', world);
      return ask('abandoned');
    case 'forwardPart': {
      const spec = PARTS.find(({ id }) => id === order.id);
      rule(order.amount + order.extraFee === spec?.amount, 'L8: forwarded and fee are what came in', world);
      const minimum = purchase.channel?.htlcMinimum ?? 1n;
      rule(order.amount >= minimum, 'L4: at least the minimum', world);
      rule(
        purchase.channel?.stage === 'ready' || purchase.channel?.stage === 'closed',
        'L4: both sides are ready',
        world,
      );
      const out = purchase.offer.trust === 'client-trusts-lsp' || purchase.channel?.broadcast === 'done';
      rule(out, 'L5: broadcast before the first forward', world);
      return answer(order.id, 'forwarded');
    }
    case 'failPart':
      return answer(order.id, 'failed');
  }
}

function checkAlways(world: World): void {
  const { purchase, answers, asked } = world;
  const sessions = sessionsOf(purchase);
  const pending = sessions.flatMap(([, state]) => forwardedOf(state)).filter((part) => part.outcome === 'pending');
  const underway = pending.reduce((total, part) => total + part.extraFee, 0n);
  rule(purchase.feeSettled + underway <= FEE, 'L3: never more than the fee', world);
  const owners = sessions.filter(([, { tag }]) => tag !== 'collecting');
  rule(owners.length <= 1 && (ownerOf(purchase) !== undefined) === (owners.length === 1), 'L1: one owner', world);
  const held = new Set(sessions.flatMap(([, state]) => heldOf(state).map(({ id }) => id)));
  for (const [id, what] of Object.entries(answers)) {
    rule((what === 'held') === held.has(id), `L2: nobody forgets ${id}`, world);
  }
  const live = Object.values(asked).filter((what) => what !== 'abandoned');
  rule(live.length <= 1, 'L1: one channel at a time', world);
  // L6: what was funded and is not wanted any more was given up.
  const owned = ownerOf(purchase) !== undefined || purchase.channel?.broadcast !== 'no';
  rule(owned, 'L6: a channel that nobody waits for is given up', world);
  const wanted = purchase.channel !== undefined;
  rule(wanted || live.length === 0, 'L6: nothing is left behind', world);
}
