import { decodeInvoice, formatScid, type Msat, msat, parseUri, sat, type Trust } from 'lsps2';
import { judgeJitInvoice } from 'lsps2/protocol';
import { network, type NetworkOptions } from 'lsps2/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../lib/testing/until.ts';
import { findBitcoind } from '../bitcoind/bitcoind.ts';
import { findLdkPeer } from './ldkPeer.ts';
import { type Regtest, regtest } from './regtest.ts';
import { say, whatIsMissing } from './say.ts';

// LDK's client (ldk-node) buys from our reference LSP, and is paid through it.

const TRUSTS: readonly Trust[] = ['lsp-trusts-client', 'client-trusts-lsp'];

// Runs in `.ci/run`, which installs a bitcoind and builds ldk-peer; a newcomer's machine may have none, and `run.sh` has printed that.
describe.skipIf(whatIsMissing() !== undefined)('LDK’s client, our LSP', () => {
  let net: Regtest;
  beforeAll(async () => {
    net = await regtest(findBitcoind()!, findLdkPeer()!);
  });
  afterAll(() => net?.stop(), 60_000);

  async function world(options: NetworkOptions, token?: string) {
    const ours = await network({ bitcoind: net.url, ...options });
    onTestFinished(() => ours.close());
    const { nodeId, port } = parseUri(ours.lsp.uri);
    const source = { node_id: nodeId, address: `127.0.0.1:${port}`, ...(token === undefined ? {} : { token }) };
    const theirs = await net.peer({ source }, 0);
    onTestFinished(() => theirs.stop());
    // That mined: a payer that counts fewer blocks would send an HTLC that ends too soon.
    await ours.mine(1);
    await theirs.run('sync');
    return { ours, theirs };
  }

  const cases = TRUSTS.flatMap((trust) =>
    [1, 3].flatMap((parts) => [sat(250_000n), msat(99_999_999n)].map((amount) => ({ trust, parts, amount }))),
  );
  test.each(cases)('$trust, $amount msat in $parts part(s): paid', async ({ trust, parts, amount }) => {
    const { ours, theirs } = await world({ policy: { trust } });
    const fee = feeOf(amount);
    const invoice = await theirs.run<string>('receive', { amount_msat: Number(amount), max_fee: Number(fee) });
    const { hop, faults } = judgeJitInvoice(decodeInvoice(invoice));
    const [purchase] = ours.lsp.purchases();
    expect([faults, hop && formatScid(hop.scid)]).toEqual([[], formatScid(purchase!.offer.scid)]);
    const before = ours.payer.balance();
    expect(await ours.payer.pay(invoice, { parts })).toMatchObject({ paid: true });
    expect(await theirs.told('received')).toMatchObject({ amount_msat: String(amount - fee) });
    await until(() => before - ours.payer.balance() === amount, 'the payer’s books');
    await until(() => ours.lsp.purchases()[0]!.feeSettled === fee, 'the LSP’s books');
    await until(async () => (await theirs.ours()) === amount - fee, 'the wallet’s books');
    say(`${trust}: LDK’s client, ${parts} part(s): payer -${amount}, wallet +${amount - fee}, LSP +${fee} msat`);
  });

  // A known fault of ldk-node 0.7: it holds a variable fee against its share of what *arrives*, and knows no minimum fee.
  test('known fault: LDK’s client refuses the right fee of a variable amount; the payer has its money back, the offer stands', async () => {
    const { ours, theirs } = await world({ policy: { minFee: sat(1_000n), proportionalPpm: 10_000 } });
    const invoice = await theirs.run<string>('receive', {});
    expect(judgeJitInvoice(decodeInvoice(invoice)).faults).toEqual([]);
    const before = ours.payer.balance();
    expect(await ours.payer.payParts(invoice, [sat(50_000n)])).toMatchObject({ paid: false });
    await until(() => ours.payer.balance() === before, 'the payer to have its money back');
    expect(theirs.events.filter(({ event }) => event === 'received')).toEqual([]);
    expect(ours.lsp.purchases()[0]).toMatchObject({ paid: false, feeSettled: 0n });
    say('LDK’s client: a variable amount: refused (known fault of LDK’s client), the payer has its money back');
  });

  test('a fee above what LDK’s client allows: it does not buy', async () => {
    const { ours, theirs } = await world({});
    const bid = theirs.run('receive', { amount_msat: 250_000_000, max_fee: 2_499_999 });
    await expect(bid).rejects.toThrow('LiquidityFeeTooHigh');
    expect(ours.lsp.purchases()).toEqual([]);
  });

  test('a wrong token is refused, and LDK’s client says so; the right one is served', async () => {
    const { ours, theirs } = await world({ policy: { tokens: ['sesame'] } }, 'open');
    await expect(theirs.run('receive', { amount_msat: 250_000_000 })).rejects.toThrow('LiquidityRequestFailed');
    expect(ours.lsp.purchases()).toEqual([]);
    const right = await world({ policy: { tokens: ['sesame'] } }, 'sesame');
    const invoice = await right.theirs.run<string>('receive', { amount_msat: 250_000_000 });
    expect(await right.ours.payer.pay(invoice)).toMatchObject({ paid: true });
  });

  test.each(['1000', '10000000001'])('a size out of range (%s msat): it does not get an invoice', async (size) => {
    const { ours, theirs } = await world({});
    await expect(theirs.run('receive', { amount_msat: Number(size) })).rejects.toThrow(/Liquidity|Invalid/);
    expect(ours.lsp.purchases()).toEqual([]);
  });
});

const MIN_FEE = 1_000_000n;
const PPM = 10_000n;
const MILLION = 1_000_000n;

/** The price of the reference LSP's default policy (bLIP-52 "Computing the opening_fee"). */
function feeOf(amount: Msat): Msat {
  const share = (amount * PPM + MILLION - 1n) / MILLION;
  return msat(share > MIN_FEE ? share : MIN_FEE);
}
