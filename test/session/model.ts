import { type Msat, msat } from '../../lib/core/amount.ts';
import type { ChannelId, NodeId, PaymentHash, Txid } from '../../lib/core/ids.ts';
import { saveRecord } from '../../lib/core/record.ts';
import { scid } from '../../lib/core/scid.ts';
import { DEFAULT_RULES } from '../../lib/lsp/policy.ts';
import { openingFee } from '../../lib/protocol/lsps2/openingFee.ts';
import type { Trust } from '../../lib/protocol/lsps2/messages.ts';
import type { Offer, Rules } from '../../lib/session/data.ts';
import {
  forwardedOf,
  heldOf,
  isKnownPart,
  nextDeadline,
  type Order,
  ownerOf,
  type Purchase,
  type PurchaseInput,
  purchased,
  sessionsOf,
} from '../../lib/session/purchase.ts';
import { step } from '../../lib/session/step.ts';

// A purchase with the world around it, small enough to be walked to its end: three parts over two incoming channels, a client
// that comes and goes, a node that answers, a clock and a height that each pass their thresholds, and an LSP that crashes
// before a save, after it, and between any two effects.

const SIZE = msat(100_000n);
const HALF = msat(50_000n);
const RATE = { minFee: msat(100n), proportionalPpm: 10_000 };
const feeOf = (amount: Msat): Msat => openingFee(RATE, amount) ?? msat(0n);
const [A, B] = ['aa', 'bb'].map((byte) => byte.repeat(32) as PaymentHash) as [PaymentHash, PaymentHash];

/** The times that matter: the beginning; past the end of collecting and of every step of an open; the end of the offer. */
const TIMES = [0, 290, 300] as const;
/** The heights that matter: room for everybody, and no more for those that expire early. */
const HEIGHTS = [100, 130] as const;
const EARLY = 140;
const LATE = 160;

const RULES: Rules = { ...DEFAULT_RULES, refusalsMax: 1 };

interface PartSpec {
  /** Incoming channel and number in it: both channels begin at 0. */
  readonly id: string;
  readonly hash: PaymentHash;
  readonly amount: Msat;
  readonly expiry: number;
}

/** What is sold, and the parts that come for it. */
interface Scenario {
  readonly paymentSize: Msat | undefined;
  readonly parts: readonly PartSpec[];
  /** The part that its node may give back by itself; it may be any, and one is enough to see what comes of it. */
  readonly going?: string;
}

export const SCENARIO_NAMES = ['a set and a rival', 'three halves', 'a variable amount'] as const;
export type ScenarioName = (typeof SCENARIO_NAMES)[number];

const SCENARIOS: Readonly<Record<ScenarioName, Scenario>> = {
  /** Either of two parts may come first, last or late, and the whole of another payment. */
  'a set and a rival': {
    paymentSize: SIZE,
    going: 'c0/0',
    parts: [
      { id: 'c0/0', hash: A, amount: SIZE, expiry: EARLY },
      { id: 'c1/0', hash: A, amount: HALF, expiry: LATE },
      { id: 'c0/1', hash: B, amount: SIZE, expiry: EARLY },
    ],
  },
  /** Two make a set; the third is late, or takes the place of one that failed. */
  'three halves': {
    paymentSize: SIZE,
    parts: [
      { id: 'c0/0', hash: A, amount: HALF, expiry: LATE },
      { id: 'c1/0', hash: A, amount: HALF, expiry: LATE },
      { id: 'c0/1', hash: A, amount: HALF, expiry: EARLY },
    ],
  },
  /** The first is the payment; the second waits for it; the third is another payment. */
  'a variable amount': {
    paymentSize: undefined,
    going: 'c0/0',
    parts: [
      { id: 'c0/0', hash: A, amount: SIZE, expiry: EARLY },
      { id: 'c1/0', hash: A, amount: HALF, expiry: LATE },
      { id: 'c0/1', hash: B, amount: HALF, expiry: EARLY },
    ],
  },
};

type Answer = 'held' | 'failed' | 'forwarded' | 'settled' | 'refused' | 'gone';

export interface World {
  readonly scenario: ScenarioName;
  /** What the LSP remembers: every step is saved before its effects. */
  readonly purchase: Purchase;
  readonly connected: boolean;
  readonly time: number;
  readonly height: number;
  /** What became of each part, at the node. */
  readonly answers: Readonly<Record<string, Answer>>;
  /** What the node was asked for the channel of each attempt. */
  readonly asked: Readonly<Record<number, 'opened' | 'funded' | 'broadcast' | 'abandoned'>>;
  /** Parts of which the LSP, by a crash, does not know what the node knows: the node tells of them again. */
  readonly untold: readonly string[];
}

/**
 * An input, and where the LSP crashes over it: before the save, or after so many of its effects. It resumes at once; when it
 * crashes over that again, so many of the effects of resuming were done.
 */
export interface Move {
  readonly input: PurchaseInput;
  readonly crash?: 'unsaved' | number;
  readonly again?: number;
  /** What happened while it was down, besides the client being gone; or just before the input, without a crash. */
  readonly meanwhile?: 'the client came back' | 'and a block came' | 'a block came';
}

export const start = (scenario: ScenarioName, trust: Trust): World => {
  const { paymentSize } = SCENARIOS[scenario];
  const offer: Offer = {
    scid: scid(1n),
    client: `02${'11'.repeat(32)}` as NodeId,
    trust,
    paymentSize,
    openingFee: paymentSize && feeOf(paymentSize),
    minPaymentSize: msat(10_000n),
    maxPaymentSize: msat(10n * SIZE),
    ...RATE,
    validUntil: TIMES[2],
    maxClientToSelfDelayBlocks: 2016,
    minLifetimeBlocks: 0,
    lspCltvExpiryDelta: 144,
  };
  const world = { connected: true, time: 0, height: 0, answers: {}, asked: {}, untold: [] };
  return { scenario, purchase: purchased(offer), ...world };
};

/** Everything that may happen next, the LSP living on. */
export const moves = (world: World): readonly Move[] =>
  inputs(world).flatMap((input): readonly Move[] =>
    // A node knows its new height before it tells of the block.
    input.tag === 'channelFunded' ? [{ input }, { input, meanwhile: 'a block came' }] : [{ input }],
  );

/** The same, the LSP crashing over it, and perhaps once more over resuming. */
export function crashes(world: World): readonly Move[] {
  const all: Move[] = [];
  for (const input of inputs(world)) {
    const effects = stepOf(world, input).orders.length;
    all.push({ input, crash: 'unsaved' });
    for (let crash = 0; crash <= effects; crash++) all.push({ input, crash });
    all.push({ input, crash: effects, again: 1 });
    all.push(
      { input, crash: 0, meanwhile: 'the client came back' },
      { input, crash: 0, meanwhile: 'and a block came' },
    );
    all.push({ input, crash: 'unsaved', meanwhile: 'the client came back' });
  }
  return all;
}

/** The node says what it holds. */
const resumed = ({ answers }: World): PurchaseInput => ({
  tag: 'resumed',
  held: Object.entries(answers).flatMap(([id, answer]) => (answer === 'held' ? [id] : [])),
});

function inputs(world: World): readonly PurchaseInput[] {
  const { purchase, answers, asked } = world;
  // The node answers at once: several channels on their way out tell nothing that one does not.
  const [attempt0] = purchase.releasing;
  if (attempt0 !== undefined) return [{ tag: 'channelReleased', attempt: attempt0 }];
  const all: PurchaseInput[] = [];
  const { parts, going } = SCENARIOS[world.scenario];
  for (const { id, hash: paymentHash, amount, expiry } of parts) {
    const answer = answers[id];
    const part = { id, amount, outgoingExpiryHeight: expiry };
    if (answer === undefined || (answer === 'held' && world.untold.includes(id))) {
      all.push({ tag: 'partArrived', paymentHash, part, incomingAmount: amount });
    } else if (answer === 'held' && id === going) all.push({ tag: 'partGone', paymentHash, id });
    const pending = isKnownPart(purchase, id) && !heldIds(purchase).has(id);
    if (answer === 'forwarded' || (answer === 'settled' && pending)) all.push({ tag: 'partSettled', paymentHash, id });
    if (answer === 'forwarded' || (answer === 'refused' && pending)) all.push({ tag: 'partFailed', paymentHash, id });
    if (answer === 'gone' && isKnownPart(purchase, id)) all.push({ tag: 'partGone', paymentHash, id });
  }
  all.push({ tag: world.connected ? 'clientDisconnected' : 'clientConnected' });
  if (world.time < TIMES.length - 1) all.push({ tag: 'timePassed' });
  if (world.height < HEIGHTS.length - 1) all.push({ tag: 'blockConnected' });
  const { channel } = purchase;
  if (!channel) return all;
  const { attempt } = channel;
  const ids = { channelId: 'cc'.repeat(32) as ChannelId, fundingTxid: 'dd'.repeat(32) as Txid };
  if (channel.stage === 'opening' && asked[attempt] === 'opened') {
    const limits = { sendable: msat(10n ** 9n), htlcMinimum: msat(1n), toSelfDelayBlocks: 144, minimumDepth: 0 };
    const unfit = { ...limits, toSelfDelayBlocks: 2017 };
    all.push({ tag: 'channelAccepted', attempt, limits }, { tag: 'channelAccepted', attempt, limits: unfit });
    all.push({ tag: 'channelRefused', attempt });
  }
  if (asked[attempt] === 'funded' && channel.fundingTxid === undefined)
    all.push({ tag: 'channelFunded', attempt, ...ids });
  // Nodes tell these two in any order.
  if ((channel.fundingTxid !== undefined || asked[attempt] === 'funded') && channel.stage !== 'ready') {
    all.push({ tag: 'channelReady', attempt, channelId: ids.channelId });
  }
  if (asked[attempt] === 'broadcast' && channel.broadcast === 'ordered') all.push({ tag: 'fundingBroadcast', attempt });
  if (channel.stage !== 'closed') all.push({ tag: 'channelFailed', attempt });
  return all;
}

/**
 * What tells two worlds apart. Attempts are counted from the last one, and those that are over are left out: what may still
 * happen does not depend on how many there were. So there may be any number of crashes, and yet the walk has an end.
 */
export function keyOf(world: World): string {
  const { purchase, asked, connected, time, height, answers, untold } = world;
  const { openAttempts, channel, releasing, feeSettled, refusals, paid, underpaid, over, sessions } = purchase;
  const age = (attempt: number) => openAttempts - attempt;
  const live = Object.entries(asked).filter(([attempt, what]) => what !== 'abandoned' || releasing.includes(+attempt));
  return saveRecord([
    [connected, time, height, answers, untold],
    [feeSettled, refusals, paid, underpaid, over, sessions],
    channel && { ...channel, attempt: age(channel.attempt) },
    releasing.map(age),
    live.map(([attempt, what]) => [age(+attempt), what]),
  ]);
}

const heldIds = (purchase: Purchase): ReadonlySet<string> =>
  new Set(sessionsOf(purchase).flatMap(([, state]) => heldOf(state).map(({ id }) => id)));

function stepOf(world: World, input: PurchaseInput) {
  const { time, height, connected } = happened(world, input);
  const now = TIMES[time] ?? 0;
  return step(world.purchase, input, {
    now,
    height: HEIGHTS[height] ?? 0,
    clientConnected: connected,
    mayOpen: true,
    rules: RULES,
  });
}

/** One input handled, and its orders carried out, as far as the LSP gets. Throws where a money rule breaks. */
export function next(world: World, { input, crash, again, meanwhile }: Move): World {
  const now = crash === undefined ? passed(world, meanwhile) : world;
  const after = crash === 'unsaved' ? happened(now, input) : handled(now, input, crash);
  if (crash === undefined) return checked(after);
  const down = passed(crashed(after), meanwhile);
  const back = again === undefined ? down : crashed(handled(down, resumed(down), again));
  return checked(handled(back, resumed(back)));
}

function passed(world: World, meanwhile: Move['meanwhile']): World {
  if (meanwhile === undefined) return world;
  const height = meanwhile === 'the client came back' ? world.height : HEIGHTS.length - 1;
  return { ...world, connected: world.connected || meanwhile !== 'a block came', height };
}

/** An input handled, and its orders carried out: all of them, or only so many. */
function handled(world: World, input: PurchaseInput, effects?: number): World {
  const { purchase, orders } = stepOf(world, input);
  return orders.slice(0, effects).reduce((w, order) => carryOut(w, order), { ...happened(world, input), purchase });
}

/** What the input says happened, whether or not the LSP lives to hear of it. */
function happened(world: World, input: PurchaseInput): World {
  const { tag } = input;
  return {
    ...world,
    time: tag === 'timePassed' ? world.time + 1 : world.time,
    height: tag === 'blockConnected' ? world.height + 1 : world.height,
    connected: tag === 'clientConnected' || (tag !== 'clientDisconnected' && world.connected),
    answers: withInput(world.answers, input),
    untold: world.untold.filter((id) => id !== (tag === 'partArrived' ? input.part.id : 'id' in input && input.id)),
  };
}

/** What the LSP did not save it has forgotten; its node tells it again of every part, and the client has to come back. */
function crashed(world: World): World {
  const held = heldIds(world.purchase);
  const forgotten = Object.entries(world.answers).flatMap(([id, answer]) =>
    (answer === 'held' && !isKnownPart(world.purchase, id)) || (answer === 'gone' && held.has(id)) ? [id] : [],
  );
  return { ...world, connected: false, untold: forgotten };
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
  const ask = (attempt: number, what: World['asked'][number]): World => {
    return { ...world, asked: { ...asked, [attempt]: what } };
  };
  const answer = (id: string, what: Answer): World => {
    // Gone over a crash, and not told of yet: the node answered it, and does nothing more.
    if (answers[id] === 'gone') return world;
    rule(answers[id] === 'held', 'L2: one answer for each part', world);
    return { ...world, answers: { ...answers, [id]: what } };
  };
  switch (order.tag) {
    case 'wakeClient':
      return world;
    case 'openChannel': {
      const { attempt } = order;
      rule(asked[attempt] === undefined, 'L1: one open for each attempt', world);
      rule(!Object.values(asked).includes('broadcast'), 'L1: no second channel once one may be out', world);
      const others = Object.values(asked).every((what) => what === 'abandoned');
      rule(others, 'L1: the channel before is given up', world);
      return ask(attempt, 'opened');
    }
    case 'fundChannel':
      rule(asked[order.attempt] === 'opened', 'L1: funded once, after it was opened', world);
      return ask(order.attempt, 'funded');
    case 'broadcastFunding': {
      // Repeating it does no harm: it is the same transaction.
      const { attempt } = order;
      rule(asked[attempt] === 'funded' || asked[attempt] === 'broadcast', 'L5: broadcast after it was funded', world);
      const settled = Object.values(answers).includes('settled');
      rule(purchase.offer.trust === 'lsp-trusts-client' || settled, 'L5: no broadcast before a preimage', world);
      rule(purchase.channel?.broadcast === 'ordered', 'L7: the intent is saved first', world);
      return ask(attempt, 'broadcast');
    }
    case 'abandonChannel':
      rule(asked[order.attempt] !== 'broadcast', 'L6: nothing that may be out is given up', world);
      rule(
        purchase.releasing.includes(order.attempt),
        'L7: what is given up is remembered until its coins are free',
        world,
      );
      return ask(order.attempt, 'abandoned');
    case 'closeChannel':
      rule(asked[order.attempt] === 'broadcast', 'L6: what was never out is not closed but given up', world);
      rule(!purchase.paid, 'min_lifetime: what was paid for is not closed', world);
      return world;
    case 'forwardPart': {
      const spec = SCENARIOS[world.scenario].parts.find(({ id }) => id === order.id);
      rule(order.amount + order.extraFee === spec?.amount, 'L8: forwarded and fee are what came in', world);
      const most = purchase.offer.openingFee ?? feeOf(spec?.amount ?? msat(0n));
      rule(order.extraFee <= most, 'L3: no more than the fee of this payment', world);
      const blocksLeft = (spec?.expiry ?? 0) - (HEIGHTS[world.height] ?? 0);
      rule(blocksLeft >= RULES.cltvMarginBlocks, 'L2: forwarded in time', world);
      const minimum = purchase.channel?.htlcMinimum ?? 1n;
      rule(order.amount >= minimum, 'L4: at least the minimum', world);
      const { stage } = purchase.channel ?? {};
      rule(stage === 'ready' || stage === 'closed', 'L4: both sides are ready', world);
      const out = purchase.offer.trust === 'client-trusts-lsp' || purchase.channel?.broadcast === 'done';
      rule(out, 'L5: broadcast before the first forward', world);
      return answer(order.id, 'forwarded');
    }
    case 'failPart':
      return answer(order.id, 'failed');
  }
}

function checked(world: World): World {
  const { purchase, answers, asked } = world;
  const sessions = sessionsOf(purchase);
  const pending = sessions.flatMap(([, state]) => forwardedOf(state)).filter((part) => part.outcome === 'pending');
  const underway = pending.reduce((total, part) => total + part.extraFee, 0n);
  const settled = SCENARIOS[world.scenario].parts.filter(({ id }) => answers[id] === 'settled');
  const [least] = settled.map(({ amount }) => feeOf(amount)).sort((a, b) => Number(a - b));
  rule(purchase.feeSettled + underway <= feeOf(SIZE), 'L3: never more than the fee', world);
  rule(
    !purchase.paid || purchase.feeSettled >= (purchase.offer.openingFee ?? least ?? 1n),
    'L3: never forgotten',
    world,
  );
  const owners = sessions.filter(([, { tag }]) => tag !== 'collecting');
  rule(owners.length <= 1 && (ownerOf(purchase) !== undefined) === (owners.length === 1), 'L1: one owner', world);
  const held = heldIds(purchase);
  for (const [id, what] of Object.entries(answers)) {
    if (world.untold.includes(id)) continue;
    rule((what === 'held') === held.has(id), `L2: nobody forgets ${id}`, world);
  }
  rule(held.size === 0 || nextDeadline(purchase, RULES) !== undefined, 'L2: who is held has a deadline', world);
  const { channel, releasing } = purchase;
  const out = channel?.broadcast !== 'ordered' || asked[channel.attempt] === 'broadcast';
  rule(out, 'L7: what was ordered is done, if not before the crash then after it', world);
  const freed = releasing.every((attempt) => asked[attempt] === 'abandoned');
  rule(freed, 'L6: what is given up is freed, if not before the crash then after it', world);
  const live = Object.values(asked).filter((what) => what !== 'abandoned');
  rule(live.length <= 1, 'L1: one channel at a time', world);
  // L6: what was funded and is not wanted any more was given up.
  const owned = ownerOf(purchase) !== undefined || purchase.channel?.broadcast !== 'no';
  rule(owned, 'L6: a channel that nobody waits for is given up', world);
  const wanted = purchase.channel !== undefined;
  rule(wanted || live.length === 0, 'L6: nothing is left behind', world);
  return world;
}
