import type { LspNode } from '../../ports/lspNode.ts';
import { type ChannelsOptions, ldkChannels } from './channels.ts';
import { ldkHtlcs } from './htlcs.ts';
import { ldkMessages } from './messages.ts';
import type { LdkNode } from './node.ts';
import { ldkPresence } from './presence.ts';

/** LDK drops a held HTLC 21 blocks before its outgoing expiry; three more let us answer it ourselves. */
const LDK_CLTV_MARGIN_BLOCKS = 24;

/** An LDK node as an LSP's. */
export function ldkLsp(node: LdkNode, options?: ChannelsOptions): LspNode {
  return {
    ...ldkMessages(node),
    ...ldkPresence(node),
    ...ldkHtlcs(node),
    ...ldkChannels(node, options),
    nodeId: node.nodeId,
    network: 'regtest',
    cltvMarginBlocks: LDK_CLTV_MARGIN_BLOCKS,
    height: () => node.chain.tip().height,
    onBlock: (f) => node.onBlock(f),
  };
}
