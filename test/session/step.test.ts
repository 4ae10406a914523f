import { describe, expect, test } from 'vitest';
import { type Msat, msat } from '../../lib/core/amount.ts';
import type { ChannelId, NodeId, PaymentHash, Txid } from '../../lib/core/ids.ts';
import { scid } from '../../lib/core/scid.ts';
import { DEFAULT_RULES } from '../../lib/lsp/policy.ts';
import type { Offer, Rules } from '../../lib/session/data.ts';
import { type Order, type Purchase, type PurchaseInput, purchased, type World } from '../../lib/session/purchase.ts';
import { step } from '../../lib/session/step.ts';

// What the walk is too small for: several parts of several sizes, told as stories.

const SIZE = msat(100_000_000n);
const FEE = msat(1_000_000n);
const [A, B, C] = ['aa', 'bb', 'cc'].map((byte) => byte.repeat(32) as PaymentHash) as [
  PaymentHash,
  PaymentHash,
  PaymentHash,
];

const offer: Offer = {
  scid: scid(1n),
  client: `02${'11'.repeat(32)}` as NodeId,
  trust: 'lsp-trusts-client',
  paymentSize: SIZE,
  maxPaymentSize: msat(10n * SIZE),
  openingFee: FEE,
  minPaymentSize: msat(2_000_000n),
  minFee: FEE,
  proportionalPpm: 10_000,
  validUntil: 1000,
  maxClientToSelfDelayBlocks: 2016,
  minLifetimeBlocks: 0,
  lspCltvExpiryDelta: 144,
};

class Story {
  purchase: Purchase = purchased(offer);
  orders: readonly Order[] = [];
  world: World;

  constructor(rules: Partial<Rules> = {}) {
    this.world = { now: 0, height: 100, clientConnected: true, mayOpen: true, rules: { ...DEFAULT_RULES, ...rules } };
  }

  tell(input: PurchaseInput): this {
    const { purchase, orders } = step(this.purchase, input, this.world);
    this.purchase = purchase;
    this.orders = orders;
    return this;
  }

  part(id: string, amount: bigint, hash = A, outgoingExpiryHeight = 140): this {
    const part = { id, amount: msat(amount), outgoingExpiryHeight };
    return this.tell({ tag: 'partArrived', paymentHash: hash, part, incomingAmount: part.amount });
  }

  /** Accepted, funded, broadcast and ready. */
  open(htlcMinimum: Msat = msat(1n)): this {
    const limits = { sendable: msat(10n ** 12n), htlcMinimum, toSelfDelayBlocks: 144, minimumDepth: 0 };
    const channelId = 'dd'.repeat(32) as ChannelId;
    return this.tell({ tag: 'channelAccepted', attempt: 1, limits })
      .tell({ tag: 'channelFunded', attempt: 1, channelId, fundingTxid: 'ee'.repeat(32) as Txid })
      .tell({ tag: 'fundingBroadcast', attempt: 1 })
      .tell({ tag: 'channelReady', attempt: 1, channelId });
  }

  /** The orders of the last step, short: `forward a 99 fee 1`, `fail b`. */
  get said(): string[] {
    return this.orders.map((order) => {
      if (order.tag === 'forwardPart') return `forward ${order.id} ${order.amount} fee ${order.extraFee}`;
      if (order.tag === 'failPart') return `fail ${order.id} ${order.reason}`;
      return order.tag;
    });
  }

  get state(): string | undefined {
    return this.purchase.sessions[A]?.tag;
  }
}

describe('dust of a stranger', () => {
  test('bears no fee, so that it cannot carry a share away', () => {
    const story = new Story().part('dust', 1_000n).part('big', SIZE).open();
    expect([...story.said].sort()).toEqual([`forward big ${SIZE - FEE} fee ${FEE}`, 'forward dust 1000 fee 0']);
  });
  test('gives way where there are too many parts', () => {
    const story = new Story({ partsMax: 2 }).part('d1', 1_000n).part('d2', 2_000n).part('big', SIZE);
    expect(story.said).toEqual(['fail d1 temporary_channel_failure', 'openChannel']);
  });
  test('gives way where too many payments collect', () => {
    const story = new Story({ sessionsMax: 2 }).part('d1', 1_000n, B).part('d2', 2_000n, C).part('big', SIZE);
    expect(story.said).toEqual(['fail d1 temporary_channel_failure', 'openChannel']);
    expect(Object.keys(story.purchase.sessions).sort()).toEqual([A, C]);
  });
  test('below the smallest part is failed alone', () => {
    expect(new Story().part('dust', 999n).said).toEqual(['fail dust temporary_channel_failure']);
  });
});

describe('a part that no set could take', () => {
  test.each<[string, bigint, number]>([
    ['too much', 2n * SIZE + 1n, 140],
    ['too late', SIZE, 117],
  ])('%s: is failed, and evicts nobody', (_, amount, expiry) => {
    const story = new Story({ sessionsMax: 1 }).part('held', 1_000n, B).part('bad', amount, A, expiry);
    expect(story.said).toEqual(['fail bad temporary_channel_failure']);
    expect(Object.keys(story.purchase.sessions)).toEqual([B]);
  });
});

describe('a part that failed at the client', () => {
  const half = SIZE / 2n;
  const failed = () =>
    new Story().part('a', half).part('b', half).open().tell({ tag: 'partFailed', paymentHash: A, id: 'b' });

  test('is replaced by one that carries what is owing', () => {
    const story = failed().part('c', half);
    expect(story.said).toEqual([`forward c ${half - FEE / 2n} fee ${FEE / 2n}`]);
    for (const id of ['a', 'c']) story.tell({ tag: 'partSettled', paymentHash: A, id });
    expect(story.purchase).toMatchObject({ feeSettled: FEE, paid: true, sessions: {} });
  });
  test('is replaced by several, the fee on the one that can bear it; the others follow', () => {
    const story = failed().part('small', 20_000n);
    expect(story.said).toEqual([]);
    story.part('rest', half - 20_000n);
    expect([...story.said].sort()).toEqual([
      `forward rest ${half - 20_000n - FEE / 2n} fee ${FEE / 2n}`,
      'forward small 20000 fee 0',
    ]);
  });
  test('is replaced by one that was held before', () => {
    const story = new Story().part('a', half).part('b', half).open().part('spare', half);
    expect(story.said).toEqual([]);
    story.tell({ tag: 'partFailed', paymentHash: A, id: 'b' });
    expect(story.said).toEqual([`forward spare ${half - FEE / 2n} fee ${FEE / 2n}`]);
  });
  test('without a replacement leaves the fee owing, and the channel to the next payment', () => {
    const story = failed().tell({ tag: 'partFailed', paymentHash: A, id: 'a' });
    expect(story.purchase).toMatchObject({ feeSettled: 0n, paid: false, sessions: {}, channel: { stage: 'ready' } });
    story.part('again', SIZE, B);
    expect(story.said).toEqual([`forward again ${SIZE - FEE} fee ${FEE}`]);
  });
});

test('a part that claims only what bears no fee ends underpaid', () => {
  const story = new Story().part('dust', 1_000n).part('big', SIZE).open();
  story.tell({ tag: 'partSettled', paymentHash: A, id: 'dust' }).tell({ tag: 'partFailed', paymentHash: A, id: 'big' });
  expect(story.purchase).toMatchObject({ feeSettled: 0n, paid: false, sessions: {} });
});

test('parts below the client’s minimum end the set before anything is funded', () => {
  const story = new Story().part('small', 5_000n).part('big', SIZE);
  const limits = { sendable: msat(10n ** 12n), htlcMinimum: msat(6_000n), toSelfDelayBlocks: 144, minimumDepth: 0 };
  story.tell({ tag: 'channelAccepted', attempt: 1, limits });
  expect(story.said).toContain('abandonChannel');
  expect(story.said).not.toContain('fundChannel');
  expect(story.state).toBeUndefined();
});

test('after an underpayment nothing travels beyond what bears the fee, until the fee is settled', () => {
  const story = new Story()
    .part('b', SIZE - 1n)
    .part('a', SIZE)
    .open();
  expect(story.said).toContain(`forward b ${SIZE - 1n} fee 0`);
  story.tell({ tag: 'partSettled', paymentHash: A, id: 'b' }).tell({ tag: 'partFailed', paymentHash: A, id: 'a' });
  expect(story.purchase).toMatchObject({ underpaid: true, paid: false });
  story.part('c', SIZE - 1n, B);
  story.part('d', SIZE, B);
  expect(story.said).toEqual([`forward d ${SIZE - FEE} fee ${FEE}`]);
  story.tell({ tag: 'partSettled', paymentHash: B, id: 'd' });
  expect(story.said).toEqual([`forward c ${SIZE - 1n} fee 0`]);
});

test('a set whose time is up when it could go on is given back, even if no block told of it', () => {
  const story = new Story();
  story.world = { ...story.world, clientConnected: false };
  story.part('a', SIZE);
  story.world = { ...story.world, clientConnected: true, height: 139 };
  expect(story.tell({ tag: 'resumed', held: ['a'] }).said).toEqual(['fail a temporary_channel_failure']);
  expect(story.state).toBeUndefined();
});

test('at the cap of unpaid channels no further one is opened', () => {
  const story = new Story();
  story.world = { ...story.world, mayOpen: false };
  expect(story.part('a', SIZE).said).toEqual(['fail a temporary_channel_failure']);
});

test('a client that fails each replacement does not make the record grow', () => {
  const story = new Story()
    .part('a', SIZE / 2n)
    .part('b0', SIZE / 2n)
    .open();
  for (let i = 0; i < 50; i++) {
    story.tell({ tag: 'partFailed', paymentHash: A, id: `b${i}` }).part(`b${i + 1}`, SIZE / 2n);
    expect(story.said).toHaveLength(1);
  }
  const state = story.purchase.sessions[A];
  expect(state).toMatchObject({ tag: 'awaitingSettlement' });
  expect(state?.tag === 'awaitingSettlement' && state.forwarded.length).toBeLessThanOrEqual(3);
});

test('more parts than the channel takes at once end the set before anything is funded', () => {
  const limits = { sendable: msat(10n ** 12n), htlcMinimum: msat(1n), toSelfDelayBlocks: 144, minimumDepth: 0 };
  const halves = () => new Story().part('a', SIZE / 2n).part('b', SIZE / 2n);
  const one = halves().tell({ tag: 'channelAccepted', attempt: 1, limits: { ...limits, partsMax: 1 } });
  expect(one.said).toContain('abandonChannel');
  expect(halves().tell({ tag: 'channelAccepted', attempt: 1, limits: { ...limits, partsMax: 2 } }).said).toEqual([
    'fundChannel',
  ]);
});

describe('a variable amount', () => {
  const variable = (trust: Offer['trust'] = 'lsp-trusts-client') => {
    const story = new Story();
    story.purchase = purchased({ ...offer, trust, paymentSize: undefined, openingFee: undefined });
    return story;
  };
  test('is the first HTLC, which bears the fee of what it carries; the second waits, and passes untouched', () => {
    const story = variable().part('first', 300_000_000n);
    expect(story.said).toEqual(['openChannel']);
    story.part('second', 200_000_000n).open();
    expect(story.said).toEqual(['forward first 297000000 fee 3000000']);
    story.tell({ tag: 'partSettled', paymentHash: A, id: 'first' });
    expect(story.said).toEqual(['forward second 200000000 fee 0']);
    expect(story.purchase).toMatchObject({ paid: true, feeSettled: 3_000_000n });
  });
  test.each([
    ['below the minimum', 1_999_999n],
    ['above the maximum', 10n * SIZE + 1n],
  ])('%s is failed with unknown_next_peer (bLIP-52 section 2)', (_, amount) => {
    expect(variable().part('odd', amount).said).toEqual(['fail odd unknown_next_peer']);
  });
  test('that fails leaves the channel to the next payment, with a fee of its own', () => {
    const story = variable().part('first', 300_000_000n).open();
    story.tell({ tag: 'partFailed', paymentHash: A, id: 'first' });
    expect(story.part('again', 200_000_000n, B).said).toEqual(['forward again 198000000 fee 2000000']);
  });
});

test('a client whose to_self_delay is too long, or who waits for what is withheld, is not funded', () => {
  const limits = { sendable: msat(10n ** 12n), htlcMinimum: msat(1n), toSelfDelayBlocks: 2017, minimumDepth: 0 };
  const slow = new Story().part('a', SIZE).tell({ tag: 'channelAccepted', attempt: 1, limits });
  expect(slow.said).toContain('abandonChannel');
  const careful = new Story();
  careful.purchase = purchased({ ...offer, trust: 'client-trusts-lsp' });
  const waits = { ...limits, toSelfDelayBlocks: 144, minimumDepth: 1 };
  careful.part('a', SIZE).tell({ tag: 'channelAccepted', attempt: 1, limits: waits });
  expect(careful.said).toContain('abandonChannel');
});

test('a refused open is answered with unknown_next_peer, and after enough refusals there are no more opens', () => {
  const story = new Story({ refusalsMax: 2 });
  for (const attempt of [1, 2]) {
    story.part(`p${attempt}`, SIZE);
    expect(story.said).toEqual(['openChannel']);
    story.tell({ tag: 'channelRefused', attempt });
    expect(story.said).toEqual(['abandonChannel', `fail p${attempt} unknown_next_peer`]);
  }
  expect(story.part('p3', SIZE).said).toEqual(['fail p3 unknown_next_peer']);
});
