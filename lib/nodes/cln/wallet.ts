import { NodeError } from '../../core/errors.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { WalletNode } from '../../ports/walletNode.ts';
import { booksText, clnWalletBase } from './base.ts';
import type { Lightningd } from './lightningd.ts';
import { KEEP_SECONDS, madePayments } from './made.ts';
import type { ClnStore } from './store.ts';

export interface ClnWalletInit {
  /** Of this lightningd: what is written there the plugin reads. */
  readonly store: ClnStore;
  readonly clock: Clock;
  readonly random: Random;
}

/** How our plugin is called: lightningd may name the link that npm made, or what it leads to. */
const PLUGIN = /(^|\/)(lsps2-cln-plugin|cln-plugin\/main\.js)$/;

/**
 * A lightningd beside which our plugin keeps the gates: this side buys and makes invoices, and need not be there when they are paid.
 * @throws NodeError when the plugin does not run
 */
export async function clnWallet(cln: Lightningd, { store, clock, random }: ClnWalletInit): Promise<WalletNode> {
  const checkReady = async (): Promise<void> => {
    if ((await cln.plugins()).some((name) => PLUGIN.test(name))) return;
    throw new NodeError(`${cln.where} does not run the plugin lsps2-cln-plugin: nobody would let the channel in`, {
      reason: 'unsupported',
    });
  };
  await checkReady();
  const { node } = clnWalletBase(cln, {
    made: madePayments(store),
    clock,
    random,
    forBooks: (unsigned, { made: { amount } }) => booksText(unsigned, amount, KEEP_SECONDS),
  });
  return {
    ...node,
    guardedElsewhere: true,
    checkReady,
    guard: () => () => undefined,
    resume: async () => undefined,
  };
}
