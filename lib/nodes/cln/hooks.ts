import type { Clock, Random } from '../../ports/clock.ts';
import type { WalletNode } from '../../ports/walletNode.ts';
import { guarding } from '../parts/guarding.ts';
import { booksText, clnWalletBase } from './base.ts';
import { fees } from './fees.ts';
import type { Json } from './json.ts';
import { letIn } from './letIn.ts';
import type { Lightningd } from './lightningd.ts';
import { KEEP_SECONDS, madePayments } from './made.ts';
import { offerRecords } from './offers.ts';
import { type OpenAnswer, opens } from './opens.ts';
import { finalHtlcOf, type HtlcAnswer } from './parts.ts';
import { CONTINUE, payments } from './payments.ts';
import type { ClnStore } from './store.ts';

export interface HookedWalletInit {
  /** What the program that buys writes, too. */
  readonly store: ClnStore;
  /** Channels that nobody bought: `accept`, as lightningd does without us (never zero-conf), or `refuse`. Default `accept`. */
  readonly others?: 'accept' | 'refuse';
  readonly clock: Clock;
  readonly random: Random;
}

/** A lightningd whose hooks are ours: the gates judge every channel, and every part of a payment that an invoice of ours was made for. */
export interface HookedWallet extends WalletNode {
  /** The hook `htlc_accepted`. Never rejects: lightningd ends over an answer that is none. */
  htlcAccepted(request: Json): Promise<HtlcAnswer>;
  /** The hook `openchannel`. Never rejects. */
  openChannel(request: Json): Promise<OpenAnswer>;
  /** Something was told of channels. */
  channelsChanged(): void;
  close(): void;
}

export async function hookedWallet(cln: Lightningd, init: HookedWalletInit): Promise<HookedWallet> {
  const { store, clock, random, others = 'accept' } = init;
  const made = madePayments(store);
  const base = clnWalletBase(cln, {
    made,
    clock,
    random,
    forBooks: (unsigned, { made: { amount } }) => booksText(unsigned, amount, KEEP_SECONDS),
  });
  const { messages, node } = base;
  await made.tidy(clock);
  const stopTidying = everyDay(clock, () => {
    made.tidy(clock).catch((cause: unknown) => {
      cln.log({ level: 'warn', event: 'cln.not_tidied', fields: { cause: String(cause) } });
    });
  });
  const offers = offerRecords(store, await store.load());
  const guard = guarding((cause) =>
    cln.log({ level: 'warn', event: 'cln.wallet_event_failed', fields: { cause: String(cause) } }),
  );
  const o = {
    cln,
    made,
    offers,
    fees: fees(cln, store),
    clock,
    random,
    ...guard,
  };
  const channels = letIn(o);
  const paid = payments(o);
  const answerOpen = opens({
    ...o,
    others,
    scidAlias: (peer) => messages.scidAlias(peer as never),
    before: channels.next,
  });
  const unhear = cln.onDisconnected(channels.left);

  return {
    ...node,
    guard: guard.guard,
    async resume({ offers: known, claiming }) {
      await channels.tellAgain(known);
      guard.tellAgain();
      await paid.askAgain(claiming);
    },
    async htlcAccepted(request) {
      try {
        const htlc = finalHtlcOf(request);
        return htlc ? await paid.arrived(htlc) : CONTINUE;
      } catch (cause) {
        cln.log({ level: 'warn', event: 'cln.htlc_unread', fields: { cause: String(cause) } });
        return paid.unread(request);
      }
    },
    async openChannel(request) {
      const answer = await answerOpen(request);
      channels.look();
      return answer;
    },
    channelsChanged: channels.look,
    close() {
      stopTidying();
      unhear();
      channels.close();
      paid.close();
    },
  };
}

const DAY_MS = 86_400_000;

function everyDay(clock: Clock, f: () => void): () => void {
  let stop = () => undefined as void;
  const again = (): void => {
    stop = clock.after(DAY_MS, () => {
      f();
      again();
    });
  };
  again();
  return () => stop();
}
