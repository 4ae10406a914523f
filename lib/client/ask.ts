import { type Msat, msat } from '../core/amount.ts';
import { formatUri, type NodeId, parseUri } from '../core/ids.ts';
import type { Abortable } from '../ports/abort.ts';
import type { OpeningFeeParams } from '../protocol/lsps2/openingFeeParams.ts';
import { getInfo, listProtocols } from './calls.ts';
import type { Wish } from './entry.ts';
import type { KnownLsp } from './lspSource.ts';
import { type AnyQuote, cheapest, chooseQuote, type FixedQuote, type Quote, type Unusable } from './quote.ts';
import type { Requests } from './requests.ts';
import { TermsError } from './terms.ts';

// Asking LSPs for their price: with a wallet's node, or with none.

export interface Quotes<Q extends Quote = Quote> {
  readonly best: Q | undefined;
  /** One for each LSP, in the order given. */
  readonly all: readonly (Q | Unusable)[];
}

/** What is asked for. */
interface Asked {
  readonly amount: Msat | 'any';
  /** With `any`: by which amount quotes are compared. */
  readonly expected?: Msat | undefined;
}

/** How LSPs are asked for their price. */
export interface Quoting {
  /**
   * What a payment of this size costs at each LSP, and the cheapest. LSPs that cannot serve stand in `all` with their
   * error; this rejects only when aborted, or with RangeError on an amount outside of u64.
   */
  quotes(o: { readonly amount: Msat }, options?: Abortable): Promise<Quotes<FixedQuote>>;
  /**
   * The same where the payer decides how much to pay. `expected` says by which amount to compare; without it, by the smallest
   * that all of them take.
   */
  quotes(o: { readonly amount: 'any'; readonly expected?: Msat }, options?: Abortable): Promise<Quotes<AnyQuote>>;
  /** The LSPS numbers that an LSP speaks. @throws TransportError, RpcError, DecodeError */
  listProtocols(lsp: string, options?: Abortable): Promise<readonly number[]>;
  /** An LSP's whole menu, unjudged; `quotes` chooses from it. @throws TransportError, RpcError, DecodeError */
  getInfo(lsp: string, options?: Abortable): Promise<readonly OpeningFeeParams[]>;
}

/** Who asks, and by what the answers are judged. */
interface Judging {
  readonly asked: Requests;
  readonly lsps: ReadonlyMap<NodeId, KnownLsp>;
  readonly judgedBy: () => Omit<Wish, 'amount' | 'expected'>;
}

/** Both questions go out in one flight: the second is not worth a round trip more. */
async function quoteOf(
  { asked, judgedBy }: Judging,
  { peer, token }: KnownLsp,
  wanted: Asked,
  options?: Abortable,
): Promise<Quote | Unusable> {
  let protocols: readonly number[] | undefined;
  try {
    const speaks = listProtocols(asked, peer, options);
    const menu = getInfo(asked, peer, token, options);
    // What it says to the second question is of no interest when the first is answered with a no.
    menu.catch(() => undefined);
    protocols = await speaks;
    if (!protocols.includes(LSPS2)) throw new TermsError('no_lsps2', 'this node does not sell JIT channels (LSPS2)');
    return Object.freeze({ ...chooseQuote(peer, await menu, { ...wanted, ...judgedBy() }), protocols });
  } catch (error) {
    return { lsp: formatUri(peer), error, ...(protocols ? { protocols } : {}) };
  }
}

const LSPS2 = 2;

export function quoting(judging: Judging): Quoting {
  const { asked, lsps } = judging;
  return {
    quotes: (o: Asked, options?: Abortable) => quotesOf(judging, o, options),
    listProtocols: (lsp, options) => listProtocols(asked, parseUri(lsp), options),
    getInfo(lsp, options) {
      const peer = parseUri(lsp);
      return getInfo(asked, peer, lsps.get(peer.nodeId)?.token, options);
    },
  };
}

/** @throws RangeError, `signal.reason` */
async function quotesOf(judging: Judging, wanted: Asked, options?: Abortable): Promise<Quotes<never>> {
  if (wanted.amount !== 'any') msat(wanted.amount);
  if (wanted.expected !== undefined) msat(wanted.expected);
  const all = await Promise.all([...judging.lsps.values()].map((lsp) => quoteOf(judging, lsp, wanted, options)));
  if (options?.signal?.aborted) throw options.signal.reason;
  const usable = all.filter((each): each is Quote => 'kind' in each);
  // Each of them is of the kind that was asked for.
  return { best: cheapest(usable, wanted.expected), all } as Quotes<never>;
}
