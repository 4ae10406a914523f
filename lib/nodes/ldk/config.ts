import * as ldk from 'lightningdevkit';

/** What a node is there for. */
export type Role = 'payer' | 'lsp' | 'wallet';

export interface ConfigOptions {
  readonly role: Role;
  /** The `to_self_delay` that this node imposes on its peers, in blocks. LDK's default is 144. */
  readonly toSelfDelayBlocks?: number | undefined;
  /** Confirmations that a channel opened to this node waits for, unless it is let in as zero-conf. Default 1. */
  readonly minimumDepth?: number | undefined;
  /** The reserve that this node asks its peers to keep, in parts per million of a channel; LDK asks for 1,000 sat at least. */
  readonly channelReservePpm?: number | undefined;
}

export const DEFAULT_MINIMUM_DEPTH = 1;

const WHOLE_CHANNEL_PERCENT = 100;

// LDK's getters return copies: each change is handed back to its setter.

export function userConfig({ role, ...o }: ConfigOptions): ldk.UserConfig {
  const config = ldk.UserConfig.constructor_default();
  const handshake = config.get_channel_handshake_config();
  // LDK's default of 10 % would make a JIT channel useless for the very payment it was opened for.
  handshake.set_max_inbound_htlc_value_in_flight_percent_of_channel(WHOLE_CHANNEL_PERCENT);
  handshake.set_minimum_depth(o.minimumDepth ?? DEFAULT_MINIMUM_DEPTH);
  // lnd and Core Lightning take private channels with anchors only. A peer that does not offer them gets none.
  handshake.set_negotiate_anchors_zero_fee_htlc_tx(role === 'lsp');
  if (o.toSelfDelayBlocks !== undefined) handshake.set_our_to_self_delay(o.toSelfDelayBlocks);
  if (o.channelReservePpm !== undefined)
    handshake.set_their_channel_reserve_proportional_millionths(o.channelReservePpm);
  config.set_channel_handshake_config(handshake);
  const channel = config.get_channel_config();
  channel.set_forwarding_fee_base_msat(0);
  channel.set_accept_underpaying_htlcs(role === 'wallet');
  config.set_channel_config(channel);
  config.set_accept_intercept_htlcs(role === 'lsp');
  config.set_accept_forwards_to_priv_channels(role === 'lsp');
  config.set_manually_accept_inbound_channels(role === 'wallet');
  return config;
}

/** A JIT channel: option_scid_alias negotiated, unannounced (bLIP-52 section 5). */
export function jitChannelConfig(base: ldk.UserConfig, announced = false): ldk.UserConfig {
  const config = base.clone();
  const handshake = config.get_channel_handshake_config();
  handshake.set_negotiate_scid_privacy(!announced);
  handshake.set_announce_for_forwarding(announced);
  config.set_channel_handshake_config(handshake);
  return config;
}
