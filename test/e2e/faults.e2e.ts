import { randomBytes } from 'node:crypto';
import * as ldk from 'lightningdevkit';
import { type Client, client, decodeInvoice, msat, type Purchase, sat } from 'lsps2';
import { memoryStore } from 'lsps2/memory';
import { network, type NetworkOptions, type TestNetwork } from 'lsps2/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { wholeSat } from '../../lib/core/amount.ts';
import { fromHex } from '../../lib/core/bytes.ts';
import { parseUri } from '../../lib/core/ids.ts';
import { toNodeId, unwrap } from '../../lib/nodes/ldk/fromLdk.ts';
import { type LdkNode, startNode } from '../../lib/nodes/ldk/node.ts';
import { openChannel } from '../../lib/testing/openChannel.ts';
import { hop, outboundScids } from '../../lib/testing/payer.ts';
import { until } from '../../lib/testing/until.ts';

const AMOUNT = sat(250_000n);
const FEE = sat(2_500n);
const half = msat(AMOUNT / 2n);
const PAID = { tag: 'paid', gross: AMOUNT, fee: FEE, received: AMOUNT - FEE };

interface World {
  net: TestNetwork;
  jit: Client;
  purchase: Purchase;
  before: bigint;
  events: string[];
}

async function world(options: NetworkOptions = {}): Promise<World> {
  const net = await network(options);
  const jit = await client({ node: net.wallet, store: memoryStore(), lsps: [net.lsp.uri], limits: { maxFee: FEE } });
  onTestFinished(async () => {
    await jit.close();
    await net.close();
  });
  const events: string[] = [];
  for (const name of [
    'channelOpening',
    'channelFunded',
    'fundingBroadcast',
    'partForwarded',
    'clientAway',
    'ended',
  ] as const) {
    net.lsp.on(name, () => events.push(name));
  }
  const { best } = await jit.quotes({ amount: AMOUNT });
  const purchase = await jit.buy(best!, { description: 'faults' });
  return { net, jit, purchase, before: net.payer.balance(), events };
}

const hang = (net: TestNetwork) => {
  net.nodes.wallet.peers.disconnect_by_node_id(fromHex(net.lsp.nodeId));
  net.nodes.wallet.wake();
};

describe('on LDK nodes, things that go wrong', () => {
  test('I, L8: a part with less than its onion says is failed at once, and no channel opens', async () => {
    const { net, purchase, events, before } = await world();
    const mallory = await startNode({ chain: net.chain, role: 'lsp' });
    onTestFinished(() => mallory.stop());
    const port = await mallory.listen();
    await net.nodes.payer.dial({ nodeId: mallory.nodeId, host: '127.0.0.1', port });
    await mallory.dial(parseUri(net.lsp.uri));
    await until(() => mallory.connectedPeers.size === 2, 'mallory to be connected');
    await openChannel(net.chain, net.nodes.payer, mallory.nodeId, wholeSat(1_000_000n));
    await openChannel(net.chain, mallory, net.nodes.lsp.nodeId, wholeSat(1_000_000n));

    const failed = new Promise((resolve) => net.lsp.on('partFailed', resolve));
    const amount = msat(1_000n);
    mallory.onEvent((event) => {
      if (!(event instanceof ldk.Event_HTLCIntercepted)) return;
      const [toLsp] = mallory.manager
        .list_usable_channels()
        .filter((channel) => toNodeId(channel.get_counterparty().get_node_id()) === net.lsp.nodeId);
      unwrap(
        mallory.manager.forward_intercepted_htlc(
          event.intercept_id,
          toLsp!.get_channel_id(),
          fromHex(net.lsp.nodeId),
          amount,
        ),
        'mallory forwards',
      );
      mallory.wake();
    });
    const gaveUp = payThrough(net.nodes.payer, mallory, purchase);
    // 1 sat came in, the onion promises the wallet 250,000 sat.
    expect(await failed).toMatchObject({ reason: 'unknown_next_peer' });
    await gaveUp;
    expect(events).toEqual([]);
    await until(() => net.payer.balance() >= before, 'the payer to have its money back');
  });

  test('an incomplete set is failed with temporary_channel_failure, and the retry is paid', async () => {
    const { net, purchase, events } = await world({ policy: { rules: { collectSeconds: 2 } } });
    expect(await net.payer.payParts(purchase.invoice, [half])).toEqual({
      paid: false,
      failureCode: 'temporary_channel_failure',
    });
    expect(events).toEqual(['ended']);
    expect(await net.payer.pay(purchase.invoice, { parts: 2 })).toMatchObject({ paid: true });
    expect(await purchase.outcome()).toEqual(PAID);
  });

  test('a wallet that is offline until after the last part is paid', async () => {
    const { net, purchase, events } = await world();
    hang(net);
    await until(() => !net.lsp.node.isConnected(net.wallet.nodeId), 'the wallet to be gone');
    const paying = net.payer.pay(purchase.invoice, { parts: 2 });
    await until(() => events.includes('clientAway'), 'the LSP to notice');
    await net.wallet.connect(parseUri(net.lsp.uri));
    expect(await paying).toMatchObject({ paid: true });
    expect(await purchase.outcome()).toEqual(PAID);
  });

  test('a wallet that stays offline costs nobody anything', async () => {
    const { net, purchase, before, events } = await world({ policy: { rules: { collectSeconds: 2 } } });
    hang(net);
    await until(() => !net.lsp.node.isConnected(net.wallet.nodeId), 'the wallet to be gone');
    expect(await net.payer.pay(purchase.invoice)).toEqual({ paid: false, failureCode: 'temporary_channel_failure' });
    await until(() => net.payer.balance() === before, 'the money to be back');
    expect(events).toEqual(['clientAway', 'ended']);
  });

  test('a wallet that refuses the channel fails the payment with unknown_next_peer', async () => {
    const { net, purchase, before, events } = await world({ publicChannels: true });
    expect(await net.payer.pay(purchase.invoice, { parts: 2 })).toEqual({
      paid: false,
      failureCode: 'unknown_next_peer',
    });
    expect(purchase.state).toEqual({ tag: 'refused', what: 'channel', reason: 'public_channel' });
    await until(() => net.payer.balance() === before, 'the money to be back');
    expect(events).not.toContain('channelFunded');
  });

  test('a payment that fails at the wallet leaves the channel unpaid; the retry uses it and pays the fee, once', async () => {
    let cheat = 1n;
    const { net, purchase, events, before } = await world({
      tamper: (node) => ({ ...node, forward: (part) => node.forward({ ...part, amount: msat(part.amount - cheat) }) }),
    });
    expect(await net.payer.pay(purchase.invoice, { parts: 2 })).toMatchObject({ paid: false });
    await until(() => events.includes('ended'), 'the session to end');
    expect(net.lsp.purchases()[0]).toMatchObject({
      feeSettled: 0n,
      openAttempts: 1,
      channel: { stage: 'ready', broadcast: 'done' },
    });
    cheat = 0n;
    expect(await net.payer.pay(purchase.invoice, { parts: 3 })).toMatchObject({ paid: true });
    await until(() => purchase.state.tag === 'paid', 'the money');
    expect(purchase.state).toEqual(PAID);
    await until(() => net.lsp.purchases()[0]!.feeSettled === FEE, 'the fee');
    expect(events.filter((event) => event === 'channelOpening')).toHaveLength(1);
    await until(() => before - net.payer.balance() === AMOUNT, 'the payer to have paid once');
  });

  test('the same invoice paid twice: one fee, one channel, the second passes untouched', async () => {
    const { net, purchase, events } = await world({ policy: { overProvisionPpm: 2_000_000 } });
    expect(await net.payer.pay(purchase.invoice)).toMatchObject({ paid: true });
    await purchase.outcome();
    await until(() => events.includes('ended'), 'the session to end');
    expect(await net.payer.pay(purchase.invoice, { parts: 2 })).toMatchObject({ paid: true });
    await until(() => purchase.state.tag === 'paid' && purchase.state.gross === 2n * AMOUNT, 'the second payment');
    expect(purchase.state).toMatchObject({ fee: FEE });
    expect(events.filter((event) => event === 'channelOpening')).toHaveLength(1);
  });

  test('a part that its node gives back by itself is forgotten: one satoshi more completes no set', async () => {
    const { net, purchase, events } = await world();
    const almost = msat(AMOUNT - 1_000n);
    const first = net.payer.payParts(purchase.invoice, [almost]);
    await until(() => Object.keys(net.lsp.purchases()[0]!.sessions).length === 1, 'the part to be held');
    await net.mine(12);
    expect(await first).toMatchObject({ paid: false });
    const second = net.payer.payParts(purchase.invoice, [msat(1_000n)]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(events).not.toContain('channelOpening');
    await net.mine(12);
    expect(await second).toMatchObject({ paid: false });
  });
});

/** payer -> mallory (her intercept scid) -> LSP (the JIT scid) -> wallet. */
async function payThrough(payer: LdkNode, mallory: LdkNode, purchase: Purchase): Promise<void> {
  const invoice = decodeInvoice(purchase.invoice);
  const hint = invoice.routeHints[0]![0]!;
  const [first] = outboundScids(payer, mallory.nodeId);
  const path = ldk.Path.constructor_new(
    [
      hop(mallory.nodeId, first!, 0n, 72),
      hop(hint.nodeId, mallory.manager.get_intercept_scid(), 0n, hint.cltvExpiryDelta),
      hop(invoice.payee, hint.scid, AMOUNT, invoice.minFinalCltvExpiryDelta),
    ],
    null,
  );
  const gaveUp = new Promise<void>((resolve) => {
    payer.onEvent((event) => event instanceof ldk.Event_PaymentFailed && resolve());
  });
  unwrap(
    payer.manager.send_payment_with_route(
      ldk.Route.constructor_new([path], null),
      fromHex(invoice.paymentHash),
      ldk.RecipientOnionFields.constructor_secret_only(fromHex(invoice.paymentSecret)),
      new Uint8Array(randomBytes(32)),
    ),
    'send',
  );
  payer.wake();
  await gaveUp;
}
