import { type Msat, msat } from '../../core/amount.ts';
import type { LspNode } from '../../ports/lspNode.ts';
import { type ChannelsOptions, ldkChannels } from './channels.ts';
import { toU64 } from './fromLdk.ts';
import { ldkHtlcs } from './htlcs.ts';
import { ldkMessages } from './messages.ts';
import type { LdkNode } from './node.ts';
import { ldkPresence } from './presence.ts';

/** LDK drops a held HTLC 21 blocks before its outgoing expiry; three more let us answer it ourselves. */
const LDK_CLTV_MARGIN_BLOCKS = 24;

/** What others could send to us. A node without any channel is still being set up, and cannot tell. */
function receivable(node: LdkNode): Msat | undefined {
  if (node.manager.list_channels().length === 0) return undefined;
  const channels = node.manager.list_usable_channels();
  return msat(channels.reduce((total, channel) => total + toU64(channel.get_inbound_capacity_msat()), 0n));
}

/** An LDK node as an LSP's. */
export function ldkLsp(node: LdkNode, options?: ChannelsOptions): LspNode {
  const { held, tellAgain, ...htlcs } = ldkHtlcs(node);
  const { tellStage, ...channels } = ldkChannels(node, options);
  return {
    ...ldkMessages(node),
    ...ldkPresence(node),
    ...htlcs,
    ...channels,
    nodeId: node.nodeId,
    network: 'regtest',
    cltvMarginBlocks: LDK_CLTV_MARGIN_BLOCKS,
    height: () => node.chain.tip().height,
    onBlock: (f) => node.onBlock(f),
    receivable: async () => receivable(node),
    resume: async (known) => ({
      held: held(),
      tellAgain() {
        tellAgain(known.parts);
        for (const key of known.channels) tellStage(key);
        node.begin();
      },
    }),
  };
}
