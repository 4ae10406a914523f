import { sat } from 'lsps2';
import { wholeSat } from '../../lib/core/amount.ts';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parseUri } from '../../lib/core/ids.ts';
import { scid } from '../../lib/core/scid.ts';
import { ldkMessages } from '../../lib/nodes/ldk/messages.ts';
import { listChannels } from '../../lib/nodes/lnd/channels.ts';
import { hashOf } from '../../lib/protocol/bolt11/preimage.ts';
import { rpcClient } from '../../lib/testing/chain/rpc.ts';
import { openChannel } from '../../lib/testing/openChannel.ts';
import { until } from '../../lib/testing/until.ts';
import { type Bitcoind, findBitcoind, startBitcoind } from '../bitcoind/bitcoind.ts';
import { findLnd, type LndNode, startLnd } from './lndNode.ts';
import { lndWorld } from './lndWorld.ts';
import { say, whatIsMissing } from './say.ts';

// C: what else the node does goes on, undisturbed, while it is guarded.

const EACH = 20;
const FAST = ['--bitcoin.defaultchanconfs=1'];

// Runs in `.ci/run`, which builds an lnd; a newcomer's machine may have none, and `whatIsMissing` has printed that.
describe.skipIf(whatIsMissing('lnd') !== undefined)('an lnd that does other things, too', () => {
  let bitcoind: Bitcoind;
  beforeAll(async () => {
    bitcoind = await startBitcoind(findBitcoind()!);
  });
  afterAll(() => bitcoind?.stop());

  const uriOf = async (lnd: LndNode): Promise<string> => {
    const { identity_pubkey: id } = JSON.parse(await lnd.cli('getinfo')) as { identity_pubkey: string };
    return `${id}@127.0.0.1:${lnd.peerPort}`;
  };
  const invoice = async (lnd: LndNode, sats: number): Promise<string> =>
    (JSON.parse(await lnd.cli('addinvoice', String(sats))) as { payment_request: string }).payment_request;

  test(`${EACH} payments to it and ${EACH} through it, while a JIT payment is held`, async () => {
    const world = await lndWorld(bitcoind.url, { lnd: FAST });
    const { net, lnd } = world;
    const bob = await startLnd(findLnd()!, { bitcoind: bitcoind.url, more: FAST });
    onTestFinished(() => bob.stop());
    const program = await world.start();

    // The payer has a channel of its own to lnd (nobody bought it: it waits for its block), and lnd one to bob.
    const [lndUri, bobUri] = [await uriOf(lnd), await uriOf(bob)];
    await ldkMessages(net.nodes.payer).connect(parseUri(lndUri));
    await openChannel(net.chain, net.nodes.payer, parseUri(lndUri).nodeId, wholeSat(5_000_000n));
    const { address } = JSON.parse(await lnd.cli('newaddress', 'p2wkh')) as { address: string };
    await rpcClient(bitcoind.url).wallet('lsps2-testing').call('sendtoaddress', address, 1);
    await net.mine(3);
    await until(async () => /"confirmed_balance":\s*"100000000"/.test(await lnd.cli('walletbalance')), 'coins');
    await lnd.cli('connect', bobUri);
    await lnd.cli('openchannel', '--private', '--node_key', parseUri(bobUri).nodeId, '--local_amt', '3000000');
    await until(async () => {
      await net.mine(1);
      return (
        (JSON.parse(await bob.cli('listchannels', '--active_only')) as { channels: unknown[] }).channels.length === 1
      );
    }, 'the channel to bob');

    // lnd refuses every channel while it takes in a block.
    await until(async () => (await program.node.now()).syncedToChain, 'lnd to be synced');

    const preimage = '5b'.repeat(32);
    const held = await program.buy(sat(250_000n), { paymentHash: hashOf(preimage) });
    const paying = net.payer.pay(held.invoice, { parts: 2 });
    await until(() => held.state.tag === 'held' && held.state.until === 'preimage', 'the JIT payment to be held');

    const isBobs = ({ remotePubkey, active }: { remotePubkey: string; active: boolean }) =>
      active && remotePubkey === parseUri(bobUri).nodeId;
    await until(async () => (await listChannels(program.node)).some(isBobs), 'the channel to bob to be active');
    const toBob = (await listChannels(program.node)).find(isBobs)!;
    // lnd's own policy, as it is by default.
    const overLnd = {
      nodeId: parseUri(lndUri).nodeId,
      scid: scid(toBob.aliasScids[0] ?? toBob.chanId),
      feeBaseMsat: 1_000,
      feeProportionalPpm: 1,
      cltvExpiryDelta: 80,
    };
    let [toIt, throughIt] = [0, 0];
    for (let i = 0; i < EACH; i++) {
      expect(await net.payer.pay(await invoice(lnd, 1_000 + i))).toMatchObject({ paid: true });
      toIt++;
      expect(await net.payer.pay(await invoice(bob, 2_000 + i), { via: [overLnd] })).toEqual({
        paid: true,
        preimage: expect.any(String),
      });
      throughIt++;
    }
    expect(held.state).toMatchObject({ tag: 'held' });
    await held.settle(preimage);
    expect(await paying).toMatchObject({ paid: true, preimage });
    expect(await held.outcome()).toMatchObject({ tag: 'paid', received: sat(247_500n) });
    // An unbought channel is let in as lnd does it without us: after its confirmations.
    const channels = await listChannels(program.node);
    expect(channels.filter(({ zeroConf }) => zeroConf).length).toBe(1);
    expect(channels.length).toBe(3);
    say(`lnd: ${toIt} payments to it and ${throughIt} through it, none disturbed, while a JIT payment was held`);
  }, 300_000);

  test('a stranger’s zero-conf channel is refused, and his payment of a sold invoice, too', async () => {
    const world = await lndWorld(bitcoind.url, { lnd: FAST });
    const { net, lnd } = world;
    const program = await world.start();
    await program.buy(sat(250_000n));
    // Another lnd asks for zero-conf by the channel type.
    const mallory = await startLnd(findLnd()!, { bitcoind: bitcoind.url, more: FAST });
    onTestFinished(() => mallory.stop());
    const { address } = JSON.parse(await mallory.cli('newaddress', 'p2wkh')) as { address: string };
    await rpcClient(bitcoind.url).wallet('lsps2-testing').call('sendtoaddress', address, 1);
    await net.mine(3);
    await until(async () => /"confirmed_balance":\s*"100000000"/.test(await mallory.cli('walletbalance')), 'coins');
    const uri = await uriOf(lnd);
    await mallory.cli('connect', uri);
    const open = [
      'openchannel',
      '--private',
      '--zero_conf',
      '--channel_type=anchors',
      '--node_key',
      parseUri(uri).nodeId,
    ];
    await expect(mallory.cli(...open, '--local_amt', '500000')).rejects.toThrow('no channel was bought from you');
    expect((await listChannels(program.node)).length).toBe(0);
  }, 300_000);
});
