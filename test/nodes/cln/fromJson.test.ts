import { describe, expect, test } from 'vitest';
import { U64_MAX } from '../../../lib/core/amount.ts';
import { channelFromJson } from '../../../lib/nodes/cln/fromJson.ts';
import { LSP } from '../../client/samples.ts';

const CHANNEL = {
  peer_id: LSP,
  peer_connected: true,
  state: 'CHANNELD_AWAITING_LOCKIN',
  opener: 'remote',
  total_msat: 200_000_000,
  receivable_msat: '190000000msat',
  our_max_htlc_value_in_flight_msat: Number(U64_MAX),
};

describe('a channel as lightningd lists it', () => {
  test('amounts are numbers, or texts of older versions', () => {
    expect(channelFromJson(CHANNEL)).toMatchObject({
      state: 'opening',
      capacity: 200_000_000n,
      receivable: 190_000_000n,
      inFlightMax: U64_MAX,
      unanswered: [],
    });
  });

  test('one of more than a number says, which a stranger may offer, does not hide the others', () => {
    const made = channelFromJson({ ...CHANNEL, total_msat: 10 ** 16, receivable_msat: 10 ** 16 });
    expect(made).toMatchObject({ capacity: U64_MAX, receivable: U64_MAX });
  });

  test.each([
    ['a negative amount', { total_msat: -1 }],
    ['no amount', { total_msat: 'all' }],
    ['a peer that is none', { peer_id: 'x' }],
  ])('%s is an error', (_, change) => {
    expect(() => channelFromJson({ ...CHANNEL, ...change })).toThrow();
  });
});
