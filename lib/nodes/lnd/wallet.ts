import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '../../core/bytes.ts';
import { NodeError } from '../../core/errors.ts';
import { paymentHash } from '../../core/ids.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { Store } from '../../ports/store.ts';
import type { WalletNode } from '../../ports/walletNode.ts';
import { rawKey } from '../../protocol/bolt11/sign.ts';
import { guarding } from '../parts/guarding.ts';
import { acceptor, TO_SELF_DELAY_BLOCKS } from './acceptor.ts';
import { listChannels, walletChannels } from './channels.ts';
import { letIn } from './letIn.ts';
import type { Lnd } from './lnd.ts';
import { madePayments } from './made.ts';
import { lndMessages } from './messages.ts';
import { offerRecords } from './offers.ts';
import { payments } from './payments.ts';
import { checkPermissions } from './permissions.ts';
import { phantomOf } from './phantom.ts';

export interface LndWalletInit {
  /** Must outlive the app: it holds the phantom's key, preimages, and what was claimed. The client's own store may be the same. */
  readonly store: Store;
  /** Channels that nobody bought: `accept`, as lnd does without us (never zero-conf), or `refuse`. Default `accept`. */
  readonly others?: 'accept' | 'refuse';
  readonly clock: Clock;
  readonly random: Random;
}

export interface LndWallet extends WalletNode {
  /** From now on lnd refuses zero-conf channels, and payments to the phantom fail. The connection stays. */
  close(): void;
}

/** From lnd to the phantom: nobody checks it, and payers must add it, so that lnd may hold an HTLC and give it back in time. */
const PHANTOM_CLTV_DELTA = 40;
const MIN_FINAL_CLTV_EXPIRY_DELTA = 18;
const BYTES = 32;

/** @throws NodeError where lnd cannot do what is needed, before anything is bought */
export async function lndWallet(lnd: Lnd, init: LndWalletInit): Promise<LndWallet> {
  const { store, clock, random, others = 'accept' } = init;
  checkAble(lnd, lnd.zeroConf);
  await checkPermissions(lnd);
  const loaded = await store.load();
  const phantom = await phantomOf(store, loaded, random);
  const made = await madePayments(store, loaded, clock);
  const offers = offerRecords(store, loaded);
  const guard = guarding((cause) =>
    lnd.log({ level: 'warn', event: 'lnd.wallet_event_failed', fields: { cause: String(cause) } }),
  );
  const o = {
    lnd,
    phantom,
    made,
    offers,
    clock,
    random,
    ...guard,
  };
  const messages = lndMessages(lnd);
  const channels = letIn(o);
  const paid = payments(o);
  // Only once nobody else intercepts: lnd refuses what one of several acceptors refuses.
  const accept = () =>
    acceptor({
      ...o,
      others,
      gone: channels.gone,
      scidAlias: messages.scidAlias,
      before: (peer) => channels.look(peer, 'next'),
      channelsWith: async (peer) =>
        (await listChannels(lnd)).flatMap(({ remotePubkey, channelPoint }) =>
          remotePubkey === peer ? channelPoint : [],
        ),
    });
  let accepting: ReturnType<typeof accept> | undefined;
  messages.onDisconnected((peer) => void channels.look(peer, 'left').catch(() => undefined));
  const close = () => {
    messages.close();
    channels.close();
    paid.close();
    accepting?.stop();
  };
  try {
    await Promise.all([messages.begun, channels.begun, paid.begun]);
    accepting = accept();
    await accepting.begun;
  } catch (cause) {
    close();
    throw cause;
  }

  return {
    ...messages,
    nodeId: lnd.nodeId,
    network: lnd.network,
    minFinalCltvExpiryDelta: MIN_FINAL_CLTV_EXPIRY_DELTA,
    toSelfDelayBlocks: TO_SELF_DELAY_BLOCKS,
    namesFunding: false,
    phantom: {
      nodeId: phantom.nodeId,
      hop: { scid: phantom.scid, feeBaseMsat: 0, feeProportionalPpm: 0, cltvExpiryDelta: PHANTOM_CLTV_DELTA },
    },
    async newPayment({ paymentHash: given, amount, expirySeconds, minFinalCltvExpiryDelta }) {
      const preimage = random(BYTES);
      const hash = given ?? paymentHash(toHex(sha256(preimage)));
      const paymentSecret = toHex(random(BYTES));
      await made.put(hash, {
        paymentSecret,
        minFinalCltvExpiryDelta,
        endsAt: Math.floor(clock.nowMs() / 1000) + expirySeconds,
        ...(given === undefined ? { preimage: toHex(preimage) } : {}),
        ...(amount === undefined ? {} : { amount }),
      });
      return { paymentHash: hash, paymentSecret };
    },
    sign: async (unsigned) => rawKey(phantom.key)(unsigned),
    channels: () => walletChannels(lnd),
    async checkReady() {
      await Promise.all([messages, channels, paid, accepting].map((each) => each?.ready()));
      await checkNow(lnd, clock);
    },
    guard: guard.guard,
    async resume({ offers: known, claiming }) {
      await channels.tellAgain(known);
      guard.tellAgain();
      await paid.askAgain(claiming);
    },
    close,
  };
}

/** A block takes a moment; a node that has been away takes longer than anybody waits. */
const SYNCED_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 250;

async function checkNow(lnd: Lnd, clock: Clock): Promise<void> {
  const end = clock.nowMs() + SYNCED_WITHIN_MS;
  for (;;) {
    const { zeroConf, syncedToChain } = await lnd.now();
    checkAble(lnd, zeroConf);
    if (syncedToChain) return;
    if (clock.nowMs() >= end)
      throw new NodeError(`${lnd.where} is not synced to the chain: it would refuse the channel`, {
        reason: 'starting',
      });
    await new Promise<void>((resolve) => clock.after(LOOK_EVERY_MS, resolve));
  }
}

function checkAble({ where }: Lnd, zeroConf: boolean): void {
  if (zeroConf) return;
  const lines = 'protocol.option-scid-alias=true and protocol.zero-conf=true';
  throw new NodeError(`${where} lets in no zero-conf channel: put ${lines} into its lnd.conf, and start it again`, {
    reason: 'unsupported',
  });
}
