import { type Client, client, msat, NodeError, sat } from 'lsps2';
import { clnHookedWallet, clnStore, type HookedWallet } from 'lsps2/cln';
import { describe, expect, onTestFinished, test } from 'vitest';
import { savePurchase } from '../../../lib/client/record.ts';
import { concat, fromHex, fromUint, toHex } from '../../../lib/core/bytes.ts';
import { formatScid, scid } from '../../../lib/core/scid.ts';
import { invoiceSecret } from '../../../lib/nodes/cln/secret.ts';
import { decodeBigSize, encodeBigSize } from '../../../lib/protocol/bolt1/bigSize.ts';
import { decodeTlvStream, encodeTlvStream } from '../../../lib/protocol/bolt1/tlv.ts';
import { encodeTruncated } from '../../../lib/protocol/bolt1/truncated.ts';
import { hashOf } from '../../../lib/protocol/bolt11/preimage.ts';
import { encodeExtraFee } from '../../../lib/protocol/lsps2/extraFee.ts';
import { FEE, LSP, OTHER, record, SIZE } from '../../client/samples.ts';
import { manualClock, settled } from '../../manualClock.ts';
import { channel, type Datastore, fakeLightningd, HEIGHT } from './fakeLightningd.ts';

// What the plugin answers to lightningd's hooks, where the port hides lightningd. On real nodes: test/interop/cln*.interop.ts.

const PREIMAGE = '5b'.repeat(32);
const HASH = hashOf(PREIMAGE);
const SECRET = invoiceSecret(fromHex(PREIMAGE));
const NET = SIZE - FEE;
const CONTINUE = { result: 'continue' };
const START_SECONDS = 500;

type Htlc = {
  id: number;
  amount: bigint;
  fee?: bigint | undefined;
  onion?: bigint;
  expiry?: number;
  extraTlvs?: string;
};

/** The hook's request for a part of the purchase's payment. */
function request(
  { id, amount, fee, onion = amount + (fee ?? 0n), expiry = HEIGHT + 30, extraTlvs }: Htlc,
  change: object = {},
) {
  const payload = encodeTlvStream([
    { type: 2n, value: encodeTruncated(onion, 8) },
    { type: 4n, value: encodeTruncated(BigInt(expiry), 4) },
    { type: 8n, value: concat(fromHex(SECRET), encodeTruncated(SIZE, 8)) },
    { type: 5_482_373_485n, value: fromUint(1n, 1) },
  ]);
  const tlvs =
    fee === undefined
      ? {}
      : { extra_tlvs: toHex(encodeTlvStream([{ type: 65_537n, value: encodeExtraFee(msat(fee)) }])) };
  return {
    peer_id: LSP,
    onion: {
      payload: toHex(concat(encodeBigSize(BigInt(payload.length)), payload)),
      type: 'tlv',
      forward_msat: Number(onion),
      outgoing_cltv_value: expiry,
      total_msat: Number(SIZE),
      payment_secret: SECRET,
      next_onion: '00',
      shared_secret: '11'.repeat(32),
    },
    htlc: {
      short_channel_id: formatScid(scid(7n)),
      id,
      amount_msat: Number(amount),
      cltv_expiry: expiry,
      cltv_expiry_relative: expiry - HEIGHT,
      payment_hash: HASH,
      ...tlvs,
      ...(extraTlvs === undefined ? {} : { extra_tlvs: extraTlvs }),
      ...change,
    },
  };
}

interface World {
  readonly cln: ReturnType<typeof fakeLightningd>;
  readonly clock: ReturnType<typeof manualClock>;
  readonly wallet: HookedWallet;
  readonly jit: Client;
  state(): string;
}

/** A plugin that starts on a datastore in which a program wrote a purchase. */
async function world(
  datastore: Datastore = sold(),
  { startSeconds = START_SECONDS }: { readonly startSeconds?: number } = {},
): Promise<World> {
  const clock = manualClock(startSeconds * 1000);
  const cln = fakeLightningd(datastore);
  cln.invoices.set(HASH, { status: 'unpaid', received: undefined });
  const store = clnStore(cln, { clock });
  const wallet = await clnHookedWallet(cln, { store, clock });
  const jit = await client({ node: wallet, store, lsps: [], limits: { maxFee: sat(0n) }, clock });
  onTestFinished(async () => {
    await jit.close();
    wallet.close();
    store.close();
  });
  return { cln, clock, wallet, jit, state: () => jit.purchases()[0]!.state.tag };
}

const sold = (change: Parameters<typeof record>[1] = {}): Datastore => datastoreOf(record(HASH, change));

function datastoreOf(purchase: ReturnType<typeof record>): Datastore {
  const made = { paymentSecret: SECRET, amount: `#${SIZE}`, minFinalCltvExpiryDelta: 18, endsAt: 990 };
  const entries = [
    [`client-purchase/${LSP}/1x1x1/${HASH}`, savePurchase(purchase)],
    [`cln/payment/${HASH}`, JSON.stringify(made)],
  ] as const;
  return new Map(
    entries.map(([name, text]) => {
      const key = ['lsps2', 'client', name];
      return [key.join('\n'), { key, text, generation: 0n }];
    }),
  );
}

const answered = async (answer: Promise<unknown>): Promise<unknown> => {
  let found: unknown;
  void answer.then((each) => (found = each));
  for (let i = 0; i < 5; i++) await settled();
  return found;
};

describe('the hook htlc_accepted', () => {
  const whole = { id: 0, amount: NET, fee: FEE };

  test.each([
    ['one that goes on to another channel', { onion: { short_channel_id: '1x2x3' } }],
    ['one that goes on to another node', { onion: { next_node_id: OTHER } }],
    ['one that another plugin sends on', { forward_to: 'aa'.repeat(32) }],
    ['one without a payment secret', { onion: { payment_secret: undefined } }],
    ['one of a payment that is not ours', { htlc: { payment_hash: 'ff'.repeat(32) } }],
    ['one that makes no sense', { onion: 'x', htlc: { payment_hash: 'ff'.repeat(32) } }],
    ['one with an amount that is no number', { htlc: { amount_msat: 'much', payment_hash: 'ff'.repeat(32) } }],
  ])('%s goes on at once, untouched', async (_, change) => {
    const { wallet } = await world();
    const { onion, htlc, ...more } = change as Record<string, object>;
    const given = request(whole);
    const changed = {
      ...given,
      ...more,
      onion: typeof onion === 'string' ? onion : { ...given.onion, ...onion },
      htlc: { ...given.htlc, ...htlc },
    };
    expect(await answered(wallet.htlcAccepted(changed))).toEqual(CONTINUE);
  });

  test('a whole payment: lightningd takes it with an onion that says what has come; everything else in it stays', async () => {
    const { cln, clock, wallet, jit } = await world();
    const answer = (await answered(wallet.htlcAccepted(request(whole)))) as { payload: string };
    expect(answer).toEqual({ result: 'continue', payload: expect.any(String), invoice_msat: `${NET}msat` });
    const records = decodeTlvStream(fromHex(answer.payload)).map(({ type, value }) => [type, toHex(value)]);
    expect(records).toEqual([
      [2n, toHex(encodeTruncated(NET, 8))],
      [4n, toHex(encodeTruncated(BigInt(HEIGHT + 30), 4))],
      [8n, SECRET + toHex(encodeTruncated(NET, 8))],
      [5_482_373_485n, '01'],
    ]);
    expect(jit.purchases()[0]!.state).toEqual({ tag: 'claiming', gross: SIZE, fee: FEE, received: NET });
    cln.invoices.set(HASH, { status: 'paid', received: msat(NET) });
    await clock.pass(1_000);
    expect(jit.purchases()[0]!.state).toEqual({ tag: 'paid', gross: SIZE, fee: FEE, received: NET });
  });

  test('parts are held until all are here, and each says what all bring', async () => {
    const { wallet, state } = await world();
    const first = wallet.htlcAccepted(request({ id: 0, amount: NET / 2n, fee: FEE }));
    expect(await answered(first)).toBeUndefined();
    expect(state()).toBe('held');
    const second = wallet.htlcAccepted(request({ id: 1, amount: NET - NET / 2n, fee: 0n }));
    const answers = [await answered(first), await answered(second)] as { payload: string; invoice_msat: string }[];
    expect(answers.map(({ invoice_msat: each }) => each)).toEqual([`${NET}msat`, `${NET}msat`]);
  });

  const wrong = { result: 'fail', failure_message: expect.stringMatching(/^400f/) };
  test.each<[string, Htlc, object, object]>([
    ['a millisatoshi too little', { id: 0, amount: NET - 1n, fee: FEE + 1n }, wrong, { reason: 'overcharged' }],
    ['no word of the fee', { id: 0, amount: NET, onion: SIZE }, wrong, { reason: 'underpaid' }],
    [
      'a word of a fee that was not taken',
      { id: 0, amount: SIZE, fee: FEE, onion: SIZE },
      wrong,
      { reason: 'part_amount_wrong' },
    ],
    ['a part that is short', { id: 0, amount: NET - 1000n, fee: FEE, onion: SIZE }, wrong, { reason: 'overcharged' }],
  ])('%s: failed, and told why', async (_, htlc, answer, told) => {
    const { wallet, jit } = await world();
    expect(await answered(wallet.htlcAccepted(request(htlc)))).toEqual(answer);
    expect(jit.purchases()[0]!.state).toMatchObject({ tag: 'refused', what: 'payment', ...told });
    // A right one is still taken.
    expect(await answered(wallet.htlcAccepted(request({ ...whole, id: 1 })))).toMatchObject({
      payload: expect.any(String),
    });
  });

  test.each<[string, Htlc, object]>([
    [
      'a fee that is not of the form',
      { ...whole, extraTlvs: toHex(encodeTlvStream([{ type: 65_537n, value: fromUint(1n, 9) }])) },
      {},
    ],
    ['extra TLVs that are none', { ...whole, extraTlvs: 'fd' }, {}],
    ['an expiry that is too near', { ...whole, expiry: HEIGHT + 17 }, {}],
  ])('%s: failed at once', async (_, htlc, change) => {
    const { wallet, state } = await world();
    expect(await answered(wallet.htlcAccepted(request(htlc, change)))).toEqual(wrong);
    expect(state()).toBe('waiting');
  });

  test('another secret: failed at once', async () => {
    const { wallet } = await world();
    const { onion, ...rest } = request(whole);
    const other = { ...rest, onion: { ...onion, payment_secret: '00'.repeat(32) } };
    expect(await answered(wallet.htlcAccepted(other))).toEqual(wrong);
  });

  test.each([
    ['payment metadata', [{ type: 16n, value: fromHex('01') }]],
    ['a blinded path', [{ type: 10n, value: fromHex('01') }]],
  ])('an onion with %s, over which lightningd fails it alone, is failed before it is counted', async (_, more) => {
    const { wallet, state } = await world();
    const htlc = request(whole);
    const payload = fromHex(htlc.onion.payload);
    const records = decodeTlvStream(payload.subarray(decodeBigSize(payload).end));
    const plain = [...records, ...more].sort((a, b) => (a.type < b.type ? -1 : 1));
    const stream = encodeTlvStream(plain);
    const onion = { ...htlc.onion, payload: toHex(concat(encodeBigSize(BigInt(stream.length)), stream)) };
    expect(await answered(wallet.htlcAccepted({ ...htlc, onion }))).toEqual(wrong);
    expect(state()).toBe('waiting');
  });

  test('a part that lightningd shows again after a restart was in time when it came', async () => {
    const datastore = sold();
    const made = [...datastore.values()].find(({ text }) => text.includes('minFinal'))!;
    datastore.set(made.key.join('\n'), { ...made, text: made.text.replace('Delta":18', 'Delta":30') });
    const { wallet, clock } = await world(datastore);
    const late = { ...whole, expiry: HEIGHT + 25 };
    expect(await answered(wallet.htlcAccepted(request(late)))).toMatchObject({ payload: expect.any(String) });
    await clock.pass(11_000);
    expect(await answered(wallet.htlcAccepted(request({ ...late, id: 9 })))).toEqual(wrong);
  });

  test('deadlines are kept though the channels cannot be read', async () => {
    const { wallet, cln, clock } = await world();
    const answer = wallet.htlcAccepted(request({ id: 0, amount: NET / 2n, fee: 0n }));
    expect(await answered(answer)).toBeUndefined();
    cln.state.fails = new Set(['channels']);
    cln.state.height = HEIGHT + 20;
    await clock.pass(3_000);
    expect(await answered(answer)).toEqual({ result: 'fail', failure_message: expect.stringMatching(/^400f/) });
  });

  test('parts whose others do not come are given back after a minute', async () => {
    const { wallet, clock, state } = await world();
    const answer = wallet.htlcAccepted(request({ id: 0, amount: NET / 2n, fee: FEE }));
    await clock.pass(58_000);
    expect(await answered(answer)).toBeUndefined();
    await clock.pass(4_000);
    expect(await answered(answer)).toEqual({ result: 'fail', failure_message: '0017' });
    expect(state()).toBe('waiting');
  });

  test('parts that cannot be taken in time any more are given back', async () => {
    const { wallet, cln, clock, state } = await world();
    const answer = wallet.htlcAccepted(request({ id: 0, amount: NET / 2n, fee: FEE, expiry: HEIGHT + 22 }));
    await clock.pass(2_000);
    expect(await answered(answer)).toBeUndefined();
    cln.state.height += 4;
    await clock.pass(2_000);
    expect(await answered(answer)).toEqual(wrong);
    expect(state()).toBe('waiting');
  });

  test('over a restart lightningd shows a part without its fee: what it said first is kept', async () => {
    const datastore = sold();
    const before = await world(datastore);
    const part = { id: 0, amount: NET / 2n, fee: FEE };
    expect(await answered(before.wallet.htlcAccepted(request(part)))).toBeUndefined();
    await before.jit.close();
    const { wallet, state } = await world(datastore);
    const again = wallet.htlcAccepted(request({ ...part, fee: undefined, onion: part.amount + FEE }));
    expect(await answered(again)).toBeUndefined();
    // The channel has another name meanwhile.
    const rest = wallet.htlcAccepted(request({ id: 1, amount: NET - NET / 2n, fee: 0n }));
    expect(await answered(again)).toMatchObject({ payload: expect.any(String) });
    expect(await answered(rest)).toMatchObject({ payload: expect.any(String) });
    expect(state()).toBe('claiming');
  });

  test('a hold invoice that is held past its end is taken after a restart, when its preimage comes', async () => {
    const datastore = sold({ own: {} });
    const one = await world(datastore);
    expect(await answered(one.wallet.htlcAccepted(request({ id: 0, amount: NET, fee: FEE })))).toBeUndefined();
    await one.clock.pass(1_000_000);
    expect(one.state()).toBe('held');
    await one.jit.close();
    const two = await world(datastore, { startSeconds: START_SECONDS + 1_000 });
    // The clock of the invoice rings before lightningd shows it again.
    await two.clock.pass(1_000);
    await two.jit.purchases()[0]!.settle(PREIMAGE);
    expect(await answered(two.wallet.htlcAccepted(request({ id: 0, amount: NET, fee: FEE })))).toMatchObject({
      result: 'continue',
      payload: expect.any(String),
    });
    // One that lightningd does not show again ends.
    const three = await world(datastoreOf(record(HASH, { heldAt: 600 })), { startSeconds: 1_500 });
    await three.clock.pass(599_000);
    expect(three.state()).toBe('waiting');
    await three.clock.pass(2_000);
    expect(three.state()).toBe('expired');
  });

  test('what was given back while it was being looked at is not counted', async () => {
    const { wallet, cln, clock, jit } = await world();
    let go: () => void = () => undefined;
    const { channels } = cln;
    let calls = 0;
    cln.channels = async () => {
      // Its fee is looked up first, then it is looked at.
      if (++calls === 2) await new Promise<void>((resolve) => (go = resolve));
      return channels();
    };
    const answer = wallet.htlcAccepted(request({ ...whole, expiry: HEIGHT + 22 }));
    await settled();
    cln.state.height += 4;
    await clock.pass(2_000);
    expect(await answered(answer)).toEqual(wrong);
    go();
    await settled();
    expect(jit.purchases()[0]!.state).toEqual({ tag: 'waiting' });
    expect(await answered(wallet.htlcAccepted(request({ ...whole, id: 1, expiry: HEIGHT + 40 })))).toMatchObject({
      payload: expect.any(String),
    });
  });

  test('a payment that lightningd did not take after all is not counted', async () => {
    const { wallet, cln, clock, jit } = await world();
    cln.state.channels = [channel({ unanswered: [HASH] })];
    await answered(wallet.htlcAccepted(request(whole)));
    await clock.pass(12_000);
    expect(jit.purchases()[0]!.state).toMatchObject({ tag: 'claiming' });
    // Its own expiry had come first.
    cln.state.channels = [channel()];
    await clock.pass(1_000);
    expect(jit.purchases()[0]!.state).toEqual({ tag: 'waiting' });
    expect(await answered(wallet.htlcAccepted(request({ ...whole, id: 1 })))).toMatchObject({
      payload: expect.any(String),
    });
  });

  test('a claim that was made over a restart, and that lightningd refuses then, is not counted', async () => {
    const datastore = sold();
    const before = await world(datastore);
    before.cln.state.channels = [channel({ unanswered: [HASH] })];
    await answered(before.wallet.htlcAccepted(request(whole)));
    await before.jit.close();
    const { wallet, cln, clock, jit } = await world(datastore);
    expect(jit.purchases()[0]!.state).toMatchObject({ tag: 'claiming' });
    cln.state.channels = [channel({ unanswered: [HASH] })];
    await clock.pass(500);
    expect(await answered(wallet.htlcAccepted(request(whole)))).toMatchObject({ payload: expect.any(String) });
    cln.state.channels = [channel()];
    await clock.pass(12_000);
    expect(jit.purchases()[0]!.state).toEqual({ tag: 'waiting' });
  });

  test('what lightningd took while nobody asked us is told', async () => {
    const datastore = sold();
    const clock = manualClock(START_SECONDS * 1000);
    const cln = fakeLightningd(datastore);
    cln.invoices.set(HASH, { status: 'paid', received: SIZE });
    const store = clnStore(cln, { clock });
    const wallet = await clnHookedWallet(cln, { store, clock });
    const jit = await client({ node: wallet, store, lsps: [], limits: { maxFee: sat(0n) }, clock });
    onTestFinished(() => wallet.close());
    await clock.pass(1_000);
    expect(jit.purchases()[0]!.state).toEqual({ tag: 'paid', gross: SIZE, fee: 0n, received: SIZE });
    await jit.close();
  });

  test('what is cancelled lightningd does not take either', async () => {
    const { jit, cln, wallet } = await world();
    await jit.purchases()[0]!.cancel();
    expect(cln.invoices.size).toBe(0);
    expect(await answered(wallet.htlcAccepted(request(whole)))).toEqual(wrong);
  });

  test.each([
    ['that is refused', { id: 0, amount: NET - 2n, fee: FEE + 2n }, 0],
    ['that is short', { id: 0, amount: 1n, fee: 1n, onion: SIZE }, 0],
    ['whose others do not come', { id: 0, amount: NET / 2n, fee: FEE }, 62_000],
  ])('nothing is kept of an HTLC %s', async (_, htlc, afterMs) => {
    const datastore = sold();
    const { wallet, clock } = await world(datastore);
    const answer = wallet.htlcAccepted(request(htlc));
    await clock.pass(afterMs);
    expect(await answered(answer)).toMatchObject({ result: 'fail' });
    expect([...datastore.keys()].filter((key) => key.includes('cln/fee'))).toEqual([]);
  });

  test('one of ours that cannot be read is failed: among lightningd’s own parts it would be in the way', async () => {
    const { wallet } = await world();
    const { onion, ...rest } = request(whole);
    const unread = { ...rest, onion: { ...onion, total_msat: 2 ** 60 } };
    expect(await answered(wallet.htlcAccepted(unread))).toEqual({ result: 'fail', failure_message: '4016000000' });
  });

  test('while lightningd takes a payment no other of its hash is counted', async () => {
    const { wallet, cln, clock, jit } = await world();
    const free = { amount: SIZE };
    await answered(wallet.htlcAccepted(request({ id: 0, ...free })));
    expect(await answered(wallet.htlcAccepted(request({ id: 1, ...free })))).toEqual(wrong);
    cln.invoices.set(HASH, { status: 'paid', received: SIZE });
    await clock.pass(1_000);
    expect(jit.purchases()[0]!.state).toEqual({ tag: 'paid', gross: SIZE, fee: 0n, received: SIZE });
  });

  test('one whose fee was looked up meanwhile is not counted either', async () => {
    const { wallet, cln, clock, jit } = await world();
    const { channels } = cln;
    let go: () => void = () => undefined;
    let first = true;
    cln.channels = async () => {
      if (first) {
        first = false;
        await new Promise<void>((resolve) => (go = resolve));
      }
      return channels();
    };
    const slow = wallet.htlcAccepted(request({ id: 1, amount: SIZE }));
    await settled();
    expect(await answered(wallet.htlcAccepted(request(whole)))).toMatchObject({ payload: expect.any(String) });
    go();
    expect(await answered(slow)).toEqual(wrong);
    cln.invoices.set(HASH, { status: 'paid', received: msat(NET) });
    await clock.pass(1_000);
    expect(jit.purchases()[0]!.state).toEqual({ tag: 'paid', gross: SIZE, fee: FEE, received: NET });
  });

  test('what the gates may have counted before they failed is uncounted', async () => {
    const { wallet, cln, clock, jit } = await world();
    const { putDatastore, listDatastore } = cln;
    // The purchase is written, and neither that nor what is there now is heard of.
    cln.putDatastore = async (key, ...rest) => {
      const generation = await putDatastore(key, ...rest);
      if (!key.at(-1)!.startsWith('client-purchase')) return generation;
      cln.listDatastore = async () => {
        Object.assign(cln, { listDatastore, putDatastore });
        throw new NodeError('its answer was lost');
      };
      throw new NodeError('its answer was lost');
    };
    expect(await answered(wallet.htlcAccepted(request(whole)))).toEqual(wrong);
    await clock.pass(3_000);
    expect(jit.purchases()[0]!.state).toEqual({ tag: 'waiting' });
    expect(await answered(wallet.htlcAccepted(request({ ...whole, id: 1 })))).toMatchObject({
      payload: expect.any(String),
    });
  });

  test('a payment of an invoice that is long over is failed, unless it is shown again', async () => {
    const late = { startSeconds: 990 + 601 };
    const one = await world(new Map([...sold()].filter(([key]) => key.includes('payment'))), late);
    expect(await answered(one.wallet.htlcAccepted(request({ id: 0, amount: SIZE })))).toMatchObject({
      payload: expect.any(String),
    });
    const two = await world(new Map([...sold()].filter(([key]) => key.includes('payment'))), late);
    await two.clock.pass(11_000);
    expect(await answered(two.wallet.htlcAccepted(request({ id: 0, amount: SIZE })))).toEqual(wrong);
  });

  test('an invoice ends in lightningd’s books when no HTLC of it can be held any more', async () => {
    const { wallet, cln } = await world();
    const ask = { amount: SIZE, expirySeconds: 60, minFinalCltvExpiryDelta: 18 };
    const { paymentHash } = await wallet.newPayment(ask);
    const none = { message: new Uint8Array(), hash: new Uint8Array(), text: 'lnbcrt1', description: 'x' };
    const textWith = ({ longerBySeconds }: { longerBySeconds?: number }) => `${longerBySeconds}`;
    expect(await wallet.sign({ ...none, paymentHash, textWith })).toBe('lnbcrt1');
    // Two weeks: more blocks than any HTLC may wait.
    expect(cln.invoices.get(paymentHash)?.text).toBe(`${14 * 86_400}`);
  });

  test('nothing is written of an HTLC that does not know the payment secret', async () => {
    const datastore = sold();
    const { wallet } = await world(datastore);
    const { onion, ...rest } = request(whole);
    await answered(wallet.htlcAccepted({ ...rest, onion: { ...onion, payment_secret: '00'.repeat(32) } }));
    expect([...datastore.keys()].filter((key) => key.includes('cln/fee'))).toEqual([]);
  });

  test('parts over a channel that is closing are given back', async () => {
    const { wallet, cln, clock, state } = await world();
    const answer = wallet.htlcAccepted(request({ id: 0, amount: NET / 2n, fee: FEE }));
    await clock.pass(2_000);
    expect(await answered(answer)).toBeUndefined();
    cln.state.channels = [channel({ state: 'closing' })];
    await clock.pass(2_000);
    expect(await answered(answer)).toEqual(wrong);
    expect(state()).toBe('waiting');
  });

  test('a second set of the same payment that is given back unasked takes nothing from the first', async () => {
    const { wallet, cln, clock, jit } = await world();
    cln.state.channels = [channel({ unanswered: [HASH] })];
    await answered(wallet.htlcAccepted(request(whole)));
    const claiming = jit.purchases()[0]!.state;
    expect(claiming).toMatchObject({ tag: 'claiming' });
    const second = wallet.htlcAccepted(request({ id: 5, amount: NET / 2n, fee: 0n, expiry: HEIGHT + 20 }));
    cln.state.height += 3;
    await clock.pass(2_000);
    expect(await answered(second)).toEqual(wrong);
    expect(jit.purchases()[0]!.state).toEqual(claiming);
  });

  test('a second payment of a paid invoice is given back, and not counted', async () => {
    const { wallet, cln, jit } = await world();
    cln.invoices.set(HASH, { status: 'paid', received: msat(NET) });
    expect(await answered(wallet.htlcAccepted(request({ id: 3, amount: SIZE, fee: 0n })))).toEqual(wrong);
    expect(jit.purchases()[0]!.state).toEqual({ tag: 'waiting' });
  });

  test('a datastore that cannot be read: what bears a fee is failed, what bears none is lightningd’s', async () => {
    const { wallet, cln } = await world();
    cln.state.fails = new Set(['listDatastore']);
    expect(await answered(wallet.htlcAccepted(request(whole)))).toEqual(wrong);
    expect(await answered(wallet.htlcAccepted(request({ id: 1, amount: SIZE })))).toEqual(CONTINUE);
  });

  test.each(['putDatastore', 'channels', 'height', 'invoice'])('when %s fails nothing is taken', async (what) => {
    const { wallet, cln, clock } = await world();
    cln.state.fails = new Set([what]);
    const answer = wallet.htlcAccepted(request(whole));
    await clock.pass(1);
    expect(await answered(answer)).toEqual(wrong);
  });
});

describe('the hook openchannel', () => {
  const open = (change: object = {}) => ({
    openchannel: {
      id: LSP,
      funding_msat: 150_000_000,
      push_msat: 0,
      to_self_delay: 144,
      channel_flags: 0,
      channel_type: { bits: [12, 22, 46] },
      ...change,
    },
  });
  const ZERO_CONF = { result: 'continue', mindepth: 0 };

  test('the channel that was bought is let in as zero-conf, once', async () => {
    const { wallet, cln, clock, state } = await world();
    cln.state.channels = [];
    expect(await wallet.openChannel(open())).toEqual(ZERO_CONF);
    expect(state()).toBe('channelOpening');
    cln.state.channels = [channel({ capacity: msat(150_000_000n) })];
    await clock.pass(1_000);
    expect(await wallet.openChannel(open())).toEqual(CONTINUE);
  });

  test.each([
    ['a stranger’s', { id: OTHER }, CONTINUE],
    // Without a depth of ours: lightningd refuses it (test/interop/clnOthers.interop.ts).
    ['a stranger’s zero-conf', { id: OTHER, channel_type: { bits: [12, 22, 46, 50] } }, CONTINUE],
    ['a public one', { channel_flags: 1 }, { result: 'reject' }],
    ['one with money pushed', { push_msat: 1 }, { result: 'reject' }],
    ['one that is too small', { funding_msat: 98_000_000 }, { result: 'reject' }],
    ['one without scid alias', { channel_type: { bits: [12, 22] } }, { result: 'reject' }],
    ['one that locks us for long', { to_self_delay: 2017 }, { result: 'reject' }],
    // Over a refusal lightningd may end, whose peer has left: nobody can make us say one.
    ['one that makes no sense', { id: 'x' }, CONTINUE],
    ['one of no amount', { funding_msat: 'all' }, CONTINUE],
    ['one of more than there is', { id: OTHER, funding_msat: 10 ** 16 }, CONTINUE],
  ])('%s is not', async (_, change, answer) => {
    const { wallet } = await world();
    const given = await wallet.openChannel(open(change));
    expect(given).toMatchObject(answer);
    expect(given).not.toHaveProperty('mindepth');
  });

  test('one that is funded late is the one: no second is let in, however long it took', async () => {
    const { wallet, cln, clock } = await world();
    cln.state.channels = [];
    expect(await wallet.openChannel(open())).toEqual(ZERO_CONF);
    await clock.pass(300_000);
    cln.state.channels = [channel({ state: 'opening', capacity: msat(150_000_000n) })];
    expect(await wallet.openChannel(open())).toEqual(CONTINUE);
  });

  test('an LSP that leaves frees the place, unless it has funded the channel', async () => {
    const { wallet, cln, clock, state } = await world();
    cln.state.channels = [];
    expect(await wallet.openChannel(open())).toEqual(ZERO_CONF);
    cln.hangUp(LSP);
    await clock.pass(4_000);
    expect(state()).toBe('channelOpening');
    cln.state.channels = [channel({ state: 'opening', capacity: msat(150_000_000n) })];
    await clock.pass(10_000);
    expect(state()).toBe('channelOpening');
    cln.state.channels = [];
    await clock.pass(2_000);
    expect(state()).toBe('waiting');
    expect(await wallet.openChannel(open())).toEqual(ZERO_CONF);
    cln.hangUp(LSP);
    await clock.pass(7_000);
    expect(state()).toBe('waiting');
  });

  test.each([{ id: LSP }, { id: OTHER, channel_type: { bits: [12, 22, 46, 50] } }])(
    'a peer %o that hangs up meanwhile: lightningd has forgotten the negotiation, and could not take any other answer',
    async (change) => {
      const { wallet, cln } = await world();
      const { channels } = cln;
      cln.channels = async () => {
        cln.hangUp(change.id);
        return channels();
      };
      expect(await wallet.openChannel(open(change))).toEqual(CONTINUE);
    },
  );

  test('one that came to nothing frees its place when the LSP tries again', async () => {
    const { wallet, cln } = await world();
    cln.state.channels = [];
    expect(await wallet.openChannel(open())).toEqual(ZERO_CONF);
    expect(await wallet.openChannel(open())).toEqual(ZERO_CONF);
  });

  test.each(['putDatastore', 'channels'])('when %s fails nothing is zero-conf', async (what) => {
    const { wallet, cln } = await world();
    cln.state.fails = new Set([what]);
    expect(await wallet.openChannel(open())).toEqual(CONTINUE);
  });

  test('a part that came over another channel keeps the channel that was bought not out', async () => {
    const { wallet, cln, state } = await world();
    void wallet.htlcAccepted(request({ id: 0, amount: 1n }));
    await settled();
    expect(state()).toBe('held');
    cln.state.channels = [];
    expect(await wallet.openChannel(open())).toEqual(ZERO_CONF);
  });

  test('a lightningd in whose datastore nothing was bought', async () => {
    const { wallet } = await world(new Map());
    expect(await wallet.openChannel(open())).toEqual(CONTINUE);
  });
});
