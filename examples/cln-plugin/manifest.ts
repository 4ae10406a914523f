/** LSPS0 messages (bLIP-50). */
const LSPS0_TYPE = 37_913;

export const OPTIONS = { others: 'lsps2-others', maxToSelfDelay: 'lsps2-max-to-self-delay' } as const;
export const PURCHASES = 'lsps2-purchases';

/** What lightningd is told of this plugin (`getmanifest`). */
export const MANIFEST = {
  options: [
    {
      name: OPTIONS.others,
      type: 'string',
      default: 'accept',
      description:
        'channels that were not bought: accept them as without this plugin (never zero-conf), or refuse them',
    },
    {
      name: OPTIONS.maxToSelfDelay,
      type: 'int',
      default: 2016,
      description: 'the longest to_self_delay that an LSP may impose on us, in blocks, where the wallet has not said',
    },
  ],
  rpcmethods: [
    { name: PURCHASES, usage: '', description: 'JIT channels that were bought (LSPS2), and what became of them' },
  ],
  subscriptions: ['connect', 'disconnect', 'channel_opened', 'channel_state_changed', 'shutdown'],
  hooks: [{ name: 'htlc_accepted' }, { name: 'openchannel' }, { name: 'custommsg', filters: [LSPS0_TYPE] }],
  nonnumericids: true,
  dynamic: true,
} as const;
