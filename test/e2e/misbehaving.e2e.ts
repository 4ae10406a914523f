import * as ldk from 'lightningdevkit';
import { type Client, client, type ClientInit, type Purchase, sat } from 'lsps2';
import { memoryStore } from 'lsps2/memory';
import { type Misbehaviour, MISBEHAVIOURS, network, type NetworkOptions } from 'lsps2/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { toU64 } from '../../lib/nodes/ldk/fromLdk.ts';
import { until } from '../../lib/testing/until.ts';

// B: every misbehaviour of lsps2/testing on real LDK nodes over TCP: refused or survived, never paid wrongly, and at the end payer
// and wallet have to the millisatoshi what they should.

const AMOUNT = sat(100_000n);
const FEE = sat(1_000n);

async function world(o: { misbehave?: Misbehaviour; net?: NetworkOptions; init?: Partial<ClientInit> } = {}) {
  const rules = { acceptSeconds: 2, fundSeconds: 5, readySeconds: 5, collectSeconds: 3 };
  const policy = { rules, ...o.net?.policy };
  const net = await network({ ...o.net, ...(o.misbehave ? { misbehave: o.misbehave } : {}), policy });
  const limits = { maxFee: sat(3_000n), ...o.init?.limits };
  const jit = await client({
    requestTimeoutMs: 3_000,
    ...o.init,
    limits,
    node: net.wallet,
    store: memoryStore(),
    lsps: [net.lsp.uri],
  });
  let claimed = 0n;
  net.nodes.wallet.onEvent((event) => {
    if (event instanceof ldk.Event_PaymentClaimed) claimed += toU64(event.amount_msat);
  });
  const before = net.payer.balance();
  onTestFinished(async () => {
    await jit.close();
    await net.close();
  });
  const sums = () => ({ paid: before - net.payer.balance(), received: claimed });
  /** What payer and wallet have lost and won, once every HTLC has ended. */
  const exact = (paid: bigint, received: bigint) =>
    until(
      () => sums().paid === paid && sums().received === received,
      () => `paid ${sums().paid} of ${paid}, received ${sums().received} of ${received}`,
    );
  return { net, jit, exact, sums };
}

async function buy(jit: Client): Promise<Purchase> {
  const { best, all } = await jit.quotes({ amount: AMOUNT });
  if (!best) throw (all[0] as { error: unknown }).error;
  return jit.buy(best, { description: 'hostile' });
}

/** What a wallet is told by an LSP that cannot be bought from. */
const NOT_BOUGHT: Partial<Record<Misbehaviour, object>> = {
  silent: { code: 'transport', reason: 'timeout' },
  nonsense: { code: 'decode' },
  noise: { code: 'decode' },
  refusesNobody: { code: 'rpc', rpcCode: -32_700 },
  nullData: { code: 'rpc', reason: 'unrecognized_or_stale_token' },
  textData: { code: 'rpc', reason: 'unrecognized_or_stale_token' },
  rudeError: { code: 'rpc', reason: 'unknown', rpcCode: -99_999 },
  bareError: { code: 'decode' },
  wantsToken: { code: 'rpc', reason: 'unrecognized_or_stale_token' },
  tooManyOpen: { code: 'rpc', rpcCode: 1 },
  rejectsAsking: { code: 'rpc', rpcCode: 1 },
  noLsps2: { code: 'terms', reason: 'no_lsps2' },
  emptyMenu: { code: 'terms', reason: 'nothing_offered' },
  expiredMenu: { code: 'terms', reason: 'expired' },
  numbersForAmounts: { code: 'decode' },
  unknownField: { code: 'decode' },
  oldDraft: { code: 'decode' },
  hugeMenu: { code: 'decode' },
  badScid: { code: 'decode' },
  absurdFee: { code: 'terms', reason: 'fee_not_below_payment' },
};

/** What becomes of a payment through an LSP that sells and then misbehaves; the payer has its money back. */
const NOT_PAID: Partial<Record<Misbehaviour, object>> = {
  overcharges: { tag: 'refused', what: 'payment', reason: 'overcharged' },
  robs: { tag: 'refused', what: 'payment', reason: 'overcharged' },
  // LDK tries again with a humbler channel type when it is told no; that is refused too.
  opensSmall: { tag: 'refused', what: 'channel' },
  neverOpens: { tag: 'waiting' },
  failsPayments: { tag: 'waiting' },
  oneScid: { tag: 'waiting' },
};

/** The payment arrives, with exactly the fee that was promised. */
const PAID: readonly Misbehaviour[] = [
  'slow',
  'answersTwice',
  'outOfOrder',
  'notifies',
  'answersOthers',
  'errorBesideResult',
  'nanoseconds',
  'moreResult',
  'opensTwice',
  'liesAboutTrust',
  'closesEarly',
  'withholdsFunding',
  'skimsAgain',
  'forwardsOne',
];

describe('every LSP that misbehaves', () => {
  test('is looked at', () => {
    const looked = [...Object.keys(NOT_BOUGHT), ...Object.keys(NOT_PAID), ...PAID];
    expect(looked.sort()).toEqual(Object.keys(MISBEHAVIOURS).sort());
  });

  test.each(Object.entries(NOT_BOUGHT))('%s: nothing is bought', async (misbehave, error) => {
    const { jit, exact } = await world({ misbehave: misbehave as Misbehaviour });
    const told = await buy(jit).catch((cause: unknown) => cause);
    expect(told).toMatchObject(error);
    expect(jit.purchases()).toEqual([]);
    await exact(0n, 0n);
  });

  test('rudeError: its words are filtered, and only in the detail', async () => {
    const { jit } = await world({ misbehave: 'rudeError' });
    const told = (await buy(jit).catch((cause: unknown) => cause)) as { message: string; detail: string };
    expect(told.message).not.toContain('click');
    expect(told.detail).toContain('click');
    expect(told.detail).toMatch(/^[ -%'-;=?-~]+$/);
  });

  test.each(Object.entries(NOT_PAID))('%s: the payer has its money back', async (misbehave, state) => {
    const { net, jit, exact } = await world({ misbehave: misbehave as Misbehaviour });
    const purchase = await buy(jit);
    expect(await net.payer.pay(purchase.invoice)).toMatchObject({ paid: false });
    expect(purchase.state).toMatchObject(state);
    await exact(0n, 0n);
  });

  test.each(PAID)('%s: paid, and no millisatoshi more than promised is taken', async (misbehave) => {
    const { net, jit, exact } = await world({ misbehave });
    const purchase = await buy(jit);
    expect(await net.payer.pay(purchase.invoice)).toMatchObject({ paid: true });
    expect(await purchase.outcome()).toEqual({ tag: 'paid', gross: AMOUNT, fee: FEE, received: AMOUNT - FEE });
    await exact(AMOUNT, AMOUNT - FEE);
  });
});

describe('what the misbehaviour is about', () => {
  test('oneScid: a scid that was sold before is not bought again', async () => {
    const { jit } = await world({ misbehave: 'oneScid' });
    await buy(jit);
    await expect(buy(jit)).rejects.toMatchObject({ code: 'decode', path: 'result.jit_channel_scid' });
  });

  test('opensSmall: is refused for what it is', async () => {
    const { net, jit } = await world({ misbehave: 'opensSmall' });
    const refused: string[] = [];
    jit.on('refused', ({ reason }) => refused.push(reason));
    const purchase = await buy(jit);
    await net.payer.pay(purchase.invoice);
    expect(refused[0]).toBe('channel_too_small');
  });

  test('opensTwice: one of the two is let in', async () => {
    const { net, jit, exact } = await world({ misbehave: 'opensTwice' });
    const refused: string[] = [];
    jit.on('refused', ({ reason }) => refused.push(reason));
    const purchase = await buy(jit);
    await net.payer.pay(purchase.invoice);
    await purchase.outcome();
    // LDK asks a second time, with a humbler channel type.
    expect(new Set(refused)).toEqual(new Set(['not_bought']));
    expect(net.nodes.wallet.manager.list_channels()).toHaveLength(1);
    await exact(AMOUNT, AMOUNT - FEE);
  });

  test('a public channel is refused', async () => {
    const { net, jit, exact } = await world({ net: { publicChannels: true } });
    const purchase = await buy(jit);
    expect(await net.payer.pay(purchase.invoice)).toMatchObject({ paid: false });
    expect(purchase.state).toMatchObject({ what: 'channel', reason: 'public_channel' });
    await exact(0n, 0n);
  });

  test('skimsAgain: the same invoice paid twice is skimmed once; the second payer has its money back', async () => {
    const { net, jit, exact } = await world({ misbehave: 'skimsAgain' });
    const purchase = await buy(jit);
    await net.payer.pay(purchase.invoice);
    await purchase.outcome();
    expect(await net.payer.pay(purchase.invoice)).toMatchObject({ paid: false });
    await exact(AMOUNT, AMOUNT - FEE);
  });

  test('forwardsOne: an incomplete set is not taken, and the payer has it back', async () => {
    const { net, jit, exact } = await world({ misbehave: 'forwardsOne', net: { payerChannels: 2 } });
    const purchase = await buy(jit);
    const paying = net.payer.pay(purchase.invoice, { parts: 2 });
    await until(() => purchase.state.tag === 'held', 'the wallet to see a part');
    expect(purchase.state).toMatchObject({ until: 'parts' });
    await purchase.cancel();
    // LDK gives an incomplete set back by itself, after its own timeout.
    const ticks = setInterval(() => {
      net.nodes.wallet.manager.timer_tick_occurred();
      net.nodes.wallet.wake();
    }, 100);
    onTestFinished(() => clearInterval(ticks));
    expect(await paying).toMatchObject({ paid: false });
    await exact(0n, 0n);
  });

  test('withholdsFunding: with a careful policy and a chain it gets no preimage', async () => {
    const { net, jit, exact } = await careful({ misbehave: 'withholdsFunding' });
    const purchase = await buy(jit);
    const paying = net.payer.pay(purchase.invoice);
    await until(() => purchase.state.tag === 'held', 'the wallet to look for the funding');
    expect(purchase.state).toMatchObject({ until: 'funding' });
    expect(await paying).toMatchObject({ paid: false });
    expect(purchase.state).toMatchObject({ tag: 'refused', reason: 'funding_not_seen' });
    await exact(0n, 0n);
  }, 180_000);

  test('an honest LSP is paid under the careful policy', async () => {
    const { net, jit, exact } = await careful({});
    const purchase = await buy(jit);
    expect(await net.payer.pay(purchase.invoice)).toMatchObject({ paid: true });
    await exact(AMOUNT, AMOUNT - FEE);
  });

  test('one confirmation: the channel waits for its block, and so does the payer', async () => {
    const { net, jit, exact } = await world({
      net: { policy: { rules: { readySeconds: 60 } } },
      init: { limits: { maxFee: sat(3_000n), confirmations: 1 } },
    });
    const purchase = await buy(jit);
    let broadcast = false;
    net.lsp.on('fundingBroadcast', () => (broadcast = true));
    const paying = net.payer.pay(purchase.invoice);
    await until(() => broadcast, 'the funding to be broadcast');
    expect(purchase.state.tag).toBe('channelOpening');
    await net.mine(1);
    expect(await paying).toMatchObject({ paid: true });
    await exact(AMOUNT, AMOUNT - FEE);
  });

  test('closesEarly: the money is ours, and the user is told', async () => {
    const { net, jit, exact } = await world({ misbehave: 'closesEarly' });
    const purchase = await buy(jit);
    await net.payer.pay(purchase.invoice);
    await purchase.outcome();
    await until(() => purchase.alerts.length > 0, 'the alert');
    expect(purchase.alerts).toEqual(['closed_early']);
    await exact(AMOUNT, AMOUNT - FEE);
  });

  test('client-trusts-LSP: the wallet claims at once', async () => {
    const { net, jit, exact } = await world({ net: { policy: { trust: 'client-trusts-lsp' } } });
    const purchase = await buy(jit);
    expect(purchase.trust).toBe('client-trusts-lsp');
    expect(await net.payer.pay(purchase.invoice)).toMatchObject({ paid: true });
    await exact(AMOUNT, AMOUNT - FEE);
  });

  /** A wallet that wants to see the funding in the mempool; the chain is known only with the network. */
  async function careful(o: { misbehave?: Misbehaviour }) {
    const base = await world(o);
    await base.jit.close();
    const jit = await client({
      node: base.net.wallet,
      store: memoryStore(),
      lsps: [base.net.lsp.uri],
      limits: { maxFee: sat(3_000n), confirmations: 0 },
      chain: base.net.chain,
    });
    onTestFinished(() => jit.close());
    return { ...base, jit };
  }
});
