import type { Stop } from '../ports/abort.ts';
import type { Gates } from '../ports/gates.ts';
import type { WalletNode } from '../ports/walletNode.ts';

/** Guards the node at once with gates that wait for the real ones; takes the guard away again when those cannot be had. */
export async function openGuarded<Opened extends { readonly gates: Gates }>(
  node: WalletNode,
  open: () => Promise<Opened>,
): Promise<Opened & { readonly unguard: Stop }> {
  let done: (gates: Gates) => void = () => undefined;
  let failed: (cause: unknown) => void = () => undefined;
  const gates = new Promise<Gates>((resolve, reject) => {
    done = resolve;
    failed = reject;
  });
  gates.catch(() => undefined);
  const unguard = node.guard({
    channelOffered: async (offer) => (await gates).channelOffered(offer),
    channelGone: async (offerId) => (await gates).channelGone(offerId),
    channelReady: async (o) => (await gates).channelReady(o),
    channelClosed: async (o) => (await gates).channelClosed(o),
    partsHeld: async (o) => (await gates).partsHeld(o),
    partsGone: async (o) => (await gates).partsGone(o),
    partsArrived: async (set) => (await gates).partsArrived(set),
    partsClaimed: async (o) => (await gates).partsClaimed(o),
  });
  try {
    const opened = await open();
    done(opened.gates);
    return { ...opened, unguard };
  } catch (cause) {
    failed(cause);
    unguard();
    throw cause;
  }
}
