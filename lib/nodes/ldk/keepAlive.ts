import type { LdkNode } from './node.ts';
import type { Opening, Openings } from './opening.ts';

/** Confirmations after which a funding transaction is not sent again. */
const DEEP_BLOCKS = 6;

/** Sends funding transactions that were broadcast again with each block, until they are deep: mempools forget. */
export function keepAlive(node: LdkNode, kept: Openings): void {
  async function look(opening: Opening, height: number): Promise<void> {
    const { funding } = opening;
    if (!funding) return;
    await node.records.saved();
    const at = await node.chain.heightOf(funding.txid);
    if (at === undefined) {
      await node.chain.broadcast(funding.raw);
      return;
    }
    if (height - at + 1 < DEEP_BLOCKS) return;
    opening.deep = true;
    if (opening.forgotten) kept.remove(opening);
    else kept.save(opening);
    node.wake();
  }

  node.onBlock((height) => {
    for (const opening of kept.all()) {
      if (!opening.broadcast || opening.deep) continue;
      look(opening, height).catch((cause: unknown) => {
        node.log({
          level: 'warn',
          event: 'ldk.rebroadcast_failed',
          fields: { key: opening.key, cause: String(cause) },
        });
      });
    }
  });
}
