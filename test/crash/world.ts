import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import * as ldk from 'lightningdevkit';
import type { FlatRate } from 'lsps2/lsp';
import { type Msat, msat, wholeSat } from '../../lib/core/amount.ts';
import { fromHex, toHex } from '../../lib/core/bytes.ts';
import type { PaymentHash } from '../../lib/core/ids.ts';
import { formatScid, parseScid, type Scid } from '../../lib/core/scid.ts';
import { someOf, toPaymentHash, toU64, unwrap } from '../../lib/nodes/ldk/fromLdk.ts';
import { type LdkNode, startNode } from '../../lib/nodes/ldk/node.ts';
import { ldkWallet } from '../../lib/nodes/ldk/wallet.ts';
import type { Purchase } from '../../lib/session/purchase.ts';
import { memoryChain } from '../../lib/testing/chain/memory.ts';
import { openChannel } from '../../lib/testing/openChannel.ts';
import { hop, ldkPayer, outboundScids } from '../../lib/testing/payer.ts';
import { until } from '../../lib/testing/until.ts';
import { lspChild, type PointKind, type Report } from './lspChild.ts';
import { buyByHand } from './buyByHand.ts';

/** What was bought, and how to pay it. */
export interface Sold {
  readonly scid: Scid;
  readonly paymentHash: PaymentHash;
  readonly paymentSecret: string;
  readonly cltvExpiryDelta: number;
}

export interface CrashWorld {
  sell(amount: Msat | undefined): Promise<Sold>;
  /** Pays, each list of amounts as a payment of its own, until all of them are paid; a payer tries again. */
  pay(sold: Sold, payments: readonly (readonly Msat[])[]): Promise<void>;
  /** Does a job while the LSP dies at a point; starts it again and connects everybody. Resolves with the point. */
  payOver(at: number, sold: Sold, job: () => Promise<void>): Promise<string | undefined>;
  balances(): { readonly payer: bigint; readonly wallet: bigint; readonly channels: number };
  purchase(sold: Sold): Promise<Purchase | undefined>;
  report(): Promise<Report>;
  /** The same, without the purchases that ended well. */
  unpaid(): Promise<Report>;
  /** How many funding transactions of this purchase the chain has seen. */
  onChain(sold: Sold): Promise<number>;
  close(): Promise<void>;
}

const PAYER_CHANNELS = 2;
const TRIES_MAX = 4;
const FINAL_CLTV = 26;
const ANSWER_MS_MAX = 45_000;

export async function crashWorld(
  path: string,
  options: FlatRate & { readonly kinds: readonly PointKind[] },
): Promise<CrashWorld> {
  const chain = memoryChain();
  const lsp = lspChild(chain, path, { minFee: msat(1_000n), proportionalPpm: 10_000, ...options });
  await lsp.start();
  const payer = await startNode({ chain, role: 'payer' });
  const walletNode = await startNode({ chain, role: 'wallet' });
  const wallet = ldkWallet(walletNode);
  // A wallet that trusts: here it is the LSP whose promises are at stake.
  wallet.guard({
    channelOffered: async () => ({ accept: true, minimumDepth: 0 }),
    channelGone: async () => undefined,
    channelReady: async () => undefined,
    channelClosed: async () => undefined,
    partsHeld: async () => undefined,
    partsGone: async () => undefined,
    partsArrived: async () => 'claim',
    partsClaimed: async () => undefined,
  });

  let claimed = 0n;
  walletNode.onEvent((event) => {
    if (event instanceof ldk.Event_PaymentClaimed) claimed += toU64(event.amount_msat);
  });

  async function connect(): Promise<void> {
    for (const node of [payer, walletNode]) {
      await until(() => !node.connectedPeers.has(lsp.uri().nodeId), 'the old connection to be gone').catch(
        () => undefined,
      );
      if (!node.connectedPeers.has(lsp.uri().nodeId)) await node.dial(lsp.uri());
    }
    await until(() => [payer, walletNode].every((node) => isBack(node)), 'everybody to be back');
  }
  const isBack = (node: LdkNode) =>
    node.connectedPeers.has(lsp.uri().nodeId) &&
    node.manager.list_channels().every((channel) => !channel.get_is_channel_ready() || channel.get_is_usable());

  await payer.dial(lsp.uri());
  await walletNode.dial(lsp.uri());
  await until(() => isBack(payer) && isBack(walletNode), 'everybody to be connected');
  for (let i = 0; i < PAYER_CHANNELS; i++) await openChannel(chain, payer, lsp.uri().nodeId, wholeSat(16_000_000n));

  function once(sold: Sold, amounts: readonly Msat[]): Promise<boolean> {
    const scids = outboundScids(payer, lsp.uri().nodeId);
    if (scids.length < PAYER_CHANNELS) return Promise.resolve(false);
    const paths = amounts.map((amount, index) =>
      ldk.Path.constructor_new(
        [
          hop(lsp.uri().nodeId, scids[index % scids.length] ?? 0n, 0n, sold.cltvExpiryDelta),
          hop(walletNode.nodeId, sold.scid, amount, FINAL_CLTV),
        ],
        null,
      ),
    );
    const paymentId = new Uint8Array(randomBytes(32));
    const outcome = new Promise<boolean>((resolve, reject) => {
      setTimeout(() => reject(new Error('the payer got no answer')), ANSWER_MS_MAX).unref();
      const stop = payer.onEvent((event) => {
        if (!('payment_id' in event)) return;
        const id = event.payment_id as Uint8Array | object;
        const bytes = id instanceof Uint8Array ? id : someOf<Uint8Array>(id);
        if (!bytes || toHex(bytes) !== toHex(paymentId)) return;
        if (event instanceof ldk.Event_PaymentSent || event instanceof ldk.Event_PaymentFailed) {
          stop();
          resolve(event instanceof ldk.Event_PaymentSent);
        }
      });
    });
    const secret = ldk.RecipientOnionFields.constructor_secret_only(fromHex(sold.paymentSecret));
    const route = ldk.Route.constructor_new(paths, null);
    const sent = payer.manager.send_payment_with_route(route, fromHex(sold.paymentHash), secret, paymentId);
    payer.wake();
    return sent.is_ok() ? outcome : Promise.resolve(false);
  }

  async function pay(sold: Sold, amounts: readonly Msat[]): Promise<void> {
    for (let i = 0; i < TRIES_MAX; i++) {
      await until(() => lsp.isUp() && isBack(payer) && isBack(walletNode), 'the LSP to be back');
      if (await once(sold, amounts)) return;
    }
    throw new Error(`not paid in ${TRIES_MAX} tries`);
  }

  const purchase = async ({ scid }: Sold) =>
    (await lsp.report()).purchases.find(([name]) => name === formatScid(scid))?.[1];

  return {
    async sell(amount) {
      const bought = await buyByHand(wallet, lsp.uri().nodeId, amount);
      const made = unwrap<ldk.TwoTuple_ThirtyTwoBytesThirtyTwoBytesZ>(
        walletNode.manager.create_inbound_payment(
          amount === undefined ? ldk.Option_u64Z.constructor_none() : ldk.Option_u64Z.constructor_some(amount),
          3600,
          ldk.Option_u16Z.constructor_none(),
        ),
        'create_inbound_payment',
      );
      return {
        scid: parseScid(bought.jit_channel_scid),
        cltvExpiryDelta: bought.lsp_cltv_expiry_delta,
        paymentHash: toPaymentHash(made.get_a()),
        paymentSecret: toHex(made.get_b()),
      };
    },
    async pay(sold, payments) {
      await Promise.all(payments.map((amounts) => pay(sold, amounts)));
    },
    async payOver(at, sold, job) {
      await lsp.arm(at);
      let died: string | undefined;
      const watch = lsp.died().then(async (point) => {
        if (point === undefined) return;
        died = point;
        if (process.env['LSPS2_CRASH_LOUD']) process.stderr.write(`died ${point}\n`);
        await lsp.start();
        await connect();
      });
      await Promise.race([job(), watch.then(() => new Promise(() => undefined))]);
      // The payer has its answer; the LSP may have something left to do, and may die over that.
      let last: unknown;
      const isDone = async () => {
        const record = await purchase(sold).catch((cause: unknown) => void (last = cause));
        if (record) last = record;
        return record?.paid === true;
      };
      // A restart that fails is told as what it is, not as a wait in vain.
      const restart = watch.then(() => new Promise<never>(() => undefined));
      const words = () =>
        `the LSP to know that it was paid; died ${died ?? 'nowhere'}, up: ${lsp.isUp()}, ${inspect(last)}`;
      await Promise.race([until(isDone, words), restart]);
      await lsp.arm(Number.POSITIVE_INFINITY).catch(() => watch);
      if (died !== undefined) await watch;
      return died;
    },
    balances: () => ({
      payer: ldkPayer(payer).balance(),
      wallet: claimed,
      channels: walletNode.manager.list_channels().length,
    }),
    purchase,
    report: lsp.report,
    async unpaid() {
      const report = await lsp.report();
      return { ...report, purchases: report.purchases.filter(([, { paid }]) => !paid) };
    },
    async onChain(sold) {
      const { channel } = (await purchase(sold)) ?? {};
      await chain.mine(1);
      const height = channel?.fundingTxid && (await chain.heightOf(channel.fundingTxid));
      return height === undefined ? 0 : 1;
    },
    async close() {
      await lsp.kill();
      await payer.stop();
      await walletNode.stop();
      await chain.close();
    },
  };
}
