import type { Clock, Random } from '../../ports/clock.ts';
import type { WalletNode } from '../../ports/walletNode.ts';
import { guarding } from '../parts/guarding.ts';
import { booksText, clnWalletBase } from './base.ts';
import { fees } from './fees.ts';
import type { Json } from './json.ts';
import { letIn } from './letIn.ts';
import type { Lightningd } from './lightningd.ts';
import { madePayments } from './made.ts';
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
    forBooks: (unsigned, { made: { amount } }) => booksText(unsigned, amount, true),
  });
  const { messages, node } = base;
  await made.tidy(clock);
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
        // What we cannot read, lightningd judges: it takes nothing that is less than its onion says.
        cln.log({ level: 'warn', event: 'cln.htlc_unread', fields: { cause: String(cause) } });
        return CONTINUE;
      }
    },
    async openChannel(request) {
      const answer = await answerOpen(request);
      channels.look();
      return answer;
    },
    channelsChanged: channels.look,
    close() {
      unhear();
      channels.close();
      paid.close();
    },
  };
}
