import { EventEmitter } from 'eventemitter3';
import { type Msat, msat } from '../core/amount.ts';
import { parseUri } from '../core/ids.ts';
import { systemClock } from '../platform/clock.ts';
import { systemRandom } from '../platform/random.ts';
import type { Abortable, Stop } from '../ports/abort.ts';
import type { Clock, Random } from '../ports/clock.ts';
import type { Gates } from '../ports/gates.ts';
import type { Log } from '../ports/log.ts';
import type { Store } from '../ports/store.ts';
import type { WalletNode } from '../ports/walletNode.ts';
import type { OpeningFeeParams } from '../protocol/lsps2/openingFeeParams.ts';
import { openBook } from './book.ts';
import { getInfo, listProtocols } from './calls.ts';
import { watchExpiry } from './expiry.ts';
import { gatekeeper, type Refused } from './gatekeeper.ts';
import type { InvoiceFields } from './invoice.ts';
import { type Limits, validateLimits } from './limits.ts';
import { type Purchase, purchaseOf } from './purchase.ts';
import type { Quote, Unusable } from './quote.ts';
import { isOpen, type PurchaseRecord } from './record.ts';
import { requests } from './requests.ts';
import { purchase, quoteOf, type Work } from './work.ts';

export interface ClientInit {
  readonly node: WalletNode;
  /** Must outlive the app: it holds what was promised. */
  readonly store: Store;
  /** `nodeid@host:port` each. */
  readonly lsps: readonly string[];
  readonly limits: Limits;
  /** A token that the LSPs know (bLIP-52 section 1). */
  readonly token?: string;
  /** How long an LSP may take to answer. Default 60,000. */
  readonly requestTimeoutMs?: number;
  readonly log?: Log;
  readonly clock?: Clock;
  readonly random?: Random;
}

interface Events {
  changed: Purchase;
  refused: Refused;
}

export interface Client {
  /**
   * What a payment of this size costs at each LSP, and the cheapest. LSPs that cannot serve stand in `all` with their
   * error; this rejects only when aborted, or with RangeError on an amount outside of u64.
   */
  quotes(o: { readonly amount: Msat }, options?: Abortable): Promise<Quotes>;
  /**
   * Buys exactly the quote, and makes its invoice. Everything is durable before the invoice is returned.
   * @throws TermsError, PolicyError, RpcError, TransportError, DecodeError, NodeError; RangeError on a bad description.
   */
  buy(quote: Quote, fields: InvoiceFields, options?: Abortable): Promise<Purchase>;
  purchases(): readonly Purchase[];
  /** The LSPS numbers that an LSP speaks. @throws TransportError, RpcError, DecodeError */
  listProtocols(lsp: string, options?: Abortable): Promise<readonly number[]>;
  /** An LSP's whole menu, unjudged; `quotes` chooses from it. @throws TransportError, RpcError, DecodeError */
  getInfo(lsp: string, options?: Abortable): Promise<readonly OpeningFeeParams[]>;
  on<Name extends keyof Events>(event: Name, f: (told: Events[Name]) => void): Stop;
  /** Takes the gates away: the node refuses JIT channels and skimmed payments until the next client. */
  close(): Promise<void>;
}

export interface Quotes {
  readonly best: Quote | undefined;
  /** One for each LSP, in the order given. */
  readonly all: readonly (Quote | Unusable)[];
}

/**
 * A wallet's LSPS2 client. Loads its purchases, arms the gates.
 * @throws DecodeError on a bad LSP address or record, RangeError on a bad limit, NodeError when another client guards the node.
 */
export async function client(init: ClientInit): Promise<Client> {
  const { node, limits, clock = systemClock, random = systemRandom } = init;
  const lsps = init.lsps.map((text) => parseUri(text));
  validateLimits(limits);
  const emitter = new EventEmitter();
  // What users hand in may throw; nothing of ours may break by it.
  const log: Log = (entry) => harmless(() => init.log?.(entry));
  const tell = (name: string, told?: unknown) => {
    for (const listener of emitter.listeners(name)) {
      harmless(
        () => listener(told),
        (cause) => log({ level: 'warn', event: 'client.listener_threw', fields: { cause } }),
      );
    }
  };
  const now = () => Math.floor(clock.nowMs() / 1000);
  const refused = (told: Refused) => {
    log({ level: 'warn', event: 'client.refused', fields: { what: told.what, reason: told.reason } });
    tell('refused', told);
  };
  // The node is ours before the book is read: no other client can be writing in it, and no offer is missed meanwhile.
  const { book, unguard } = await openGuarded(node, async () => {
    const found = await openBook(init.store, (record) => {
      tell(record.paymentHash);
      tell('changed', faceOf(record));
    });
    return { book: found, gates: gatekeeper({ book: found, limits, now, refused }) };
  });
  let closed = false;
  const asked = requests({ node, clock, random, log, timeoutMs: init.requestTimeoutMs });
  const expiry = watchExpiry(book, clock, log);
  const work: Work = { node, limits, token: init.token, book, asked, reserved: new Set(), now };

  function faceOf({ paymentHash }: PurchaseRecord): Purchase {
    const record = (): PurchaseRecord => {
      const found = book.of(paymentHash);
      if (!found) throw new RangeError('this purchase is not in the book');
      return found;
    };
    return purchaseOf({
      record,
      closed: () => closed,
      onChange(f) {
        emitter.on(paymentHash, f);
        return () => void emitter.off(paymentHash, f);
      },
      cancel: () =>
        book.turn(() => {
          const current = record();
          return { records: isOpen(current) ? [{ ...current, state: { tag: 'cancelled' } }] : [], result: undefined };
        }),
    });
  }

  return {
    async quotes({ amount }, options) {
      msat(amount);
      const all = await Promise.all(lsps.map((lsp) => quoteOf(work, lsp, amount, options)));
      if (options?.signal?.aborted) throw options.signal.reason;
      const usable = all.filter((each): each is Quote => 'openingFee' in each);
      const best = usable.reduce<Quote | undefined>((a, b) => (a && a.openingFee <= b.openingFee ? a : b), undefined);
      return { best, all };
    },
    async buy(quote, fields, options) {
      const record = await purchase(work, quote, fields, options);
      expiry.arm();
      return faceOf(record);
    },
    purchases: () => book.all().map((record) => faceOf(record)),
    listProtocols: (lsp, options) => listProtocols(asked, parseUri(lsp), options),
    getInfo: (lsp, options) => getInfo(asked, parseUri(lsp), init.token, options),
    on(event, f) {
      emitter.on(event, f);
      return () => void emitter.off(event, f);
    },
    async close() {
      asked.close();
      expiry.stop();
      await book.close();
      unguard();
      closed = true;
      for (const { paymentHash } of book.all()) tell(paymentHash);
    },
  };
}

function harmless(f: () => unknown, threw: (cause: string) => void = () => undefined): void {
  try {
    const returned = f();
    if (returned instanceof Promise) returned.catch((cause: unknown) => threw(String(cause)));
  } catch (cause) {
    threw(String(cause));
  }
}

/** Guards the node at once with gates that wait for the real ones; takes the guard away again when those cannot be had. */
async function openGuarded<Opened extends { readonly gates: Gates }>(
  node: WalletNode,
  open: () => Promise<Opened>,
): Promise<Opened & { readonly unguard: Stop }> {
  let done: (gates: Gates) => void = () => undefined;
  let failed: (cause: unknown) => void = () => undefined;
  const gates = new Promise<Gates>((resolve, reject) => {
    done = resolve;
    failed = reject;
  });
  gates.catch(() => undefined);
  const unguard = node.guard({
    channelOffered: async (offer) => (await gates).channelOffered(offer),
    channelGone: async (offerId) => (await gates).channelGone(offerId),
    channelReady: async (o) => (await gates).channelReady(o),
    partsArrived: async (set) => (await gates).partsArrived(set),
    partsClaimed: async (o) => (await gates).partsClaimed(o),
  });
  try {
    const opened = await open();
    done(opened.gates);
    return { ...opened, unguard };
  } catch (cause) {
    failed(cause);
    unguard();
    throw cause;
  }
}
