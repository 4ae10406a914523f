import { type Client, client, type Purchase, type PurchaseState, type FixedQuote, type Refused } from 'lsps2';
import { memoryStore } from 'lsps2/memory';
import { network, type TestNetwork } from 'lsps2/testing';
import { tellBought, tellQuote, usable } from './buying.ts';
import { cheatOptions } from './cheats.ts';
import { EXIT, type ExitCode, exitCodeOf, messageOf, UnpaidError } from './exitCode.ts';
import { followLsp, type Ledger } from './followLsp.ts';
import type { DemoOptions } from './demoOptions.ts';
import type { Reporter } from './reporter.ts';

/** Confirmations that the story ends with. */
const CONFIRMATIONS = 1;
const SETTLE_TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 10;

/** The whole story: quote, buy, invoice, pay, verify. Resolves with the exit code; throws what has one of its own. */
export async function demo(options: DemoOptions, report: Reporter): Promise<ExitCode> {
  const open: (() => Promise<void>)[] = [];
  try {
    report.waiting('starting three Lightning nodes');
    const net = await network({
      policy: { trust: options.trust },
      ...(options.bitcoind === undefined ? {} : { bitcoind: options.bitcoind }),
      ...cheatOptions(options.cheat),
    });
    open.push(() => net.close());
    const jit = await client({
      node: net.wallet,
      store: memoryStore(),
      lsps: [net.lsp.uri],
      limits: { maxFee: options.maxFee },
    });
    open.push(() => jit.close());
    report.tell('started', {
      lsp: net.lsp.uri,
      wallet: net.wallet.nodeId,
      payer: net.payer.nodeId,
      chain: options.bitcoind === undefined ? 'a regtest in memory' : 'your bitcoind',
    });
    return await (options.cheat === 'unsolicited-channel'
      ? turnAway(net, jit, report, options)
      : receive(net, jit, report, options));
  } catch (error) {
    report.tell('failed', { reason: messageOf(error), exit_code: exitCodeOf(error) });
    throw error;
  } finally {
    report.waiting('stopping');
    for (const close of open.reverse()) await close();
    report.close();
  }
}

async function receive(net: TestNetwork, jit: Client, report: Reporter, options: DemoOptions): Promise<ExitCode> {
  const quote = await ask(net, jit, report, options);
  const purchase = await buy(jit, report, quote);
  const before = net.payer.balance();
  const ledger = followLsp(net, report);
  const begun = Date.now();
  report.tell('paying', { payment_size_msat: quote.paymentSize, parts: options.parts });
  report.waiting('waiting for the payment');
  const paying = net.payer.pay(purchase.invoice, { parts: options.parts });
  const state = await outcome(purchase, paying, options.timeoutSeconds);
  if (state.tag === 'refused') {
    await settle(() => net.payer.balance() === before);
    return refused(report, net, { reason: state.reason, what: state.what, before });
  }
  if (state.tag !== 'paid') throw new UnpaidError(`the invoice was not paid: it is ${state.tag}`);
  const { gross, fee, received } = state;
  if (gross !== quote.paymentSize || received + fee !== gross || fee !== quote.openingFee) {
    throw new Error(`the sums do not add up: ${received} + ${fee} of ${quote.paymentSize} msat`);
  }
  report.tell('claimed', { extra_fee_total_msat: state.fee, opening_fee_msat: quote.openingFee });
  await settle(() => ledger.ended());
  const duration = Date.now() - begun;
  await confirm(net, report, ledger);
  report.tell('done', {
    payment_size_msat: quote.paymentSize,
    opening_fee_msat: quote.openingFee,
    extra_fee_total_msat: state.fee,
    received_msat: state.received,
    parts: options.parts,
    trust: purchase.trust,
    channel_id: ledger.channelId(),
    funding_txid: ledger.fundingTxid() ?? '',
    duration_ms: duration,
  });
  return EXIT.ok;
}

async function ask(net: TestNetwork, jit: Client, report: Reporter, options: DemoOptions): Promise<FixedQuote> {
  report.tell('asking', { lsp: net.lsp.uri, payment_size_msat: options.amount });
  const best = usable(await jit.quotes({ amount: options.amount }));
  tellQuote(best, report);
  return best;
}

async function buy(jit: Client, report: Reporter, quote: FixedQuote): Promise<Purchase> {
  const purchase = await jit.buy(quote, { description: 'jit-invoice demo' });
  tellBought(purchase, report);
  return purchase;
}

/** Whichever comes first: the wallet's verdict, the payer giving up, or the end of patience. */
async function outcome(
  purchase: Purchase,
  paying: ReturnType<TestNetwork['payer']['pay']>,
  timeoutSeconds: number,
): Promise<PurchaseState> {
  const late = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new UnpaidError(`not paid within ${timeoutSeconds} s`)), timeoutSeconds * 1000).unref();
  });
  const gaveUp = paying.then((paid) => {
    if (paid.paid || purchase.state.tag === 'refused') return purchase.outcome();
    throw new UnpaidError(`the payment failed: ${paid.failureCode ?? 'no failure code was told'}`);
  });
  return Promise.race([purchase.outcome(), gaveUp, late]);
}

async function confirm(net: TestNetwork, report: Reporter, ledger: Ledger): Promise<void> {
  const txid = ledger.fundingTxid();
  if (txid === undefined) return;
  report.waiting('waiting for a block');
  await net.mine(CONFIRMATIONS);
  const height = await net.chain.heightOf(txid);
  if (height !== undefined) report.tell('funding_confirmed', { funding_txid: txid, height });
}

/** A stranger's channel: nothing was bought, nothing is paid. */
async function turnAway(net: TestNetwork, jit: Client, report: Reporter, options: DemoOptions): Promise<ExitCode> {
  const before = net.payer.balance();
  const turnedAway = new Promise<Refused>((resolve, reject) => {
    jit.on('refused', resolve);
    const ms = options.timeoutSeconds * 1000;
    setTimeout(() => reject(new UnpaidError('nobody offered a channel in time')), ms).unref();
  });
  const [{ reason, what }] = await Promise.all([turnedAway, net.openUnsolicited()]);
  return refused(report, net, { reason, what, before });
}

function refused(
  report: Reporter,
  net: TestNetwork,
  o: { readonly reason: string; readonly what: string; readonly before: bigint },
): ExitCode {
  report.tell('refused', {
    reason: o.reason,
    what: o.what,
    payer_balance_before_msat: o.before,
    payer_balance_after_msat: net.payer.balance(),
  });
  return EXIT.refused;
}

/** Gives the last messages on the wire their time. */
async function settle(holds: () => boolean): Promise<void> {
  const end = Date.now() + SETTLE_TIMEOUT_MS;
  while (!holds() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}
