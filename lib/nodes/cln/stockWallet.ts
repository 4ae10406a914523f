import { NodeError } from '../../core/errors.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { Gates } from '../../ports/gates.ts';
import type { Store } from '../../ports/store.ts';
import type { WalletNode } from '../../ports/walletNode.ts';
import { booksText, clnWalletBase } from './base.ts';
import type { Lightningd } from './lightningd.ts';
import { LATE_SECONDS } from '../parts/late.ts';
import { checkStock, stockPayments } from './stock.ts';

export interface ClnStockWalletInit {
  /** Must outlive the app. */
  readonly store: Store;
  /**
   * Payments of an amount that the payer decides: nobody here can check what the LSP keeps of them, so they are refused before anything is
   * bought, unless `accept` says that this is fine.
   */
  readonly unverifiedFees?: 'accept' | 'refuse';
  readonly clock: Clock;
  readonly random: Random;
}

export interface ClnStockWallet extends WalletNode {
  close(): void;
}

/**
 * A lightningd as it is, with its own plugin cln-lsps-client. Nothing of ours runs inside: a channel is let in as its LSP opens it, parts are
 * not looked at one by one, and what bounds the fee is that the invoice in lightningd's books asks for the promised net amount.
 * @throws NodeError when that plugin does not run
 */
export async function clnStockWallet(cln: Lightningd, init: ClnStockWalletInit): Promise<ClnStockWallet> {
  const { store, clock, random, unverifiedFees = 'refuse' } = init;
  await checkStock(cln);
  const loaded = await store.load();
  const paid = stockPayments(cln, { store, loaded, clock });
  const { node } = clnWalletBase(cln, {
    clock,
    random,
    // The least that may come: lightningd takes no less.
    forBooks: (unsigned, { made, bought }) => booksText(unsigned, bought ? bought.leastNet : made.amount, LATE_SECONDS),
    async signed(hash, { made: { amount, endsAt }, bought }) {
      if (bought) await paid.expect(hash, { bought, amount, endsAt });
    },
  });
  let guarded: Gates | undefined;
  return {
    ...node,
    // The plugin lets channels in without waiting.
    minimumDepthMax: 0,
    showsOffers: false,
    async checkReady({ amount, paymentHash }) {
      await checkStock(cln);
      if (paymentHash !== undefined)
        throw unsupported(
          'it cannot wait for your preimage, nor take one of yours: that takes the plugin lsps2-cln-plugin',
        );
      if (amount === undefined && unverifiedFees === 'refuse')
        throw unsupported(
          'nobody could check the fee of an amount that the payer decides: that takes the plugin lsps2-cln-plugin',
        );
    },
    withdraw: paid.withdraw,
    guard(gates) {
      if (guarded) throw new NodeError('this node is guarded by another client: close it first');
      guarded = gates;
      const stop = paid.guard(gates);
      return () => {
        stop();
        if (guarded === gates) guarded = undefined;
      };
    },
    resume: async () => paid.again(),
    close: paid.close,
  };

  function unsupported(why: string): NodeError {
    return new NodeError(`${cln.where}: ${why}`, { reason: 'unsupported' });
  }
}
