import type { Msat } from '../../core/amount.ts';
import type { PaymentHash } from '../../core/ids.ts';
import type { Clock, Random } from '../../ports/clock.ts';
import type { BoughtFor, Invoices, WalletNode } from '../../ports/walletNode.ts';
import { walletChannels } from './channels.ts';
import { clnInvoices } from './invoices.ts';
import type { Lightningd } from './lightningd.ts';
import type { Made, MadePayments } from './made.ts';
import { clnMessages } from './messages.ts';

type Unsigned = Parameters<Invoices['sign']>[0];

/** What every wallet on lightningd has, whoever keeps its gates. */
export function clnWalletBase(
  cln: Lightningd,
  o: {
    /** Where payments are written down for who keeps the gates by hooks; absent: nobody does. */
    readonly made?: MadePayments;
    readonly clock: Clock;
    readonly random: Random;
    forBooks(unsigned: Unsigned, making: { readonly made: Made; readonly bought: BoughtFor | undefined }): string;
    readonly signed?: (
      hash: PaymentHash,
      making: { readonly made: Made; readonly bought: BoughtFor | undefined },
    ) => Promise<void>;
  },
) {
  const messages = clnMessages(cln);
  const invoices = clnInvoices({ ...o, cln });
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
  return { messages, node };
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
