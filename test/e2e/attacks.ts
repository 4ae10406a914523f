import { dice } from '../random.ts';

/** One thing that a hostile peer says, and the answer that bLIP-50 and bLIP-52 ask for. */
export interface Attack {
  readonly kind: string;
  readonly payload: Uint8Array;
  /** `id code unrecognized`; undefined when there must be no answer. */
  readonly answer: string | undefined;
}

const PARSE_ERROR = 'null -32700';
const PAYLOAD_BYTES_MAX = 65_000;

/** An endless supply of attacks, the same for the same seed. `entry`: terms that were really offered. */
export function attacks(seed: number, entry: object): () => Attack {
  const roll = dice(seed);
  const encoder = new TextEncoder();
  let count = 0;

  const request = (method: string, params: unknown, id: unknown = `m${count++}`) => ({
    id: JSON.stringify(id),
    text: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
  });
  const said = (kind: string, text: string, answer: string): Attack => ({
    kind,
    payload: encoder.encode(text),
    answer,
  });
  const asked = (kind: string, method: string, params: unknown, answer: string, id?: unknown): Attack => {
    const { id: name, text } = request(method, params, ...(id === undefined ? [] : [id]));
    return said(kind, text, `${name} ${answer}`);
  };
  const word = () => roll.bytes(6).reduce((text, byte) => text + String.fromCharCode(97 + (byte % 26)), '');
  const buy = (kind: string, change: object, size: unknown, answer: string) =>
    asked(kind, 'lsps2.buy', { opening_fee_params: { ...entry, ...change }, payment_size_msat: size }, answer);

  const kinds: readonly (() => Attack)[] = [
    () => ({ kind: 'noise', payload: roll.bytes(1 + roll.upTo(2_000)), answer: PARSE_ERROR }),
    () => {
      const { text } = request('lsps2.get_info', { token: word() });
      return said('cut off', text.slice(0, 1 + roll.upTo(text.length - 1)), PARSE_ERROR);
    },
    () => said('nested', '['.repeat(roll.upTo(PAYLOAD_BYTES_MAX)), PARSE_ERROR),
    () => said('nested objects', '{"a":'.repeat(1 + roll.upTo(10_000)), PARSE_ERROR),
    () => said('a batch', `[${request('lsps0.list_protocols', {}).text}]`, PARSE_ERROR),
    () => said('a response', JSON.stringify({ jsonrpc: '2.0', id: word(), result: {} }), PARSE_ERROR),
    () => said('an old version', JSON.stringify({ jsonrpc: '1.0', id: word(), method: 'lsps2.get_info' }), PARSE_ERROR),
    () => said('a NUL', `${request('lsps2.get_info', {}).text}\0`, PARSE_ERROR),
    () => said('two objects', `${request('lsps2.get_info', {}).text}{}`, PARSE_ERROR),
    () => asked('large', 'lsps2.get_info', { token: word().repeat(roll.upTo(10_000)) }, 'result'),
    () => asked('an unknown method', `lsps${roll.upTo(9)}.${word()}`, {}, '-32601'),
    () => asked('a method of every object', roll.pick(['__proto__', 'toString', 'constructor']), {}, '-32601'),
    () => {
      const name = `x${word()}`;
      return asked('an unknown parameter', 'lsps2.get_info', { [name]: 1 }, `-32602 ${JSON.stringify([name])}`);
    },
    () => asked('positional parameters', 'lsps2.get_info', [word()], '-32602 []'),
    () => asked('a token that is none', 'lsps2.get_info', { token: roll.upTo(100) }, '-32602 []'),
    () => asked('nothing to buy', 'lsps2.buy', {}, '-32602 []'),
    () =>
      buy(
        'an amount that is none',
        {},
        roll.pick([1, '-1', '1e9', '0x10', ' 1', `1${'0'.repeat(40)}`, {}]),
        '-32602 []',
      ),
    () => buy('a fee that is none', { min_fee_msat: roll.pick([1, '', '-1', null]) }, '100000000', '-32602 []'),
    () => buy('a made-up promise', { promise: word().repeat(8) }, '100000000', '201'),
    () => buy('a cheaper fee', { min_fee_msat: String(roll.upTo(999)) }, '100000000', '201'),
    () => buy('a later date', { valid_until: '2999-01-01T00:00:00.000Z' }, '100000000', '201'),
    () => buy('too small', {}, String(roll.upTo(2_000_000)), '202'),
    () => buy('too large', {}, String(10_000_000_001n + BigInt(roll.upTo(1e9))), '203'),
    () => asked('a number for an id', 'lsps0.list_protocols', {}, 'result', count++),
    () => asked('honest', 'lsps2.get_info', {}, 'result'),
    () => asked('honest protocols', 'lsps0.list_protocols', {}, 'result'),
  ];
  return () => roll.pick(kinds)();
}
