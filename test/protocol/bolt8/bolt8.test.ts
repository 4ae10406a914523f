import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, fromHex, toHex } from '../../../lib/core/bytes.ts';
import { DecodeError } from '../../../lib/core/errors.ts';
import { nodeId } from '../../../lib/core/ids.ts';
import { encodeUtf8 } from '../../../lib/core/utf8.ts';
import { publicKey } from '../../../lib/protocol/bolt11/signature.ts';
import { initiate, respond, type TransportKeys } from '../../../lib/protocol/bolt8/handshake.ts';
import { opener, sealer } from '../../../lib/protocol/bolt8/transport.ts';
import { vectors } from '../../rows.ts';

interface Row {
  readonly name: string;
  readonly rs_pub?: string;
  readonly ls_priv: string;
  readonly e_priv: string;
  readonly steps: readonly {
    readonly input?: string;
    readonly output?: string;
    readonly error?: string;
    readonly sk?: string;
    readonly rk?: string;
  }[];
}
interface File {
  readonly initiator: readonly Row[];
  readonly responder: readonly Row[];
  readonly messages: { ck: string; sk: string; rk: string; message: string; outputs: Record<string, string> };
}
const file = vectors<File>('bolt8/transport.json');

/** What of our words stands for a word of the vectors. */
const WORDS: readonly [RegExp, RegExp][] = [
  [/^ACT\d_READ_FAILED$/, /has \d+ bytes instead of/],
  [/^ACT\d_BAD_VERSION/, /unknown version 1/],
  [/^ACT\d_BAD_PUBKEY$/, /no valid public key/],
  [/^ACT\d_BAD_TAG$/, /its tag is not right/],
  [/^ACT\d_BAD_CIPHERTEXT$/, /its ciphertext is not right/],
];
const wordsFor = (error: string) => WORDS.find(([theirs]) => theirs.test(error))![1];

/** Plays a row: what goes in, what must come out, and which act must fail. */
function play(row: Row, acts: readonly ((input: Uint8Array) => string | TransportKeys)[], first?: string): void {
  const expected = [...row.steps];
  if (first !== undefined) expect(first).toBe(expected.shift()!.output);
  for (const act of acts) {
    const { input } = expected.shift()!;
    const { output, error, sk, rk } = expected.shift()!;
    const run = () => act(fromHex(input!));
    if (error !== undefined) {
      expect(run).toThrow(DecodeError);
      expect(run).toThrow(wordsFor(error));
      return;
    }
    const made = run();
    if (typeof made === 'string') expect(made).toBe(output);
    else expect([toHex(made.sending), toHex(made.receiving)]).toEqual([sk, rk]);
  }
}

describe('the handshake, BOLT 8 appendix A', () => {
  test.each(file.initiator)('$name', (row) => {
    const secret = fromHex(row.ls_priv);
    const mine = initiate({ secret, ephemeral: fromHex(row.e_priv) }, nodeId(row.rs_pub!));
    const { steps } = row;
    const last = steps.at(-1)!;
    // A handshake that works prints act three, and then the keys.
    if (last.error === undefined) {
      const { actThree, keys } = mine.actTwo(fromHex(steps[1]!.input!));
      expect([toHex(mine.actOne), toHex(actThree)]).toEqual([steps[0]!.output, steps[2]!.output]);
      expect([toHex(keys.sending), toHex(keys.receiving)]).toEqual([last.sk, last.rk]);
    } else play(row, [(input) => toHex(mine.actTwo(input).actThree)], toHex(mine.actOne));
  });

  test.each(file.responder)('$name', (row) => {
    const mine = respond({ secret: fromHex(row.ls_priv), ephemeral: fromHex(row.e_priv) });
    play(row, [(input) => toHex(mine.actOne(input)), (input) => mine.actThree(input).keys]);
  });

  test('the file has all of them', () => {
    expect([file.initiator.length, file.responder.length]).toEqual([5, 10]);
    expect(Object.keys(file.messages.outputs)).toEqual(['0', '1', '500', '501', '1000', '1001']);
  });

  test('the responder learns who called; act three alone says nothing', () => {
    const { one, two } = pair();
    expect(two.remote).toBe(publicKey(fromHex('11'.repeat(32))));
    expect(one.keys.sending).toEqual(two.keys.receiving);
    const fresh = respond({ secret: fromHex('21'.repeat(32)), ephemeral: fromHex('22'.repeat(32)) });
    expect(() => fresh.actThree(one.actThree)).toThrow(DecodeError);
  });

  test('a key that is none is our own mistake', () => {
    const remote = publicKey(fromHex('21'.repeat(32)));
    expect(() => initiate({ secret: new Uint8Array(32), ephemeral: fromHex('12'.repeat(32)) }, remote)).toThrow(
      RangeError,
    );
    expect(() => respond({ secret: fromHex('21'.repeat(32)), ephemeral: new Uint8Array(31) })).toThrow(RangeError);
    const point = { secret: fromHex('11'.repeat(32)), ephemeral: fromHex('12'.repeat(32)) };
    expect(() => initiate(point, nodeId(`02${'ff'.repeat(32)}`))).toThrow(DecodeError);
  });
});

/** A finished handshake between two of us. */
function pair() {
  const one = initiate(
    { secret: fromHex('11'.repeat(32)), ephemeral: fromHex('12'.repeat(32)) },
    publicKey(fromHex('21'.repeat(32))),
  );
  const two = respond({ secret: fromHex('21'.repeat(32)), ephemeral: fromHex('22'.repeat(32)) });
  const { actThree, keys } = one.actTwo(two.actOne(one.actOne));
  return { one: { actThree, keys }, two: two.actThree(actThree) };
}

describe('messages, BOLT 8 appendix A', () => {
  const { ck, sk, rk, message, outputs } = file.messages;
  const keys = { sending: fromHex(sk), receiving: fromHex(rk), chaining: fromHex(ck) };
  const mirrored = { sending: fromHex(rk), receiving: fromHex(sk), chaining: fromHex(ck) };

  test('are written and read over two rotations of the key', () => {
    const [seal, open] = [sealer(keys), opener(mirrored)];
    const checked: string[] = [];
    for (let i = 0; i <= 1001; i++) {
      const sealed = seal(encodeUtf8(message));
      if (outputs[i] !== undefined) {
        checked.push(String(i));
        expect(toHex(sealed), `message ${i}`).toBe(outputs[i]);
      }
      expect(open.feed(sealed).map(toHex)).toEqual([toHex(encodeUtf8(message))]);
    }
    expect(checked).toEqual(Object.keys(outputs));
  });

  const MESSAGES = ['', 'a', 'hello', 'x'.repeat(300)].map(encodeUtf8);
  const stream = () => {
    const seal = sealer(keys);
    return concat(...MESSAGES.map(seal));
  };

  test('are whole wherever the stream is cut', () => {
    const bytes = stream();
    for (let cut = 0; cut <= bytes.length; cut++) {
      const open = opener(mirrored);
      const read = [...open.feed(bytes.slice(0, cut)), ...open.feed(bytes.slice(cut))];
      expect(read.map(toHex), `cut at ${cut}`).toEqual(MESSAGES.map(toHex));
      expect(open.pending()).toBe(0);
    }
    const open = opener(mirrored);
    expect([...bytes].flatMap((byte) => open.feed(Uint8Array.of(byte)).map(toHex))).toEqual(MESSAGES.map(toHex));
  });

  test('no flipped bit gets through', () => {
    const bytes = stream();
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const bad = bytes.slice();
      bad[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => opener(mirrored).feed(bad), `bit ${bit}`).toThrow(DecodeError);
    }
  });

  test('no replayed, dropped or reordered message gets through', () => {
    const seal = sealer(keys);
    const [a, b] = [seal(encodeUtf8('a')), seal(encodeUtf8('b'))];
    for (const wrong of [[a, a], [b], [b, a]]) {
      const open = opener(mirrored);
      expect(() => wrong.map((each) => open.feed(each))).toThrow(DecodeError);
    }
  });

  test('have at most 65,535 bytes', () => {
    const seal = sealer(keys);
    expect(() => seal(new Uint8Array(65_536))).toThrow(RangeError);
    const open = opener(mirrored);
    expect(open.feed(seal(new Uint8Array(65_535)))[0]).toHaveLength(65_535);
  });

  test('any messages in any pieces', () => {
    const bytes = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 20 }), fc.array(fc.nat(500)), (messages, cuts) => {
        const seal = sealer(keys);
        const all = concat(...messages.map(seal));
        const open = opener(mirrored);
        const read: Uint8Array[] = [];
        let at = 0;
        for (const cut of [...cuts, all.length]) {
          read.push(...open.feed(all.slice(at, at + cut)));
          at += cut;
        }
        expect(read.map(toHex)).toEqual(messages.map(toHex));
      }),
      { numRuns: 100 },
    );
  });
});
