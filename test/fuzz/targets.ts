import { decodeInvoice } from 'lsps2';
import { sat } from '../../lib/core/amount.ts';
import { paymentHash } from '../../lib/core/ids.ts';
import { scid } from '../../lib/core/scid.ts';
import { encodeUtf8 } from '../../lib/core/utf8.ts';
import { decodeTlvStream } from '../../lib/protocol/bolt1/tlv.ts';
import { rawKey, signInvoice } from '../../lib/protocol/bolt11/sign.ts';
import { publicKey } from '../../lib/protocol/bolt11/signature.ts';
import { decodeBech32, encodeBech32 } from '../../lib/protocol/bolt11/words.ts';
import { decodeFrame } from '../../lib/protocol/lsps0/frame.ts';
import { parseJson } from '../../lib/protocol/lsps0/json.ts';
import { decodeClientBound } from '../../lib/protocol/lsps0/jsonRpc.ts';
import { decodeExtraFee } from '../../lib/protocol/lsps2/extraFee.ts';
import { decodeBought, decodeMenu } from '../../lib/protocol/lsps2/messages.ts';
import type { Dice } from '../random.ts';
import { mutator } from './mutate.ts';

// What of a stranger's reaches the client, each with its own mutations.

const ENTRY = {
  min_fee_msat: '1000000',
  proportional: 10_000,
  valid_until: '2030-02-23T08:47:30.511Z',
  min_lifetime: 1008,
  max_client_to_self_delay: 2016,
  min_payment_size_msat: '1000',
  max_payment_size_msat: '1000000000000',
  promise: 'abcdefghijklmnopqrstuvwxyz',
};
const MENU = { opening_fee_params_menu: [ENTRY, { ...ENTRY, min_fee_msat: '2000000' }] };
const BOUGHT = { jit_channel_scid: '29451x4815x1', lsp_cltv_expiry_delta: 144, client_trusts_lsp: false };
const ERROR = { code: 201, message: 'no', data: { unrecognized: ['x'] } };
const response = (result: object) => ({ jsonrpc: '2.0', id: 'ab'.repeat(16), result });
const KEY = new Uint8Array(32).fill(9);

/** One kind of input: makes one, and reads it as the client does. */
export interface Target {
  readonly name: string;
  /** How many of a hundred inputs are of this kind. */
  readonly share: number;
  run(): void;
}

export async function targets(roll: Dice): Promise<readonly Target[]> {
  const { bytes, json, text } = mutator(roll);
  const { text: invoice } = await signInvoice(
    {
      network: 'regtest',
      amount: sat(100_000n),
      timestamp: 1_800_000_000,
      paymentHash: paymentHash('ab'.repeat(32)),
      paymentSecret: 'cd'.repeat(32),
      description: 'fuzz',
      expirySeconds: 3600,
      minFinalCltvExpiryDelta: 26,
      features: [8, 14, 17],
      routeHints: [
        [{ nodeId: publicKey(KEY), scid: scid(1n), feeBaseMsat: 0, feeProportionalPpm: 0, cltvExpiryDelta: 144 }],
      ],
    },
    rawKey(KEY),
  );
  const letters = encodeUtf8(invoice);
  const ascii = (given: Uint8Array) => String.fromCharCode(...given);

  return [
    {
      name: 'frame',
      share: 30,
      run: () => void decodeClientBound(decodeFrame(bytes(encodeUtf8(JSON.stringify(response(MENU)))))),
    },
    {
      name: 'message',
      share: 20,
      run: () =>
        void decodeClientBound(
          decodeFrame(encodeUtf8(text(json(roll.pick([response(BOUGHT), { ...response({}), error: ERROR }]))))),
        ),
    },
    { name: 'menu', share: 20, run: () => void decodeMenu(parseJson(text(json(MENU)))) },
    { name: 'bought', share: 15, run: () => void decodeBought(parseJson(text(json(BOUGHT)))) },
    { name: 'invoice', share: 8, run: () => void decodeInvoice(ascii(bytes(letters))) },
    {
      // With a checksum that fits: what lies behind it is read too, down to the signature.
      name: 'invoice that is bech32',
      share: 1,
      run() {
        const { prefix, words } = decodeBech32(invoice);
        const changed = [...bytes(Uint8Array.from(words))].map((word) => word % 32);
        decodeInvoice(encodeBech32({ prefix: roll.chance(0.1) ? `ln${prefix}` : prefix, words: changed }));
      },
    },
    { name: 'tlv', share: 4, run: () => void decodeTlvStream(bytes(Uint8Array.of(1, 2, 3, 4, 0xfd, 1, 0, 0))) },
    { name: 'extra_fee', share: 2, run: () => void decodeExtraFee(roll.bytes(roll.upTo(12))) },
  ];
}
