import { parseUri, sat } from 'lsps2';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { wholeSat } from '../../lib/core/amount.ts';
import { parseScid } from '../../lib/core/scid.ts';
import { ldkMessages } from '../../lib/nodes/ldk/messages.ts';
import { hashOf } from '../../lib/protocol/bolt11/preimage.ts';
import { rpcClient } from '../../lib/testing/chain/rpc.ts';
import { openChannel } from '../../lib/testing/openChannel.ts';
import { until } from '../../lib/testing/until.ts';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { type ClnNode, findLightningd, startCln } from './clnNode.ts';
import { clnWorld } from './clnWorld.ts';
import { say, whatIsMissing } from './say.ts';

// C: what else the node does goes on, undisturbed, while our plugin holds a payment.

const EACH = 20;
const COINS = 1;

// Core Lightning comes in no package that `.ci/run` could install; `whatIsMissing` has printed that there is none.
describe.skipIf(whatIsMissing('lightningd') !== undefined)('a lightningd that does other things, too', () => {
  let bitcoind: Bitcoind;
  beforeAll(async () => {
    bitcoind = await startBitcoind(findBitcoind()!);
  });
  afterAll(() => bitcoind?.stop());

  type Channels = {
    readonly channels: readonly {
      readonly peer_id: string;
      readonly state: string;
      readonly alias?: { local: string };
    }[];
  };
  const channelsOf = async (node: ClnNode) => (await node.rpc<Channels>('listpeerchannels')).channels;
  async function fund(node: ClnNode, mine: (blocks: number) => Promise<unknown>): Promise<void> {
    const { bech32 } = await node.rpc<{ bech32: string }>('newaddr', { addresstype: 'bech32' });
    await rpcClient(bitcoind.url).wallet('lsps2-testing').call('sendtoaddress', bech32, COINS);
    await mine(3);
    const coins = async () => (await node.rpc<{ outputs: { status: string }[] }>('listfunds')).outputs;
    await until(async () => (await coins()).some(({ status }) => status === 'confirmed'), 'coins');
  }
  let labels = 0;
  const invoice = async (node: ClnNode, msats: number): Promise<string> => {
    const fields = { amount_msat: msats, label: `other ${labels++}`, description: 'other' };
    return (await node.rpc<{ bolt11: string }>('invoice', fields)).bolt11;
  };

  test(`${EACH} payments to it and ${EACH} through it, while a JIT payment is held`, async () => {
    const { net, cln, start } = await clnWorld(bitcoind.url);
    const bob = await startCln(findLightningd()!, { bitcoind: bitcoind.url, role: 'client' });
    onTestFinished(() => bob.stop());
    const { buy } = await start();
    const mine = (blocks: number) => net.mine(blocks);

    // The payer has a channel of its own to lightningd (nobody bought it: it waits for its blocks), and lightningd one to bob.
    const [id, bobs] = [parseUri(cln.uri).nodeId, parseUri(bob.uri)];
    await ldkMessages(net.nodes.payer).connect(parseUri(cln.uri));
    await openChannel(net.chain, net.nodes.payer, id, wholeSat(5_000_000n));
    await fund(cln, mine);
    await cln.rpc('connect', { id: bobs.nodeId, host: bobs.host, port: bobs.port });
    await cln.rpc('fundchannel', { id: bobs.nodeId, amount: 3_000_000, announce: false });
    const isBobs = (each: Channels['channels'][number]) =>
      each.peer_id === bobs.nodeId && each.state === 'CHANNELD_NORMAL';
    await until(async () => {
      await mine(1);
      return (
        (await channelsOf(cln)).some(isBobs) && (await channelsOf(bob)).some(({ state }) => state === 'CHANNELD_NORMAL')
      );
    }, 'the channel to bob');

    const preimage = '5b'.repeat(32);
    const held = await buy(sat(250_000n), { paymentHash: hashOf(preimage) });
    const paying = net.payer.pay(held.invoice, { parts: 2 });
    await until(() => held.state.tag === 'held' && held.state.until === 'preimage', 'the JIT payment to be held');

    const toBob = (await channelsOf(cln)).find(isBobs)!;
    // lightningd's own policy, as it is by default on regtest.
    const overIt = {
      nodeId: id,
      scid: parseScid(toBob.alias!.local),
      feeBaseMsat: 1,
      feeProportionalPpm: 10,
      cltvExpiryDelta: 6,
    };
    let [toIt, throughIt] = [0, 0];
    for (let i = 0; i < EACH; i++) {
      expect(await net.payer.pay(await invoice(cln, 1_000_000 + i))).toMatchObject({ paid: true });
      toIt++;
      expect(await net.payer.pay(await invoice(bob, 2_000_000 + i), { via: [overIt] })).toMatchObject({ paid: true });
      throughIt++;
    }
    expect(held.state).toMatchObject({ tag: 'held' });
    await held.settle(preimage);
    expect(await paying).toMatchObject({ paid: true, preimage });
    expect(await held.outcome()).toMatchObject({ tag: 'paid', received: sat(247_500n) });
    say(
      `Core Lightning: ${toIt} payments to it and ${throughIt} through it, none disturbed, while a JIT payment was held`,
    );
  }, 300_000);

  test('a stranger’s zero-conf channel is refused', async () => {
    const { net, cln, start } = await clnWorld(bitcoind.url);
    const { buy } = await start();
    await buy(sat(250_000n));
    const mallory = await startCln(findLightningd()!, { bitcoind: bitcoind.url, role: 'client' });
    onTestFinished(() => mallory.stop());
    await fund(mallory, (blocks) => net.mine(blocks));
    const { nodeId: id, host, port } = parseUri(cln.uri);
    await mallory.rpc('connect', { id, host, port });
    // static_remotekey, anchors, scid_alias, zeroconf
    const open = { id, amount: 500_000, announce: false, mindepth: 0, channel_type: [12, 22, 46, 50] };
    await expect(mallory.rpc('fundchannel', open)).rejects.toThrow('You required zeroconf, but you');
    expect(await channelsOf(cln)).toEqual([]);
    say('Core Lightning: a stranger’s zero-conf channel is refused');
  }, 300_000);
});
