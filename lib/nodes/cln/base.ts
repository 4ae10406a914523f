import type { Msat } from '../../core/amount.ts';
import type { PaymentHash } from '../../core/ids.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { BoughtFor, Invoices, WalletNode } from '../../ports/walletNode.ts';
import { walletChannels } from './channels.ts';
import { clnInvoices } from './invoices.ts';
import type { Lightningd } from './lightningd.ts';
import { madePayments, type Made, type ReadableStore } from './made.ts';
import { clnMessages } from './messages.ts';

type Unsigned = Parameters<Invoices['sign']>[0];

/** What every wallet on lightningd has, whoever keeps its gates. */
export function clnWalletBase(
  cln: Lightningd,
  o: {
    readonly store: ReadableStore;
    readonly clock: Clock;
    readonly random: Random;
    forBooks(unsigned: Unsigned, making: { readonly made: Made; readonly bought: BoughtFor | undefined }): string;
    readonly signed?: (hash: PaymentHash, bought: BoughtFor | undefined) => Promise<void>;
  },
) {
  const made = madePayments(o.store);
  const messages = clnMessages(cln);
  const invoices = clnInvoices({ ...o, cln, made });
  const node: Omit<WalletNode, 'guard' | 'resume'> = {
    ...messages,
    ...invoices,
    nodeId: cln.nodeId,
    network: cln.network,
    minFinalCltvExpiryDelta: cln.cltvFinal,
    toSelfDelayBlocks: cln.watchtimeBlocks,
    // It tells where a channel is funded, but not by which script.
    namesFunding: false,
    channels: () => walletChannels(cln),
  };
  return { made, messages, node };
}

/** What stands in lightningd's books: it takes no invoice that has only the hash of a description. */
export const booksText = (
  { text, textWith, description }: Unsigned,
  amount: Msat | undefined,
  isAsPaid: boolean,
): string =>
  isAsPaid && description !== undefined
    ? text
    : textWith({ amount, description: description ?? 'its description is in the invoice of the payer' });
