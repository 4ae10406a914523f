import { type ChannelId, msat, type NodeId, sat, type WalletChannel } from 'lsps2';
import { describe, expect, test } from 'vitest';
import { receivableOver } from '../../lib/client/need.ts';

const channel = (receivableSat: bigint, change: Partial<WalletChannel> = {}): WalletChannel => ({
  channelId: 'aa'.repeat(32) as ChannelId,
  peer: `02${'11'.repeat(32)}` as NodeId,
  usable: true,
  receivable: sat(receivableSat),
  largestPart: sat(receivableSat),
  ...change,
});

describe('is a JIT channel needed?', () => {
  test.each<[string, string, WalletChannel[]]>([
    ['nothing', 'no_channels', []],
    ['all', 'enough', [channel(100n)]],
    ['all', 'one_part_too_large', [channel(60n), channel(60n)]],
    ['all', 'one_part_too_large', [channel(200n, { largestPart: sat(20n) })]],
    ['partly', 'too_little', [channel(99n)]],
    ['nothing', 'offline', [channel(100n, { usable: false })]],
    ['partly', 'offline', [channel(60n), channel(60n, { usable: false })]],
    ['nothing', 'too_little', [channel(0n)]],
  ])('%s, because %s', (canReceive, why, channels) => {
    expect(receivableOver(channels, sat(100n))).toMatchObject({ canReceive, why });
  });
  test('shows what it added up', () => {
    const channels = [channel(60n), channel(30n, { largestPart: sat(10n) }), channel(50n, { usable: false })];
    expect(receivableOver(channels, msat(1n))).toEqual({
      canReceive: 'all',
      why: 'enough',
      receivable: sat(90n),
      inOnePart: sat(60n),
      receivableOnline: sat(140n),
    });
  });
});
