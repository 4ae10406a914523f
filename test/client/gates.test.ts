import { type ChannelOffer, type Clock, type Gates, msat, type PartSet, sat } from 'lsps2';
import { memoryStore } from 'lsps2/memory';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Book, openBook } from '../../lib/client/book.ts';
import { gatekeeper, type Refused } from '../../lib/client/gatekeeper.ts';
import type { PurchaseRecord } from '../../lib/client/record.ts';
import { CHANNEL, CHANNEL2, FEE, HASH, HASH2, offer, OTHER, record, set, SIZE } from './samples.ts';
import { wholeSat } from '../../lib/core/amount.ts';

let book: Book;
let gates: Gates;
let now = 0;
let refused: Refused[];

/** The hands are set by `now`; nothing of this file waits. */
const clock: Clock = { nowMs: () => now * 1000, after: () => () => undefined };

const keeper = (over: Book) =>
  gatekeeper({
    book: over,
    limits: { maxFee: FEE },
    chain: undefined,
    clock,
    log: () => undefined,
    refused: (told) => refused.push(told),
  });

async function open(...records: PurchaseRecord[]): Promise<void> {
  now = 0;
  refused = [];
  book = await openBook(memoryStore(), () => undefined);
  for (const each of records) await book.add(each);
  gates = keeper(book);
}

describe('the channel gate (W4)', () => {
  beforeEach(() => open(record(HASH)));

  test('lets the channel in that was bought, as zero-conf', async () => {
    expect(await gates.channelOffered(offer())).toEqual({ accept: true, minimumDepth: 0 });
    expect(book.of(HASH)!.state).toEqual({ tag: 'channelOpening' });
  });

  test.each<[string, Partial<ChannelOffer>]>([
    ['not_bought', { peer: OTHER }],
    ['public_channel', { announced: true }],
    ['no_scid_alias', { scidAlias: false }],
    ['pushed_amount', { push: msat(1n) }],
    ['channel_too_small', { capacity: wholeSat(98_999n) }],
    ['to_self_delay_too_long', { toSelfDelayBlocks: 2017 }],
  ])('%s', async (code, change) => {
    expect(await gates.channelOffered(offer(change))).toMatchObject({ accept: false, code });
    expect(refused).toMatchObject([{ what: 'channel', reason: code }]);
    // A refusal takes no place: the right channel is still let in.
    expect(await gates.channelOffered(offer({ offerId: 'o2' }))).toMatchObject({ accept: true });
  });

  test('lets in one channel for one purchase, whatever ids the peer picks', async () => {
    expect(await gates.channelOffered(offer())).toMatchObject({ accept: true });
    for (const offerId of ['o1', 'o1', 'o2', 'o3']) {
      expect(await gates.channelOffered(offer({ offerId }))).toMatchObject({ accept: false, code: 'not_bought' });
    }
    await gates.channelOffered(offer({ offerId: 'o1', announced: true, peer: OTHER }));
    expect(await gates.channelOffered(offer({ offerId: 'o4' }))).toMatchObject({ accept: false });
  });

  test('a channel that came to nothing frees its place; one that carried the payment does not', async () => {
    await gates.channelOffered(offer());
    await gates.channelGone('o1');
    expect(book.of(HASH)!.state).toEqual({ tag: 'waiting' });
    expect(await gates.channelOffered(offer({ offerId: 'o2' }))).toMatchObject({ accept: true });
    await gates.channelReady({ offerId: 'o2', channelId: CHANNEL });
    expect(await gates.partsArrived(set())).toBe('claim');
    await gates.channelGone('o2');
    expect(await gates.channelOffered(offer({ offerId: 'o3' }))).toMatchObject({ accept: false, code: 'not_bought' });
  });

  test('an LSP may open and err as often as it likes (bLIP-52 section 5)', async () => {
    for (let round = 0; round < 50; round++) {
      expect(await gates.channelOffered(offer({ offerId: `r${round}` }))).toMatchObject({ accept: true });
      await gates.channelGone(`r${round}`);
    }
    expect(book.of(HASH)!.state).toEqual({ tag: 'waiting' });
  });

  test('nothing comes in after the end, or for a cancelled purchase', async () => {
    now = 990 + 120;
    expect(await gates.channelOffered(offer())).toMatchObject({ accept: false, code: 'not_bought' });
    await open(record(HASH, { state: { tag: 'cancelled' } }));
    expect(await gates.channelOffered(offer())).toMatchObject({ accept: false, code: 'not_bought' });
  });

  test('a small channel takes the place of a small purchase', async () => {
    await open(record(HASH), record(HASH2, { paymentSize: sat(10_000n), openingFee: sat(100n) }));
    expect(await gates.channelOffered(offer({ capacity: wholeSat(20_000n) }))).toMatchObject({ accept: true });
    expect(book.of(HASH2)!.letIn).toMatchObject({ offerId: 'o1' });
    expect(await gates.channelOffered(offer({ offerId: 'o2' }))).toMatchObject({ accept: true });
    expect(await gates.channelOffered(offer({ offerId: 'o3' }))).toMatchObject({ accept: false });
  });

  test('a payment over the channel of another purchase swaps the two', async () => {
    await open(record(HASH), record(HASH2));
    await gates.channelOffered(offer({ offerId: 'o1' }));
    await gates.channelOffered(offer({ offerId: 'o2' }));
    const [first, second] = [book.of(HASH)!.letIn!.offerId, book.of(HASH2)!.letIn!.offerId];
    await gates.channelReady({ offerId: first, channelId: CHANNEL });
    await gates.channelReady({ offerId: second, channelId: CHANNEL2 });
    expect(await gates.partsArrived(set({ channelId: CHANNEL2 }))).toBe('claim');
    expect(book.of(HASH)!.letIn).toMatchObject({ offerId: second });
    expect(book.of(HASH2)!.letIn).toMatchObject({ offerId: first });
  });
});

describe('the part gate (W1, W2, W3)', () => {
  beforeEach(() => open(record(HASH)));

  const parts = (...rows: [amount: bigint, extraFee: bigint, onion: bigint][]) =>
    rows.map(([amount, extraFee, onion]) => ({
      amount: msat(amount),
      extraFee: msat(extraFee),
      onionAmount: msat(onion),
    }));
  const half = (SIZE - FEE) / 2n;

  test.each<[string, Partial<PartSet>, string]>([
    ['exactly the promise', {}, 'claim'],
    ['less than the promise', { received: msat(SIZE - FEE + 5n), extraFee: msat(FEE - 5n) }, 'claim'],
    ['no fee at all', { received: SIZE, extraFee: msat(0n) }, 'claim'],
    ['no fee, by another way', { received: SIZE, extraFee: msat(0n), peer: OTHER }, 'claim'],
    ['a surplus of the payer', { received: msat(SIZE + 7n) }, 'claim'],
    ['1 msat more than the promise', { received: msat(SIZE - FEE - 1n), extraFee: msat(FEE + 1n) }, 'overcharged'],
    ['the promise told, 1 msat more kept', { received: msat(SIZE - FEE - 1n) }, 'overcharged'],
    ['nothing told, the fee kept', { received: msat(SIZE - FEE), extraFee: msat(0n) }, 'underpaid'],
    ['a huge fee on a huge payment', { received: msat(10n * SIZE), extraFee: msat(FEE + 1n) }, 'overcharged'],
    ['the fee of a stranger', { peer: OTHER }, 'fee_from_another_peer'],
    ['the fee of nobody', { peer: undefined }, 'fee_from_another_peer'],
    ['a payment that is no purchase, with a fee', { paymentHash: HASH2 }, 'fee_not_agreed'],
    [
      'a payment that is no purchase, with less than its onion says and no fee named for it',
      {
        paymentHash: HASH2,
        received: msat(1n),
        extraFee: msat(0n),
        parts: [{ amount: msat(1n), extraFee: msat(0n), onionAmount: SIZE }],
      },
      'part_amount_wrong',
    ],
    ['a payment that is no purchase, without', { paymentHash: HASH2, extraFee: msat(0n) }, 'claim'],
    ['parts that add up', { parts: parts([half, FEE, half + FEE], [half, 0n, half]) }, 'claim'],
    [
      'a part that is 1 msat short',
      { parts: parts([half, FEE, half + FEE + 1n], [half, 0n, half]) },
      'part_amount_wrong',
    ],
    ['parts that are not the sum', { parts: parts([half, FEE, half + FEE]) }, 'part_amount_wrong'],
  ])('%s', async (_, change, expected) => {
    expect(await gates.partsArrived(set(change))).toBe(expected === 'claim' ? 'claim' : 'fail');
    if (expected !== 'claim') expect(refused).toMatchObject([{ what: 'payment', reason: expected }]);
  });

  test('counts over payments: the fee is taken once, whole or in pieces', async () => {
    expect(await gates.partsArrived(set({ received: msat(SIZE - 400n), extraFee: msat(400n) }))).toBe('claim');
    await gates.partsClaimed({ paymentHash: HASH, received: msat(SIZE - 400n) });
    expect(await gates.partsArrived(set())).toBe('fail');
    expect(book.of(HASH)!.state).toMatchObject({ tag: 'paid', fee: 400n });
    const rest = msat(FEE - 400n);
    expect(await gates.partsArrived(set({ received: msat(SIZE - rest), extraFee: rest }))).toBe('claim');
    await gates.partsClaimed({ paymentHash: HASH, received: msat(SIZE - rest) });
    expect(book.of(HASH)!.state).toEqual({ tag: 'paid', gross: 2n * SIZE, fee: FEE, received: 2n * SIZE - FEE });
    expect(await gates.partsArrived(set({ received: msat(SIZE - 1n), extraFee: msat(1n) }))).toBe('fail');
  });

  test('two payments at the same moment do not both get the fee', async () => {
    expect(await Promise.all([gates.partsArrived(set()), gates.partsArrived(set())])).toEqual(['claim', 'fail']);
  });

  test('gives no preimage before the count is durable', async () => {
    const store = memoryStore();
    const broken = await openBook(
      { ...store, put: async () => Promise.reject(new Error('disk full')) },
      () => undefined,
    );
    const guard = keeper(broken);
    await expect(broken.add(record(HASH))).rejects.toThrow('disk full');
    expect(broken.of(HASH)).toBeUndefined();
    await expect(guard.partsArrived(set())).resolves.toBe('fail');
  });

  test('after a restart a payment that had passed may be asked about once, and no worse than it was', async () => {
    const claiming = record(HASH, { state: { tag: 'claiming' }, feePaid: FEE, received: msat(SIZE - FEE) });
    await open(claiming);
    expect(await gates.partsArrived(set({ received: msat(1n), extraFee: msat(99n), peer: OTHER }))).toBe('fail');
    expect(await gates.partsArrived(set())).toBe('claim');
    expect(book.of(HASH)!.feePaid).toBe(FEE);
    expect(await gates.partsArrived(set())).toBe('fail');
  });

  test('takes nothing for a purchase that has ended', async () => {
    now = 990 + 120;
    expect(await gates.partsArrived(set())).toBe('fail');
    expect(refused).toMatchObject([{ reason: 'expired' }]);
  });
});

describe('what the node says of channels and of what it took', () => {
  const bought = { confirmations: 1 };
  const over = (channelId: typeof CHANNEL, confirmed: boolean) => ({
    channelId,
    channels: [{ channelId, peer: set().peer!, confirmed }],
  });

  test.each([
    ['a channel that nobody is known to have let in, without a confirmation', over(CHANNEL2, false), 'fail'],
    ['one with a confirmation', over(CHANNEL2, true), 'claim'],
  ])('W5, over %s', async (_, channels, answer) => {
    await open(record(HASH, bought));
    expect(await gates.partsArrived(set(channels))).toBe(answer);
    if (answer === 'fail') expect(refused).toMatchObject([{ reason: 'funding_not_seen' }]);
  });

  test.each([
    [false, 'fail'],
    [true, 'claim'],
  ])(
    'W5: over the channel of another purchase, that was let in without a depth; confirmed: %s',
    async (confirmed, answer) => {
      const letIn = { offerId: 'o1', channelId: CHANNEL, minimumDepth: 0 };
      await open(record(HASH, bought), record(HASH2, { trust: 'client-trusts-lsp', letIn }));
      expect(await gates.partsArrived(set(over(CHANNEL, confirmed)))).toBe(answer);
    },
  );

  test('of several parts the node took one only: so much is told, and that it was not all', async () => {
    await open(record(HASH));
    expect(await gates.partsArrived(set())).toBe('claim');
    // Told until it is taken.
    for (let i = 0; i < 2; i++)
      await gates.partsClaimed({ paymentHash: HASH, received: msat(33_000_000n), missing: msat(66_000_000n) });
    expect(book.of(HASH)).toMatchObject({
      state: { tag: 'paid', received: 33_000_000n, fee: FEE },
      alerts: ['partly_settled'],
    });
  });

  test('its channel is closed while a payment over it is settled: the user hears of it', async () => {
    await open(record(HASH));
    await gates.channelOffered(offer());
    await gates.channelReady({ offerId: 'o1', channelId: CHANNEL });
    await gates.partsArrived(set());
    await gates.channelClosed({ offerId: 'o1', byPeer: false, ageBlocks: 3 });
    expect(book.of(HASH)!.alerts).toEqual(['closed_while_claiming']);
  });
});
