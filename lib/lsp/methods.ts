import type { NodeId } from '../core/ids.ts';
import type { Scid } from '../core/scid.ts';
import type { LspNode } from '../ports/lspNode.ts';
import type { JsonObject } from '../protocol/lsps0/json.ts';
import { encodeProtocols, LIST_PROTOCOLS } from '../protocol/lsps0/listProtocols.ts';
import { judge, menuDisorder, type Unfit } from '../protocol/lsps2/menu.ts';
import {
  BUY,
  decodeBuy,
  decodeGetInfo,
  encodeBought,
  encodeMenu,
  GET_INFO,
  KNOWN_PARAMS,
} from '../protocol/lsps2/messages.ts';
import { encodeOpeningFeeParams, type OpeningFeeTerms } from '../protocol/lsps2/openingFeeParams.ts';
import { isPromise, makePromise } from '../protocol/lsps2/promise.ts';
import type { Offer } from '../session/data.ts';
import type { Policy, Refusal, Sale } from './policy.ts';
import { RpcFault, type RpcReason } from './rpcFault.ts';
import { type Secrets, VALID_SECONDS_MAX } from './secrets.ts';
import type { Method } from './server.ts';
import type { Counts } from './tally.ts';

const PROTOCOLS = [2];

/** bLIP-52 section 1: `valid_until` is at least 10 minutes away. */
const VALID_SECONDS_MIN = 600;

export interface Shop {
  readonly policy: Policy;
  readonly node: Pick<LspNode, 'receivable'>;
  readonly secrets: Secrets;
  /** Unix seconds. */
  now(): number;
  newScid(): Scid;
  /** Resolves when the purchase is durable. @throws RpcFault when the client has too many. */
  record(offer: Offer): Promise<void>;
  counts(client: NodeId): { readonly client: Counts; readonly total: Counts };
}

/** The methods of LSPS0 and LSPS2 that this LSP answers. */
export const methods = (shop: Shop): Readonly<Record<string, Method>> => ({
  [LIST_PROTOCOLS]: { params: [], call: async () => encodeProtocols(PROTOCOLS) },
  [GET_INFO]: { params: KNOWN_PARAMS[GET_INFO] ?? [], call: (client, params) => getInfo(shop, client, params) },
  [BUY]: { params: KNOWN_PARAMS[BUY] ?? [], call: (client, params) => buy(shop, client, params) },
});

async function getInfo(shop: Shop, client: NodeId, params: JsonObject): Promise<JsonObject> {
  const { token } = decodeGetInfo(params);
  const menu = await shop.policy.menu({ client, token, now: shop.now() });
  if ('refuse' in menu) throw refused(menu);
  checkMenu(menu, shop.now());
  const secret = await shop.secrets.current();
  return encodeMenu(menu.map((terms) => encodeOpeningFeeParams(terms, makePromise(secret, client, terms))));
}

/** What we promise to every client; an operator whose policy breaks it must hear of it. */
function checkMenu(menu: readonly OpeningFeeTerms[], now: number): void {
  if (menuDisorder(menu) !== -1) throw new Error('the policy returned a menu whose fees do not strictly increase');
  if (menu.some(({ validUntil }) => validUntil < now + VALID_SECONDS_MIN)) {
    throw new Error(`the policy returned an offer that holds for less than ${VALID_SECONDS_MIN} s (bLIP-52 section 1)`);
  }
  if (menu.some(({ validUntil }) => validUntil > now + VALID_SECONDS_MAX)) {
    throw new Error(`the policy returned an offer that holds for more than ${VALID_SECONDS_MAX} s`);
  }
}

async function buy(shop: Shop, client: NodeId, members: JsonObject): Promise<JsonObject> {
  const { params, paymentSize } = decodeBuy(members);
  if (!isPromise(params.promise, { secrets: shop.secrets.all(), client, terms: params })) {
    throw new RpcFault('invalid_opening_fee_params');
  }
  const now = shop.now();
  // With a variable amount the size is judged when the payment comes.
  const judged = paymentSize === undefined ? { fee: undefined } : judge(params, paymentSize, now);
  if ('unfit' in judged) throw new RpcFault(UNFIT[judged.unfit]);
  if (now >= params.validUntil) throw new RpcFault('invalid_opening_fee_params');
  const receivable = await shop.node.receivable?.();
  // bLIP-52 section 2: what others cannot send to us we cannot forward.
  if (receivable !== undefined && (paymentSize ?? params.minPaymentSize) > receivable) {
    throw new RpcFault('payment_size_too_large');
  }
  const wanted = await shop.policy.sell({ client, terms: params, paymentSize });
  if ('refuse' in wanted) throw refused(wanted);
  const sale = capped(shop, client, wanted);
  const scid = shop.newScid();
  await shop.record({
    scid,
    client,
    trust: sale.trust,
    paymentSize,
    openingFee: judged.fee,
    minPaymentSize: params.minPaymentSize,
    maxPaymentSize: params.maxPaymentSize,
    minFee: params.minFee,
    proportionalPpm: params.proportionalPpm,
    validUntil: params.validUntil,
    maxClientToSelfDelayBlocks: params.maxClientToSelfDelayBlocks,
    minLifetimeBlocks: params.minLifetimeBlocks,
    lspCltvExpiryDelta: sale.cltvExpiryDelta,
  });
  return encodeBought({ scid, lspCltvExpiryDelta: sale.cltvExpiryDelta, trust: sale.trust });
}

/** Whoever has too many channels that nobody paid for gets the next one only when it is paid for. */
function capped(shop: Shop, client: NodeId, sale: Sale): Sale {
  const { caps } = shop.policy;
  const counts = shop.counts(client);
  const tooMany =
    counts.client.unpaidChannels >= caps.unpaidChannelsPerClient || counts.total.unpaidChannels >= caps.unpaidChannels;
  return tooMany ? { ...sale, trust: 'client-trusts-lsp' } : sale;
}

const refused = (refusal: Refusal) => new RpcFault(refusal.refuse);

/** bLIP-52 names no code for a size out of range; LDK and CLN answer as here. */
const UNFIT: Readonly<Record<Unfit, RpcReason>> = {
  expired: 'invalid_opening_fee_params',
  payment_too_small: 'payment_size_too_small',
  payment_too_large: 'payment_size_too_large',
  overflow: 'payment_size_too_large',
  fee_not_below_payment: 'payment_size_too_small',
};
