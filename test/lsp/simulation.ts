import { type Msat, msat, sat } from '../../lib/core/amount.ts';
import type { NodeId, PaymentHash } from '../../lib/core/ids.ts';
import { formatScid, type Scid } from '../../lib/core/scid.ts';
import { type Lsp, lsp } from '../../lib/lsp/lsp.ts';
import { flatRate } from '../../lib/lsp/policy.ts';
import type { Store } from '../../lib/ports/store.ts';
import { openingFee } from '../../lib/protocol/lsps2/openingFee.ts';
import { purchased } from '../../lib/session/purchase.ts';
import { saveRecord } from '../../lib/core/record.ts';
import { memoryStore } from '../../lib/stores/memory.ts';
import { manualClock } from '../manualClock.ts';
import { type Dice, dice } from '../random.ts';
import { HTLC_MINIMUM, isFinal, type SimChannel, simNode, type SimPart } from './simNode.ts';

// Whole LSPs: many purchases, payers that pay too much, too little, twice or with another's hash, clients that come and go,
// refuse, fail, or claim only what bears no fee, a node and a store that fail, crashes, and a clock. All from one seed.

const SIZE = sat(100_000n);
const RATE = { minFee: sat(500n), proportionalPpm: 10_000 };
const VALID_SECONDS = 1_200;
const FLAKY = 0.03;
const PURCHASES = 6;
const CLIENTS = 3;
const STEPS = 260;

export interface Tally {
  sessions: number;
  crashes: number;
  channels: number;
  settled: number;
}

interface Offered {
  readonly scid: Scid;
  readonly client: NodeId;
  readonly size: Msat | undefined;
  /** The payment that the client knows. */
  readonly hash: PaymentHash;
  readonly colludes: boolean;
}

/** One small world from its beginning to the end of every offer. @throws where a rule breaks. */
export async function simulate(seed: number, total: Tally): Promise<void> {
  const roll = dice(seed);
  const node = simNode(roll, FLAKY);
  const clock = manualClock();
  const backing = memoryStore();
  let life = 0;
  let count = 0;
  const clients = Array.from({ length: CLIENTS }, (_, index) => `02${String(index).padStart(64, '0')}` as NodeId);
  const offers: Offered[] = [];
  const errors: unknown[] = [];

  /** A store that sometimes fails, and that a dead LSP cannot reach. */
  const storeOf = (mine: number): Store => ({
    load: backing.load,
    async put(key, json) {
      if (mine !== life) return new Promise(() => undefined);
      if (roll.chance(FLAKY)) throw new Error('disk full');
      await backing.put(key, json);
    },
    remove: async (key) => (mine === life ? backing.remove(key) : new Promise(() => undefined)),
  });

  async function start(): Promise<Lsp> {
    const policy = flatRate({ ...RATE, rules: { collectSeconds: 90 } });
    const made = lsp({
      node: node.port(),
      store: storeOf(life),
      policy,
      clock,
      random: (length) => roll.bytes(length),
    });
    const up: Lsp[] = [];
    made.then(
      (each) => up.push(each),
      (cause: unknown) => errors.push(cause),
    );
    // A save that fails at the start is tried again after a while.
    for (let i = 0; i < 200 && up.length + errors.length === 0; i++) await clock.pass(1_000);
    const [done] = up;
    if (!done) throw new Error('the LSP does not start', { cause: errors[0] });
    done.on('ended', () => total.sessions++);
    done.on('trouble', ({ cause }) => String(cause).includes('broken:') && errors.push(cause));
    return done;
  }

  function sell(): void {
    const size = roll.chance(0.7) ? SIZE : undefined;
    const client = roll.pick(clients);
    const validUntil = Math.floor(clock.nowMs() / 1000) + VALID_SECONDS;
    const at = node.port().newScid();
    const purchase = purchased({
      scid: at,
      client,
      trust: roll.pick(['lsp-trusts-client', 'client-trusts-lsp'] as const),
      paymentSize: size,
      openingFee: size && openingFee(RATE, size),
      minPaymentSize: sat(2_000n),
      maxPaymentSize: sat(10_000_000n),
      ...RATE,
      validUntil,
      maxClientToSelfDelayBlocks: 2016,
      minLifetimeBlocks: 0,
      lspCltvExpiryDelta: 144,
    });
    void backing.put(`purchase/${formatScid(at)}`, saveRecord(purchase));
    offers.push({ scid: at, client, size, hash: hashOf(roll), colludes: roll.chance(0.3) });
  }

  for (let i = 0; i < PURCHASES; i++) sell();
  let service = await start();

  const send = (offer: Offered, hash: PaymentHash, amount: Msat) =>
    node.intercept({
      id: `p${count++}`,
      scid: offer.scid,
      paymentHash: hash,
      incomingAmount: roll.chance(0.03) ? msat(1_000n) : amount,
      onionAmount: amount,
      incomingExpiryHeight: node.port().height() + 144 + 18 + roll.upTo(30),
    });

  const actions: readonly (() => void | Promise<void>)[] = [
    () => pay(roll, roll.pick(offers), send, roll.chance(0.2) ? roll.pick(offers).hash : undefined),
    () => pay(roll, roll.pick(offers), send, undefined),
    () => pay(roll, roll.pick(offers), send, hashOf(roll)),
    () => node.setConnected(roll.pick(clients), true),
    () => node.setConnected(roll.pick(clients), true),
    () => node.setConnected(roll.pick(clients), roll.chance(0.5)),
    ...Array.from({ length: 8 }, () => () => advance(roll, node)),
    ...Array.from({ length: 4 }, () => () => answerAll(roll, node.parts, offers, node.resolve)),
    () => clock.pass(roll.pick([10, 1_000, 31_000])),
    () => (roll.chance(0.15) ? clock.pass(roll.pick([91_000, 400_000])) : undefined),
    () => (roll.chance(0.3) ? node.mine() : undefined),
    async () => {
      if (!roll.chance(0.25)) return;
      total.crashes++;
      life++;
      node.crash();
      service = await start();
    },
  ];

  for (let step = 0; step < STEPS; step++) {
    await roll.pick(actions)();
    await settle();
    check(offers, node, errors);
  }

  // The end: everybody is there, everything is answered, every offer is over.
  for (const client of clients) node.setConnected(client, true);
  for (let i = 0; i < 60; i++) {
    for (let j = 0; j < 4; j++) advance(roll, node);
    answerAll(roll, node.parts, offers, node.resolve);
    await clock.pass(60_000);
    check(offers, node, errors);
  }
  for (const part of node.parts.values()) {
    if (!isFinal(part)) throw new Error(`L2: the part ${part.id} was never answered: ${part.fate}`);
  }
  for (const { key, coins, stage } of node.channels.values()) {
    if (coins === 'locked') throw new Error(`L6: the coins of ${key} (${stage}) were never freed`);
  }
  for (const { key, coins, stage } of node.channels.values()) {
    const [at] = key.split('#');
    const taken = [...node.parts.values()]
      .filter((part) => formatScid(part.scid) === at && part.fate === 'settled')
      .some(({ extraFee }) => extraFee > 0n);
    if (coins === 'spent' && stage !== 'closed' && !taken)
      throw new Error(`${key} was never paid for, and never closed`);
  }
  const [left] = service.purchases();
  if (left) throw new Error(`an offer that is over is still there: ${saveRecord(left)}`);
  total.channels += [...node.channels.values()].filter(({ coins }) => coins === 'spent').length;
  total.settled += [...node.parts.values()].filter(({ fate }) => fate === 'settled').length;
  await service.close();
}

const hashOf = (roll: Dice): PaymentHash =>
  [...roll.bytes(32)].map((byte) => byte.toString(16).padStart(2, '0')).join('') as PaymentHash;

/** Microtasks only: nothing here waits for the world outside. */
const settle = () => new Promise<void>((resolve) => void setImmediate(resolve));

function pay(
  roll: Dice,
  offer: Offered,
  send: (offer: Offered, hash: PaymentHash, amount: Msat) => void,
  hash: PaymentHash | undefined,
): void {
  const whole = offer.size ?? msat(SIZE / 2n);
  const splits: readonly (readonly bigint[])[] = [
    [whole],
    [whole / 2n, whole - whole / 2n],
    [whole / 3n, whole / 3n, whole - 2n * (whole / 3n)],
    [whole / 2n],
    [1_500n, whole - 1_500n],
    [1n],
    [2n * whole + 1n],
    [whole, whole],
  ];
  for (const amount of roll.pick(splits)) send(offer, hash ?? offer.hash, msat(amount));
}

/** The world moves one channel on: the client accepts or refuses, signs, is ready, or something breaks. */
function advance(roll: Dice, node: ReturnType<typeof simNode>): void {
  const open = [...node.channels.values()].filter(({ stage }) => stage !== 'closed' && stage !== 'ready');
  if (open.length === 0) return;
  const channel: SimChannel = roll.pick(open);
  const { key, channelId, fundingTxid } = channel;
  const fail = (tag: 'refused' | 'failed') => {
    channel.stage = 'closed';
    node.tell({ key, tag, words: 'so it goes' });
  };
  if (roll.chance(0.04)) return fail('failed');
  if (channel.stage === 'offered') {
    if (roll.chance(0.1)) return fail('refused');
    channel.stage = 'accepted';
    const limits = { sendable: sat(10_000_000n), htlcMinimum: HTLC_MINIMUM, toSelfDelayBlocks: 144, minimumDepth: 0 };
    node.tell({ key, tag: 'accepted', limits });
  } else if (channel.stage === 'funding') {
    channel.stage = 'funded';
    node.tell({ key, tag: 'funded', channelId, fundingTxid });
  } else if (channel.stage === 'funded' && node.connected.has(channel.peer)) {
    channel.stage = 'ready';
    node.tell({ key, tag: 'ready', channelId });
  }
}

/** Clients decide about what they were sent: whole sets they know are claimed, the rest is failed; colluders pick and choose. */
function answerAll(
  roll: Dice,
  parts: ReadonlyMap<string, SimPart>,
  offers: readonly Offered[],
  resolve: (part: SimPart, fate: 'settled' | 'refused') => void,
): void {
  for (const offer of offers) {
    const sent = [...parts.values()].filter(({ scid, fate }) => scid === offer.scid && fate === 'forwarded');
    for (const part of sent.filter(({ paymentHash }) => paymentHash !== offer.hash)) resolve(part, 'refused');
    const mine = sent.filter(({ paymentHash }) => paymentHash === offer.hash);
    const sum = mine.reduce((total, { onionAmount }) => total + onionAmount, 0n);
    if (offer.colludes)
      for (const part of mine)
        resolve(part, part.extraFee === 0n && roll.chance(0.7) ? 'settled' : roll.chance(0.3) ? 'settled' : 'refused');
    else if (mine.length > 0 && (offer.size === undefined || sum >= offer.size)) {
      const fate = roll.chance(0.9) ? 'settled' : 'refused';
      for (const part of mine) resolve(part, fate);
    } else if (roll.chance(0.2)) for (const part of mine) resolve(part, 'refused');
  }
}

function check(offers: readonly Offered[], node: ReturnType<typeof simNode>, errors: readonly unknown[]): void {
  if (errors.length > 0) throw new Error('something broke', { cause: errors[0] });
  for (const { scid: at, size } of offers) {
    const mine = [...node.parts.values()].filter((part) => part.scid === at);
    const settled = mine.filter(({ fate }) => fate === 'settled');
    const taken = settled.reduce((total, { extraFee }) => total + extraFee, 0n);
    const most =
      size === undefined
        ? settled.map(({ onionAmount }) => openingFee(RATE, onionAmount) ?? 0n)
        : [openingFee(RATE, size) ?? 0n];
    const limit = most.reduce((a, b) => (a > b ? a : b), 0n);
    if (taken > limit) throw new Error(`L3: ${taken} of ${limit} msat were taken for ${formatScid(at)}`);
    const out = [...node.channels.values()].filter(
      ({ key, coins }) => key.startsWith(`${formatScid(at)}#`) && coins === 'spent',
    );
    if (out.length > 1) throw new Error(`L1: ${out.length} channels for ${formatScid(at)}`);
  }
}
