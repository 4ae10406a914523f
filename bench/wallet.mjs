import { decode as boltDecode, encode as boltEncode, sign as boltSign } from 'bolt11';
import { decode as lightDecode } from 'light-bolt11-decoder';
import * as ldk from 'lightningdevkit';
import { client, decodeInvoice, sat } from 'lsps2';
import { ldkNode } from 'lsps2/ldk';
import { flatRate, lsp } from 'lsps2/lsp';
import { memoryLightning, memoryStore } from 'lsps2/memory';
import { rawKey, signInvoice } from 'lsps2/protocol';
import { memoryChain } from 'lsps2/testing';
import { line, number, perSecond, title } from './measure.mjs';

/** The LSP would stop selling to one client after twenty unpaid purchases. */
const NO_CAPS = { unpaidPerClient: 1e6 };
const KEY = new Uint8Array(32).fill(5);

const terms = (count) => ({
  network: 'regtest',
  amount: sat(250_000n),
  timestamp: 1_800_000_000 + (count % 1_000_000),
  paymentHash: 'ab'.repeat(32),
  paymentSecret: 'cd'.repeat(32),
  description: 'coffee',
  expirySeconds: 3600,
  minFinalCltvExpiryDelta: 26,
  features: [8, 14, 17],
  routeHints: [],
});

const FEATURES = {
  word_length: 4,
  var_onion_optin: { required: true, supported: true },
  payment_secret: { required: true, supported: true },
  basic_mpp: { required: false, supported: true },
};

/** The same invoice by the npm package bolt11. */
const theirTerms = (count) => ({
  network: { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, validWitnessVersions: [0] },
  millisatoshis: '250000000',
  timestamp: 1_800_000_000 + (count % 1_000_000),
  tags: [
    { tagName: 'payment_hash', data: 'ab'.repeat(32) },
    { tagName: 'payment_secret', data: 'cd'.repeat(32) },
    { tagName: 'description', data: 'coffee' },
    { tagName: 'feature_bits', data: FEATURES },
    { tagName: 'expire_time', data: 3600 },
    { tagName: 'min_final_cltv_expiry', data: 26 },
  ],
});

export async function benchWallet() {
  title('A wallet: quote, buy and invoice, against an LSP in memory');
  await benchBuying();
  title('Invoices (per second; ours verifies what it signed, and recovers the payee when it reads)');
  // The WASM instance, which LDK's parser needs.
  const node = await ldkNode({ role: 'wallet', chain: memoryChain() });
  await benchInvoices();
  await node.stop();
}

async function benchBuying() {
  const net = memoryLightning();
  await lsp({ node: net.lsp, store: memoryStore(), policy: flatRate({ caps: NO_CAPS }) });
  const limits = { maxFee: sat(5_000n) };
  const jit = await client({ node: net.wallet, store: memoryStore(), lsps: [net.lspUri], limits });
  const rounds = 150;
  const begun = performance.now();
  for (let i = 0; i < rounds; i++) {
    const { best } = await jit.quotes({ amount: sat(250_000n) });
    await jit.buy(best, { description: 'bench' });
  }
  const rate = (rounds * 1000) / (performance.now() - begun);
  const signs = await signingRate();
  line(
    'quote + buy + invoice',
    `${number(rate)}/s`,
    `${number(rate / signs)}x signing and verifying its invoice alone`,
  );
  await jit.close();
}

async function signingRate() {
  const rounds = 150;
  const begun = performance.now();
  for (let i = 0; i < rounds; i++) await signInvoice(terms(i), rawKey(KEY));
  return (rounds * 1000) / (performance.now() - begun);
}

async function benchInvoices() {
  const ours = await signingRate();
  let count = 0;
  const theirs = perSecond(() => boltSign(boltEncode(theirTerms(count++), false), KEY));
  line(
    'build and sign',
    `${number(ours)}/s`,
    `${number(ours / theirs)}x the package bolt11 (${number(theirs)}/s), which verifies nothing`,
  );

  const { text } = await signInvoice(terms(1), rawKey(KEY));
  const read = perSecond(() => decodeInvoice(text));
  const bolt = perSecond(() => boltDecode(text, theirTerms(1).network));
  const light = perSecond(() => lightDecode(text));
  const rust = perSecond(() => {
    const parsed = ldk.Bolt11Invoice.constructor_from_str(text);
    if (!parsed.is_ok()) throw new Error(`LDK cannot read its own kind of invoice`);
    parsed.res.recover_payee_pub_key();
  });
  line('read and verify', `${number(read)}/s`, `${number(read / bolt)}x the package bolt11 (${number(bolt)}/s)`);
  line('', '', `${number(read / rust)}x LDK's parser in WebAssembly (${number(rust)}/s)`);
  line('', '', `${number(read / light)}x light-bolt11-decoder (${number(light)}/s), which verifies no signature`);
}
