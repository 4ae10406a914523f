import type { NodeId } from '../core/ids.ts';
import type { Scid } from '../core/scid.ts';
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
import { encodeOpeningFeeParams } from '../protocol/lsps2/openingFeeParams.ts';
import { isPromise, makePromise } from '../protocol/lsps2/promise.ts';
import type { Offer } from '../session/data.ts';
import type { Policy, Refusal } from './policy.ts';
import { RpcFault, type RpcReason } from './rpcFault.ts';
import type { Method } from './server.ts';

const PROTOCOLS = [2];

export interface Shop {
  readonly policy: Policy;
  /** The first makes promises, all are accepted. */
  readonly secrets: readonly Uint8Array[];
  /** Unix seconds. */
  now(): number;
  newScid(): Scid;
  /** Resolves when the purchase is durable. @throws RpcFault when the client has too many. */
  record(offer: Offer): Promise<void>;
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
  // The order is our promise to every client; an operator who breaks it must hear of it.
  if (menuDisorder(menu) !== -1) throw new Error('the policy returned a menu whose fees do not strictly increase');
  const [secret] = shop.secrets;
  if (!secret) throw new Error('there is no promise secret');
  return encodeMenu(menu.map((terms) => encodeOpeningFeeParams(terms, makePromise(secret, client, terms))));
}

async function buy(shop: Shop, client: NodeId, members: JsonObject): Promise<JsonObject> {
  const { params, paymentSize } = decodeBuy(members);
  if (!isPromise(params.promise, { secrets: shop.secrets, client, terms: params })) {
    throw new RpcFault('invalid_opening_fee_params');
  }
  // Variable amounts come with their own issue; until then they are refused before anything is sold.
  if (paymentSize === undefined) throw new RpcFault('client_rejected');
  const judged = judge(params, paymentSize, shop.now());
  if ('unfit' in judged) throw new RpcFault(UNFIT[judged.unfit]);
  const sale = await shop.policy.sell({ client, terms: params, paymentSize });
  if ('refuse' in sale) throw refused(sale);
  const scid = shop.newScid();
  await shop.record({
    scid,
    client,
    trust: sale.trust,
    paymentSize,
    maxPaymentSize: params.maxPaymentSize,
    openingFee: judged.fee,
    validUntil: params.validUntil,
    maxClientToSelfDelayBlocks: params.maxClientToSelfDelayBlocks,
    minLifetimeBlocks: params.minLifetimeBlocks,
    lspCltvExpiryDelta: sale.cltvExpiryDelta,
  });
  return encodeBought({ scid, lspCltvExpiryDelta: sale.cltvExpiryDelta, trust: sale.trust });
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
