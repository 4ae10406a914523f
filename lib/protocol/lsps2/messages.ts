import type { Msat } from '../../core/amount.ts';
import { DecodeError } from '../../core/errors.ts';
import { formatScid, parseScid, type Scid } from '../../core/scid.ts';
import { asArray, asBoolean, asMsat, asObject, asString, asU16, field, optionalField } from '../lsps0/fields.ts';
import { type Json, type JsonObject, number, object } from '../lsps0/json.ts';
import { MENU_ENTRIES_MAX } from './menu.ts';
import { decodeOpeningFeeParams, type OpeningFeeParams, verbatimParams } from './openingFeeParams.ts';

export const GET_INFO = 'lsps2.get_info';
export const BUY = 'lsps2.buy';

/** Who moves first: does the LSP fund before it is paid, or the client reveal the preimage before it sees the funding? */
export type Trust = 'lsp-trusts-client' | 'client-trusts-lsp';

/** The parameters that each method knows, for `unrecognized` (bLIP-50 "-32602 Invalid Parameters Error"). */
export const KNOWN_PARAMS: Readonly<Record<string, readonly string[]>> = {
  [GET_INFO]: ['token'],
  [BUY]: ['opening_fee_params', 'payment_size_msat'],
};

export const encodeGetInfo = (token: string | undefined): JsonObject => object({ token });

export const decodeGetInfo = (params: JsonObject): { readonly token: string | undefined } => ({
  token: optionalField(params, 'token', 'params', asString),
});

export const encodeMenu = (menu: readonly JsonObject[]): JsonObject => object({ opening_fee_params_menu: menu });

/** The menu of a `lsps2.get_info` result; empty when the LSP sells nothing to us. @throws {@link DecodeError} */
export function decodeMenu(result: Json): readonly OpeningFeeParams[] {
  const path = 'result.opening_fee_params_menu';
  const menu = field(asObject(result, 'result'), 'opening_fee_params_menu', 'result', asArray);
  if (menu.length > MENU_ENTRIES_MAX) throw new DecodeError(path, `more than ${MENU_ENTRIES_MAX} entries`);
  return menu.map((entry, index) => decodeOpeningFeeParams(entry, `${path}[${index}]`));
}

export interface Buy {
  readonly params: OpeningFeeParams;
  /** Absent: a variable-amount invoice. */
  readonly paymentSize: Msat | undefined;
}

export const encodeBuy = ({ params, paymentSize }: Buy): JsonObject =>
  object({ opening_fee_params: verbatimParams(params), payment_size_msat: paymentSize?.toString() });

/** @throws {@link DecodeError} */
export const decodeBuy = (params: JsonObject): Buy => ({
  params: decodeOpeningFeeParams(params.get('opening_fee_params'), 'params.opening_fee_params'),
  paymentSize: optionalField(params, 'payment_size_msat', 'params', asMsat),
});

/** What was bought (bLIP-52 section 2, the result of `lsps2.buy`). */
export interface Bought {
  readonly scid: Scid;
  /** For the route hint of the invoice, which has 16 bits for it. */
  readonly lspCltvExpiryDelta: number;
  readonly trust: Trust;
}

export const encodeBought = (bought: Bought): JsonObject =>
  object({
    jit_channel_scid: formatScid(bought.scid),
    lsp_cltv_expiry_delta: number(bought.lspCltvExpiryDelta),
    client_trusts_lsp: bought.trust === 'client-trusts-lsp',
  });

/** @throws {@link DecodeError} */
export function decodeBought(value: Json): Bought {
  const result = asObject(value, 'result');
  return {
    scid: field(result, 'jit_channel_scid', 'result', (item, path) => parseScid(asString(item, path), path)),
    lspCltvExpiryDelta: field(result, 'lsp_cltv_expiry_delta', 'result', asU16),
    trust: optionalField(result, 'client_trusts_lsp', 'result', asBoolean) ? 'client-trusts-lsp' : 'lsp-trusts-client',
  };
}
