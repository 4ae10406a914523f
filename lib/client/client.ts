import { type Msat, msat } from '../core/amount.ts';
import { PolicyError } from '../core/errors.ts';
import { systemClock } from '../platform/clock.ts';
import { systemRandom } from '../platform/random.ts';
import type { Abortable, Stop } from '../ports/abort.ts';
import type { ChainView } from '../ports/chainView.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Store } from '../ports/store.ts';
import type { WalletNode } from '../ports/walletNode.ts';
import { aftercare } from './aftercare.ts';
import { type Quoting, quoting } from './ask.ts';
import { openBook } from './book.ts';
import { watchExpiry } from './expiry.ts';
import { faces, knownTo } from './faces.ts';
import { gatekeeper, type Refused } from './gatekeeper.ts';
import { openGuarded } from './guard.ts';
import { buildInvoice, checkFields, type InvoiceFields } from './invoice.ts';
import { type Limits, validateLimits } from './limits.ts';
import { type LspSource, readSources } from './lspSource.ts';
import { type Receivable, receivableOver } from './need.ts';
import type { Purchase } from './purchase.ts';
import type { Quote } from './quote.ts';
import { endOf, type PurchaseRecord, restingState } from './record.ts';
import { requests } from './requests.ts';
import { telling } from './telling.ts';
import { wake } from './wake.ts';
import { purchase, type Work } from './work.ts';

export interface ClientInit {
  readonly node: WalletNode;
  /** Must outlive the app: it holds what was promised. */
  readonly store: Store;
  /** `nodeid@host:port` each, or with a token and a trust policy of its own. */
  readonly lsps: readonly (string | LspSource)[];
  readonly limits: Limits;
  /** Needed for `limits.confirmations: 0`, and to say when a channel that was paid for is not funded. */
  readonly chain?: ChainView;
  /** How long an LSP may take to answer. Default 60,000. */
  readonly requestTimeoutMs?: number;
  readonly log?: Log;
  readonly clock?: Clock;
  readonly random?: Random;
}

interface Events {
  /** A purchase was made, or has another state or another alert. */
  changed: Purchase;
  refused: Refused;
}

export interface Client extends Quoting {
  /** Whether an amount can be received over the node's channels as they are. @throws NodeError */
  receivable(amount: Msat): Promise<Receivable>;
  /**
   * Buys exactly the quote, and makes its invoice. Everything is durable before the invoice is returned.
   * @throws TermsError, PolicyError, RpcError, TransportError, DecodeError, NodeError; RangeError on bad fields.
   */
  buy(quote: Quote, fields: InvoiceFields, options?: Abortable): Promise<Purchase>;
  /**
   * An invoice over the channels that the node has, each hinted at by its own alias: what a used purchase is followed by.
   * @throws NodeError, RangeError on bad fields.
   */
  invoice(o: InvoiceFields & { readonly amount?: Msat }): Promise<string>;
  purchases(): readonly Purchase[];
  /**
   * For a push handler: connects to the LSPs of open purchases, lets channels in, verifies and claims, until a payment has
   * ended or the budget has. Resolves with the purchases that changed. @throws RangeError, `signal.reason`
   */
  wake(budgetMs: number, options?: Abortable): Promise<readonly Purchase[]>;
  on<Name extends keyof Events>(event: Name, f: (told: Events[Name]) => void): Stop;
  /** Takes the gates away: the node refuses JIT channels and skimmed payments until the next client. */
  close(): Promise<void>;
}

/**
 * A wallet's LSPS2 client. Loads its purchases, arms the gates. On a store that is read-only (another tab has it) it shows
 * purchases and quotes, and does nothing else.
 * @throws DecodeError on a bad LSP address or record, RangeError on a bad limit, PolicyError on a limit that this node or this
 * `chain` cannot keep, NodeError when another client guards the node.
 */
export async function client(init: ClientInit): Promise<Client> {
  const { node, store, limits, chain, clock = systemClock, random = systemRandom } = init;
  const lsps = readSources(init.lsps);
  validateLimits(limits);
  checkAble(init);
  const { log, tell, on } = telling(init.log);
  const now = () => Math.floor(clock.nowMs() / 1000);
  const refused = (told: Refused) => {
    log({ level: 'warn', event: 'client.refused', fields: { what: told.what, reason: told.reason } });
    tell('refused', told);
  };
  let after: ReturnType<typeof aftercare> | undefined;
  let expiry: ReturnType<typeof watchExpiry> | undefined;
  const open = async () => {
    const found = await openBook(store, (record) => {
      tell(record.paymentHash);
      tell('changed', shown.of(record));
      after?.arm();
      expiry?.arm();
    });
    const shown = faces({ book: found, on, withdraw: node.withdraw?.bind(node) });
    return { book: found, face: shown, gates: gatekeeper({ book: found, limits, chain, clock, log, refused }) };
  };
  // The node is ours before the book is read: no other client can be writing in it, and no offer is missed meanwhile.
  const isKeeper = !store.readOnly && !node.guardedElsewhere;
  const { book, face, unguard } = !isKeeper
    ? { ...(await open()), unguard: () => undefined }
    : await openGuarded(node, open);
  const asked = requests({ node, clock, random, log, timeoutMs: init.requestTimeoutMs });
  const work: Work = { node, limits, lsps, book, asked, reserved: new Set(), now };
  const close = async () => {
    asked.close();
    expiry?.stop();
    after?.stop();
    await book.close();
    unguard();
    face.close();
    for (const { paymentHash } of book.all()) tell(paymentHash);
  };
  if (isKeeper) {
    try {
      // What is held still, the node tells again.
      await book.turn(() => ({ records: book.all().flatMap(wasHeld), result: undefined }));
      await node.resume(knownTo(book.all()));
      await withdrawCancelled();
    } catch (cause) {
      await close();
      throw cause;
    }
    expiry = watchExpiry(book, clock, log);
    after = aftercare({ book, chain, clock, log });
  }

  /** What was cancelled as we were stopped, or the node could not be reached. */
  async function withdrawCancelled(): Promise<void> {
    for (const record of book.all()) {
      if (record.state.tag !== 'cancelled' || endOf(record) <= now()) continue;
      await node.withdraw?.(record.paymentHash).catch((cause: unknown) => {
        log({ level: 'warn', event: 'client.not_withdrawn', fields: { cause: String(cause) } });
      });
    }
  }

  const judgedBy = () => ({ limits, toSelfDelayBlocks: node.toSelfDelayBlocks, now: now() });

  return {
    ...quoting({ asked, lsps, judgedBy }),
    receivable: async (amount) => receivableOver(await node.channels(), msat(amount)),
    async buy(quote, fields, options) {
      if (store.readOnly) throw new PolicyError('readOnly', 'another tab or process has the purchases');
      return face.of(await purchase(work, quote, fields, options));
    },
    async invoice({ amount, ...fields }) {
      const { hash } = checkFields(fields);
      if (fields.preimage !== undefined || hash !== undefined)
        throw new RangeError('paymentHash, preimage: only for what is bought');
      const channels = await node.channels();
      const routeHints = channels.flatMap(({ peer, hint }) => (hint ? [[{ nodeId: peer, ...hint }]] : []));
      const made = { amount, hash, fields, routeHints, waitBlocks: 0, parts: true, endsBy: undefined, now: now() };
      return (await buildInvoice(node, made)).text;
    },
    purchases: () => book.all().map((record) => face.of(record)),
    async wake(budgetMs, options) {
      if (store.readOnly) throw new PolicyError('readOnly', 'another tab or process has the purchases');
      const onChange = (f: () => void) => on('changed', f);
      return (await wake({ node, book, clock, onChange }, budgetMs, options)).map((record) => face.of(record));
    },
    on,
    close,
  };
}

/** It keeps when it had arrived: asked again, it is not late. */
const wasHeld = (record: PurchaseRecord): readonly PurchaseRecord[] =>
  record.state.tag === 'held' ? [{ ...record, state: restingState(record) }] : [];

/** @throws PolicyError: a limit that nobody here could keep. */
function checkAble({ limits, chain, node }: ClientInit): void {
  const { confirmations, maxToSelfDelayBlocks } = limits;
  if (maxToSelfDelayBlocks !== undefined && node.showsOffers === false)
    throw new PolicyError('maxToSelfDelayBlocks', 'this node lets channels in without asking');
  if (confirmations === undefined) return;
  if (confirmations === 0 && !chain)
    throw new PolicyError('confirmations', 'to see a funding transaction in the mempool takes a `chain`');
  if (confirmations === 0 && node.namesFunding === false)
    throw new PolicyError(
      'confirmations',
      'this node does not tell what to look for in the mempool: ask for 1 or more',
    );
  if (confirmations > (node.minimumDepthMax ?? confirmations))
    throw new PolicyError('confirmations', `this node waits for at most ${node.minimumDepthMax} confirmations`);
}
