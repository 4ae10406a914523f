import { type Client, client, msat, type PaymentHash, sat } from 'lsps2';
import { clnStockWallet } from 'lsps2/cln';
import { memoryStore } from 'lsps2/memory';
import { describe, expect, onTestFinished, test } from 'vitest';
import { purchaseKey, savePurchase } from '../../../lib/client/record.ts';
import { type Scid, scid } from '../../../lib/core/scid.ts';
import { FEE, LSP, record, SIZE } from '../../client/samples.ts';
import { manualClock, settled } from '../../manualClock.ts';
import { type Datastore, fakeLightningd } from './fakeLightningd.ts';

// What lightningd's own plugin is told, and when it is taken back. On real nodes: test/interop/clnStock.interop.ts.

const NET = msat(SIZE - FEE);
const START_SECONDS = 500;
const CHANNEL_KEY = ['lsps', 'client', LSP];

type Datastores = { readonly datastore?: Datastore; readonly store?: ReturnType<typeof memoryStore> };

async function world({ datastore = new Map(), store = memoryStore() }: Datastores = {}) {
  const clock = manualClock(START_SECONDS * 1000);
  const cln = fakeLightningd(datastore);
  cln.plugins = async () => ['/usr/libexec/c-lightning/plugins/cln-lsps-client'];
  const wallet = await clnStockWallet(cln, { store, clock, unverifiedFees: 'accept' });
  let jit: Client | undefined;
  onTestFinished(async () => {
    await jit?.close();
    wallet.close();
  });

  /** Makes the invoice of a purchase, and nothing after it. */
  async function invoice(bought: Scid, amount: typeof SIZE | undefined = SIZE) {
    const leastNet = amount === undefined ? undefined : NET;
    const { paymentHash } = await wallet.newPayment({
      amount,
      expirySeconds: 400,
      minFinalCltvExpiryDelta: 18,
      bought: { lsp: LSP, scid: bought, trust: 'lsp-trusts-client', leastNet },
    });
    const none = { message: new Uint8Array(), hash: new Uint8Array(), text: 'lnbcrt1', description: 'x' };
    await wallet.sign({ ...none, paymentHash, textWith: () => 'books' });
    return paymentHash;
  }

  async function buys(bought: Scid, change: Partial<ReturnType<typeof record>> = {}) {
    const hash = await invoice(bought);
    const purchase = record(hash, { scid: bought, ...change });
    await store.put(purchaseKey(purchase), savePurchase(purchase));
    return hash;
  }

  async function start(): Promise<Client> {
    jit = await client({ node: wallet, store, lsps: [], limits: { maxFee: sat(10_000n) }, clock });
    return jit;
  }

  const keys = () => [...datastore.values()].map(({ key }) => key.join('/'));
  const approved = () => datastore.get(CHANNEL_KEY.join('\n'))?.text;
  return { cln, clock, datastore, store, wallet, invoice, buys, start, keys, approved };
}

const FIRST = scid(1n);
const SECOND = scid(2n);

describe('what cln-lsps-client is told', () => {
  test('the channel of the LSP, and the payment, before anybody has the invoice', async () => {
    const { cln, invoice, keys, approved } = await world();
    cln.signInvoice = async (text) => {
      expect(keys()).toContain(`lsps/client/${LSP}`);
      return text;
    };
    const hash = await invoice(FIRST);
    expect(keys()).toEqual([`lsps/client/${LSP}`, `lsps/invoice/${hash}`]);
    expect(JSON.parse(approved()!)).toEqual({ jit_channel_scid: '0x0x1', client_trusts_lsp: false });
  });

  test('is taken back when the payment came over another channel, and the LSP’s fee is then unknown', async () => {
    const { cln, clock, buys, start, keys } = await world();
    const hash = await buys(FIRST);
    const [purchase] = (await start()).purchases();
    cln.invoices.set(hash, { status: 'paid', received: NET });
    await clock.pass(3_000);
    expect(keys()).toEqual([]);
    expect(purchase).toMatchObject({ state: { tag: 'paid', received: NET }, alerts: ['fee_unknown'] });
  });

  test('where the channel came, what is missing is the fee', async () => {
    const { cln, clock, datastore, buys, start, keys } = await world();
    const hash = await buys(FIRST);
    const [purchase] = (await start()).purchases();
    // As cln-lsps-client does.
    datastore.delete(CHANNEL_KEY.join('\n'));
    cln.invoices.set(hash, { status: 'paid', received: NET });
    await clock.pass(3_000);
    expect(keys()).toEqual([]);
    expect(purchase!.state).toEqual({ tag: 'paid', gross: SIZE, fee: FEE, received: NET });
    expect(purchase!.alerts).toEqual([]);
  });

  test('ends with the invoice, and some time for parts that are on their way', async () => {
    const { clock, buys, start, keys } = await world();
    await buys(FIRST);
    await start();
    await clock.pass(900_000);
    expect(keys()).toHaveLength(2);
    await clock.pass(200_000);
    expect(keys()).toEqual([]);
  });

  test('is not taken from another purchase of the LSP, nor from another program', async () => {
    const { clock, datastore, buys, start, approved } = await world();
    await buys(FIRST);
    const second = await buys(SECOND);
    const jit = await start();
    const purchaseOf = (hash: string) => jit.purchases().find(({ paymentHash }) => paymentHash === hash)!;
    expect(approved()).toContain('0x0x2');
    await purchaseOf(second).cancel();
    expect(approved()).toContain('0x0x1');
    datastore.set(CHANNEL_KEY.join('\n'), { key: CHANNEL_KEY, text: 'of another program', generation: 7n });
    await clock.pass(2_000_000);
    expect(approved()).toBe('of another program');
  });

  test.each(['createInvoice', 'signInvoice'] as const)('is taken back when %s fails', async (what) => {
    const { cln, wallet, invoice, keys } = await world();
    const { newPayment } = wallet;
    const made: PaymentHash[] = [];
    wallet.newPayment = async (o) => {
      const payment = await newPayment(o);
      made.push(payment.paymentHash);
      return payment;
    };
    cln[what] = async () => Promise.reject(new Error(`no ${what}`));
    await expect(invoice(FIRST)).rejects.toThrow(`no ${what}`);
    expect(keys()).toHaveLength(2);
    // As the client does (test/client/purchases.test.ts).
    await wallet.withdraw!(made[0]!);
    expect([keys(), cln.invoices.size]).toEqual([[], 0]);
  });

  test('what cannot be taken back is tried again', async () => {
    const { cln, clock, buys, start, keys } = await world();
    const hash = await buys(FIRST);
    await start();
    cln.invoices.set(hash, { status: 'paid', received: NET });
    cln.state.fails = new Set(['removeDatastore']);
    await clock.pass(3_000);
    expect(keys()).toHaveLength(2);
    cln.state.fails = new Set();
    await clock.pass(3_000);
    expect(keys()).toEqual([]);
  });
});

describe('a purchase that is cancelled', () => {
  test('when lightningd does not hear of it, it can be cancelled again', async () => {
    const { cln, buys, start, keys } = await world();
    const hash = await buys(FIRST);
    const [purchase] = (await start()).purchases();
    const { removeInvoice } = cln;
    cln.removeInvoice = async () => Promise.reject(new Error('cut'));
    await expect(purchase!.cancel()).rejects.toThrow('cut');
    expect(cln.invoices.has(hash)).toBe(true);
    cln.removeInvoice = removeInvoice;
    await purchase!.cancel();
    expect([cln.invoices.size, keys()]).toEqual([0, []]);
  });

  test('as the program was killed: lightningd hears of it with the next start', async () => {
    const { cln, buys, start, keys } = await world();
    await buys(FIRST, { state: { tag: 'cancelled' } });
    await start();
    expect([cln.invoices.size, keys()]).toEqual([0, []]);
  });

  test('after its invoice has ended nothing is left, and nothing is wrong', async () => {
    const { cln, buys, start, keys } = await world();
    const hash = await buys(FIRST);
    const [purchase] = (await start()).purchases();
    cln.invoices.set(hash, { status: 'expired', received: undefined });
    cln.removeInvoice = async () => Promise.reject(new Error('lightningd does not delete expired ones so'));
    await purchase!.cancel();
    expect(keys()).toEqual([]);
  });

  test('that was paid meanwhile is told as paid', async () => {
    const { cln, clock, buys, start } = await world();
    const hash = await buys(FIRST);
    const [purchase] = (await start()).purchases();
    cln.invoices.set(hash, { status: 'paid', received: NET });
    await purchase!.cancel();
    await clock.pass(3_000);
    await settled();
    expect(purchase!.state.tag).toBe('paid');
  });
});

test('a limit that nobody could keep is refused at the start', async () => {
  const { wallet, store, clock } = await world();
  const limits = { maxFee: sat(0n), maxToSelfDelayBlocks: 144 };
  await expect(client({ node: wallet, store, lsps: [], limits, clock })).rejects.toMatchObject({
    code: 'policy',
    limit: 'maxToSelfDelayBlocks',
  });
});
