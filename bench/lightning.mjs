// What the pure machine is fed with: one payment from its first part to its end.
import { msat, sat } from 'lsps2';
import { DEFAULT_RULES } from 'lsps2/lsp';
import { purchased, step } from 'lsps2/session';

const HASH = 'aa'.repeat(32);
const SIZE = sat(300_000n);

const world = { now: 1_000, height: 100, clientConnected: true, mayOpen: true, rules: DEFAULT_RULES };

export const purchase = (scid = 1n) =>
  purchased({
    scid,
    client: `02${'11'.repeat(32)}`,
    trust: 'lsp-trusts-client',
    paymentSize: SIZE,
    openingFee: sat(3_000n),
    minPaymentSize: sat(2_000n),
    maxPaymentSize: sat(10_000_000n),
    minFee: sat(1_000n),
    proportionalPpm: 10_000,
    validUntil: 10_000,
    maxClientToSelfDelayBlocks: 2016,
    minLifetimeBlocks: 0,
    lspCltvExpiryDelta: 144,
  });

/** Everything that happens to a payment of so many parts. */
export function story(parts) {
  const each = msat(SIZE / BigInt(parts));
  const ids = Array.from({ length: parts }, (_, i) => `part ${i}`);
  const limits = { sendable: sat(10_000_000n), htlcMinimum: msat(1n), toSelfDelayBlocks: 144, minimumDepth: 0 };
  const channelId = 'cc'.repeat(32);
  return [
    ...ids.map((id) => ({
      tag: 'partArrived',
      paymentHash: HASH,
      part: { id, amount: each, outgoingExpiryHeight: 200 },
      incomingAmount: each,
    })),
    { tag: 'channelAccepted', attempt: 1, limits },
    { tag: 'channelFunded', attempt: 1, channelId, fundingTxid: 'dd'.repeat(32) },
    { tag: 'fundingBroadcast', attempt: 1 },
    { tag: 'channelReady', attempt: 1, channelId },
    ...ids.map((id) => ({ tag: 'partSettled', paymentHash: HASH, id })),
  ];
}

/** The purchase after a whole story. */
export function run(inputs) {
  let current = purchase();
  for (const input of inputs) current = step(current, input, world).purchase;
  return current;
}
