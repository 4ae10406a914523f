import { DecodeError, msat, NodeError, PolicyError, RpcError, TermsError, TransportError } from 'lsps2';
import {
  ALERTS,
  describeError,
  describeState,
  LIMITS,
  REFUSALS,
  REFUSED_BY_LSP,
  STORE,
  TERMS,
  TRANSPORT,
} from 'lsps2/text';
import { describe, expect, test } from 'vitest';
import { StoreError } from '../../lib/core/errors.ts';
import { LSPS0_ERROR } from '../../lib/protocol/lsps0/errors.ts';
import { LSPS2_ERROR } from '../../lib/protocol/lsps2/errors.ts';

const rpc = (reason: string, detail = '') => new RpcError({ rpcCode: 1, reason, detail });

describe('what to tell a user', () => {
  test.each<[string, unknown]>([
    [TERMS.nothing_offered, new TermsError('nothing_offered', 'x')],
    [LIMITS.maxFee, new PolicyError('maxFee', 'x')],
    [TRANSPORT.timeout, new TransportError('timeout', 'x')],
    [REFUSED_BY_LSP.client_rejected, rpc('client_rejected')],
    [REFUSED_BY_LSP.unknown, rpc('unknown')],
    [STORE.locked, new StoreError('locked', 'x')],
    ['The LSP said something that makes no sense. Ask another LSP.', new DecodeError('a', 'x')],
    ['Your node could not do it.', new NodeError('x')],
    ['One of your limits does not allow it.', new PolicyError('toString', 'x')],
    ['Something went wrong.', new Error('x')],
    ['Something went wrong.', undefined],
    ['Something went wrong.', { code: '__proto__', reason: 'constructor' }],
  ])('%s', (text, error) => expect(describeError(error)).toBe(text));

  test('every error code of the specs has a sentence', () => {
    for (const reason of Object.keys({ ...LSPS0_ERROR, ...LSPS2_ERROR }))
      expect(REFUSED_BY_LSP).toHaveProperty(reason, expect.stringMatching(/\.$/));
  });
  test('the LSP’s own words are in none of them', () => {
    expect(describeError(rpc('unknown', 'click here'))).not.toContain('click');
  });
  test('every sentence is one', () => {
    for (const text of [ALERTS, LIMITS, REFUSALS, REFUSED_BY_LSP, STORE, TERMS, TRANSPORT].flatMap(Object.values))
      expect(text).toMatch(/^[A-Z].*[.?]$/);
  });
  test('every state has one', () => {
    const amounts = { gross: msat(10_000n), fee: msat(1_000n), received: msat(9_000n) };
    const states = [
      { tag: 'waiting' },
      { tag: 'channelOpening' },
      { tag: 'held', until: 'funding', ...amounts },
      { tag: 'claiming' },
      { tag: 'paid', ...amounts },
      { tag: 'refused', what: 'payment', reason: 'overcharged', ...amounts },
      { tag: 'expired' },
      { tag: 'cancelled' },
    ] as const;
    const told = states.map((state) => describeState(state));
    expect(new Set(told).size).toBe(states.length);
    expect(told[4]).toContain('9 sat');
  });
});
