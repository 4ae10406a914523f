#!/usr/bin/env node
// The price of Core Lightning's LSP in our tests: its plugin cln-lsps-service asks another plugin for it. Amounts are strings of
// millisatoshi, but for the capacity that the version of 26.06 wants. stdout belongs to lightningd.
import { createInterface } from 'node:readline';

const MIN_FEE_MSAT = 1_000_000n;
const MAX_PAYMENT_MSAT = 4_000_000_000n;

/** A tenth more than the payment, and room for what the opener must keep. */
const capacity = (payment) =>
  ((BigInt(String(payment ?? MAX_PAYMENT_MSAT).replace('msat', '')) * 11n) / 10_000n + 100_000n) * 1000n;

const METHODS = {
  'lsps2-policy-getpolicy': () => ({
    policy_opening_fee_params_menu: [
      {
        min_fee_msat: String(MIN_FEE_MSAT),
        proportional: 10_000,
        valid_until: new Date(Date.now() + 3_600_000).toISOString(),
        min_lifetime: 1008,
        max_client_to_self_delay: 2016,
        min_payment_size_msat: '2000000',
        max_payment_size_msat: String(MAX_PAYMENT_MSAT),
      },
    ],
  }),
  // PR 8948
  'lsps2-policy-buy': ({ payment_size_msat: size }) => ({ channel_capacity_msat: String(capacity(size)) }),
  // 26.06
  'lsps2-policy-getchannelcapacity': ({ init_payment_size: size }) => ({
    channel_capacity_msat: Number(capacity(size)),
  }),
  getmanifest: () => ({
    dynamic: true,
    options: [],
    rpcmethods: Object.keys(METHODS)
      .filter((name) => name.startsWith('lsps2-'))
      .map((name) => ({ name, usage: '', description: 'what a channel costs' })),
  }),
  init: () => ({}),
};

let text = '';
for await (const line of createInterface({ input: process.stdin })) {
  text += line;
  if (line !== '' || text === '') continue;
  const { id, method, params } = JSON.parse(text);
  text = '';
  if (id !== undefined)
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: METHODS[method](params ?? {}) })}\n\n`);
}
