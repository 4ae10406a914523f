import { createInterface } from 'node:readline/promises';
import { type Client, client, decodeInvoice, formatScid, msat, PolicyError, type Purchase, type Quote } from 'lsps2';
import { feeOf, tellBought, tellInvoice, tellQuote, usable } from './buying.ts';
import { EXIT, type ExitCode, exitCodeOf, messageOf, RefusedError, UnpaidError, UsageError } from './exitCode.ts';
import { type Bought, boughtHere } from './boughtHere.ts';
import { receivingNode } from './receiveNode.ts';
import type { ReceiveOptions } from './receiveOptions.ts';
import type { Reporter } from './reporter.ts';

/** How long one round of listening lasts; between two of them a lost connection is mended. */
const ROUND_MS = 30_000;
const CLAIM_ROUND_MS = 1_000;
/** A node whose channel was closed asks within moments what is to become of its HTLCs. */
const ON_CHAIN_MS = 600_000;
/** An invoice that ends sooner is not shown again. */
const PAYABLE_SECONDS = 60;
const MSAT_END = (1n << 64n) - 1n;

/** A wallet: quote, confirm, buy, invoice, wait, verify, account. Started again on the same folder it goes on. */
export async function receive(options: ReceiveOptions, report: Reporter): Promise<ExitCode> {
  const open: (() => Promise<void>)[] = [];
  try {
    if (!options.yes && (options.json || !process.stdin.isTTY))
      throw new UsageError('--yes: there is nobody here who could be asked whether the price is right');
    report.waiting(
      options.node.name === 'ldk' ? 'starting a Lightning node' : `connecting to your ${options.node.name}`,
    );
    const { node, store, told: started } = await receivingNode(options, open);
    // Before the client reads it: it must know best what others have written since.
    const mine = await boughtHere(store);
    const { token, trust, maxFee = options.amount === 'any' ? msat(MSAT_END) : options.amount } = options;
    const jit = await client({
      node,
      store,
      lsps: [{ uri: options.lsp, ...(token === undefined ? {} : { token }) }],
      limits: { maxFee, ...(trust === undefined ? {} : { trust: [trust] }) },
    });
    open.push(() => jit.close());
    report.tell('wallet_started', { data: options.data ?? '', ...started });
    await tellMeanwhile(jit, mine, report);
    const purchase = goneOn(jit, mine, options, report) ?? (await buy(jit, mine, options, report));
    if (!purchase) return EXIT.limits;
    await wait(jit, purchase, options, report);
    tellReceived('received', purchase, report);
    await mine.remove(purchase.paymentHash);
    return EXIT.ok;
  } catch (error) {
    report.tell('failed', { reason: messageOf(error), exit_code: exitCodeOf(error) });
    throw error;
  } finally {
    report.waiting('stopping');
    for (const close of open.reverse()) await close().catch(() => undefined);
    report.close();
  }
}

/** What a run before this one has bought, and nobody has paid yet. */
function goneOn(jit: Client, mine: Bought, options: ReceiveOptions, report: Reporter): Purchase | undefined {
  const hashes = mine.all();
  const found = jit
    .purchases()
    .find((each) => hashes.includes(each.paymentHash) && isPayable(each) && isAsked(each, options));
  if (!found) return undefined;
  checkKept(found, options);
  report.tell('going_on', {
    jit_channel_scid: formatScid(found.scid),
    state: found.state.tag,
    trust: found.trust,
    ...feeOf(found),
  });
  tellInvoice(found, report);
  return found;
}

/** What this command is about. */
const isAsked = ({ paymentSize, lsp }: Purchase, options: ReceiveOptions): boolean =>
  paymentSize === (options.amount === 'any' ? undefined : options.amount) && options.lsp.startsWith(lsp);

/** What was bought by this command before, and paid while it was not here. */
async function tellMeanwhile(jit: Client, mine: Bought, report: Reporter): Promise<void> {
  for (const hash of mine.all()) {
    const found = jit.purchases().find(({ paymentHash }) => paymentHash === hash);
    if (found) tellReceived('received_before', found, report);
    if (!found || found.keepOpenUntil === undefined) await mine.remove(hash);
  }
}

function tellReceived(
  event: 'received' | 'received_before',
  { state, scid, trust, alerts }: Purchase,
  report: Reporter,
): void {
  if (state.tag !== 'paid') return;
  report.tell(event, {
    gross_msat: state.gross,
    extra_fee_total_msat: state.fee,
    received_msat: state.received,
    jit_channel_scid: formatScid(scid),
    trust,
    ...(alerts.length === 0 ? {} : { alerts: alerts.join() }),
  });
}

/** Nothing has come yet, and there is time for it; or something has. */
function isPayable(purchase: Purchase): boolean {
  const { invoice, state, keepOpenUntil } = purchase;
  const { timestamp, expirySeconds } = decodeInvoice(invoice);
  const inTime = Date.now() / 1000 < timestamp + expirySeconds - PAYABLE_SECONDS;
  return (
    keepOpenUntil !== undefined && (inTime || state.tag === 'held' || (isSettling(purchase) && !isOnChain(purchase)))
  );
}

/** Its preimage may be out: who leaves now may leave his money. */
const isSettling = ({ state, keepOpenUntil = 0 }: Purchase): boolean =>
  state.tag === 'claiming' && Date.now() / 1000 < keepOpenUntil;

const isOnChain = ({ alerts }: Purchase): boolean => alerts.includes('closed_while_claiming');

/** What was bought before is held against what is asked for now. @throws PolicyError */
function checkKept({ openingFee, trust }: Purchase, options: ReceiveOptions): void {
  if (options.maxFee !== undefined && openingFee !== undefined && openingFee > options.maxFee)
    throw new PolicyError('maxFee', `what was bought before costs ${openingFee} msat, more than --max-fee allows now`);
  if (options.trust !== undefined && trust !== options.trust)
    throw new PolicyError('trust', `what was bought before is ${trust}`);
}

async function buy(
  jit: Client,
  mine: Bought,
  options: ReceiveOptions,
  report: Reporter,
): Promise<Purchase | undefined> {
  const { amount } = options;
  report.waiting('asking the LSP');
  const best = usable<Quote>(await (amount === 'any' ? jit.quotes({ amount }) : jit.quotes({ amount })));
  tellQuote(best, report);
  if (!options.yes && !(await agreed(report))) {
    report.tell('declined', {});
    return undefined;
  }
  const purchase = await jit.buy(best, { description: options.description });
  // Before anybody can pay it.
  await mine.add(purchase);
  tellBought(purchase, report);
  return purchase;
}

async function agreed(report: Reporter): Promise<boolean> {
  report.close();
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question('Buy it? [y/N] ')).trim());
  } catch {
    // Ctrl-C or Ctrl-D is a no.
    return false;
  } finally {
    terminal.close();
  }
}

/** Listens until it is paid. What was refused may still be paid rightly, so that only the end of time ends it. */
async function wait(jit: Client, bought: Purchase, options: ReceiveOptions, report: Reporter): Promise<void> {
  let last: string | undefined;
  let refused: string | undefined;
  const tell = ({ state }: Purchase) => {
    const said = JSON.stringify(state, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    if (said === last) return;
    last = said;
    if (state.tag === 'refused') {
      refused = state.reason;
      report.tell('turned_away', { what: state.what, reason: state.reason });
    } else if (state.tag === 'channelOpening') report.tell('channel_let_in', {});
    else if (state.tag === 'held') report.tell('held', { until: state.until, gross_msat: state.gross });
  };
  const stop = jit.on('changed', (each) => each.paymentHash === bought.paymentHash && tell(each));
  const isKept = options.data !== undefined || options.node.name === 'cln';
  const mayGoOn = !isKept ? 'Ctrl-C stops' : 'Ctrl-C stops, and the same command goes on';
  const end = Math.min(Date.now() + options.timeoutSeconds * 1000, (bought.keepOpenUntil ?? 0) * 1000);
  try {
    let onChainUntil: number | undefined;
    // What went to the chain the node asks about once more, and then claims without us.
    const staysFor = () => {
      if (isOnChain(bought)) onChainUntil ??= Date.now() + ON_CHAIN_MS;
      return isSettling(bought) && Date.now() < (onChainUntil ?? Infinity);
    };
    while (bought.keepOpenUntil !== undefined && (Date.now() < end || staysFor())) {
      const settling = isSettling(bought);
      report.waiting(settling ? 'the payment is being settled' : `waiting for the payment; ${mayGoOn}`);
      await jit.wake(settling ? CLAIM_ROUND_MS : Math.max(1, Math.min(ROUND_MS, end - Date.now())));
    }
  } finally {
    stop();
  }
  const { tag } = bought.state;
  if (tag === 'claiming') throw new UnpaidError('the payment is being settled on the chain: leave your node running');
  if (tag !== 'paid' && refused !== undefined) throw new RefusedError(`what came was turned away: ${refused}`);
  if (tag !== 'paid') throw new UnpaidError(`the invoice was not paid: it is ${tag}`);
}
