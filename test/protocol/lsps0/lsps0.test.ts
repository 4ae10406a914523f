import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { DecodeError } from '../../../lib/core/errors.ts';
import { encodeUtf8 } from '../../../lib/core/utf8.ts';
import { filterPeerText, reasonOf } from '../../../lib/protocol/lsps0/errors.ts';
import { asDatetime, asInteger, asMsat, asU16, formatDatetime } from '../../../lib/protocol/lsps0/fields.ts';
import { decodeFrame, encodeFrame } from '../../../lib/protocol/lsps0/frame.ts';
import { formatJson, type Json, JsonNumber, object, parseJson } from '../../../lib/protocol/lsps0/json.ts';
import {
  decodeClientBound,
  decodeRequest,
  encodeError,
  encodeRequest,
  encodeResult,
  requestId,
} from '../../../lib/protocol/lsps0/jsonRpc.ts';
import { decodeProtocols } from '../../../lib/protocol/lsps0/listProtocols.ts';
import { LSPS2_ERROR } from '../../../lib/protocol/lsps2/errors.ts';
import { vectors } from '../../rows.ts';

const parse = (text: string) => parseJson(text) as Map<string, Json>;

describe('frames, bLIP-50 "Message Payload Format"', () => {
  type Row = { payload: string; passes_object_check: boolean };
  test.each(vectors<{ vectors: Row[] }>('blip50/framing.json').vectors)(
    '$payload',
    ({ payload, passes_object_check }) => {
      const read = () => decodeFrame(encodeUtf8(payload));
      if (passes_object_check) expect(read()).toEqual(new Map());
      else expect(read).toThrow(DecodeError);
    },
  );
  test.each([
    ['no bytes', new Uint8Array(0)],
    ['a byte that is no UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)],
    ['an overlong form', Uint8Array.of(0x7b, 0x22, 0xc0, 0xa2, 0x22, 0x3a, 0x31, 0x7d)],
    ['a surrogate in UTF-8', Uint8Array.of(0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d)],
    ['a byte order mark', Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d)],
    ['an escaped NUL is fine, a raw one is not', Uint8Array.of(0x7b, 0x22, 0x00, 0x22, 0x3a, 0x31, 0x7d)],
    ['a member twice', encodeUtf8('{"a":1,"a":2}')],
    ['a member twice, once escaped', encodeUtf8('{"ab":1,"a\\u0062":2}')],
    ['a string', encodeUtf8('"{}"')],
    ['nesting without end', encodeUtf8(`{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`)],
    ['more than a message', encodeUtf8(`{"a":"${'x'.repeat(65_533)}"}`)],
  ])('refuses %s', (_, bytes) => {
    expect(() => decodeFrame(bytes)).toThrow(DecodeError);
  });
  it('does not write more than a message', () => {
    expect(() => encodeFrame(object({ a: 'x'.repeat(65_533) }))).toThrow(RangeError);
  });
});

describe('JSON as it was written', () => {
  it('keeps numbers, order and strange names', () => {
    const text = '{"b":1.50,"2":1e400,"1":-0,"__proto__":{"x":18446744073709551616},"a\\"b":[null,true,"\\ud800 1:2"]}';
    expect(formatJson(parseJson(text))).toBe(text);
  });
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(JSON.parse(formatJson(parseJson(text)))).toEqual(JSON.parse(text));
      }),
    );
  });
  it('throws nothing but DecodeError', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseJson(text);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
    );
  });
});

describe('JSON-RPC', () => {
  const id = 'ab'.repeat(16);
  it('has ids of at least 80 random bits', () => {
    expect(requestId(new Uint8Array(16).fill(0xab))).toBe(id);
    expect(() => requestId(new Uint8Array(9))).toThrow(RangeError);
  });
  it('reads its own requests, results and errors', () => {
    const request = { id, method: 'lsps2.get_info', params: object({ token: 'x' }) };
    expect(decodeRequest(decodeFrame(encodeFrame(encodeRequest(request))))).toEqual(request);
    expect(decodeClientBound(encodeResult(id, object({ a: 'b' })))).toEqual({
      tag: 'result',
      id,
      result: object({ a: 'b' }),
    });
    const error = { code: -32_700, message: 'parse error', data: undefined };
    expect(decodeClientBound(encodeError(null, error))).toEqual({ tag: 'error', id: null, error });
  });
  test.each([
    ['{"jsonrpc":"2.0","id":"x","result":{},"error":null}', 'result'],
    ['{"jsonrpc":"2.0","id":"x","result":null,"error":{"code":1,"message":"m","data":null}}', 'error'],
    ['{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}', 'error'],
    ['{"jsonrpc":"2.0","id":7,"result":{}}', 'result'],
    ['{"jsonrpc":"2.0","method":"lsps9.happened","params":{}}', 'notification'],
  ])('tolerates %s', (text, tag) => {
    expect(decodeClientBound(parse(text)).tag).toBe(tag);
  });
  test.each([
    '{"id":"x","result":{}}',
    '{"jsonrpc":"1.0","id":"x","result":{}}',
    '{"jsonrpc":"2.0","id":"x"}',
    '{"jsonrpc":"2.0","id":"x","result":{},"error":{"code":1,"message":"m"}}',
    '{"jsonrpc":"2.0","id":"x","error":{"code":1.5,"message":"m"}}',
    '{"jsonrpc":"2.0","id":"x","error":{"code":99999999999,"message":"m"}}',
    '{"jsonrpc":"2.0","id":"x","error":{"code":1}}',
    '{"jsonrpc":"2.0","id":["x"],"result":{}}',
  ])('refuses %s', (text) => {
    expect(() => decodeClientBound(parse(text))).toThrow(DecodeError);
  });
  it('reads the examples of bLIP-50', () => {
    type Row = { name: string; kind: string; json: string };
    const rows = vectors<{ messages: Row[] }>('blip50/messages.json').messages;
    const json = (name: string) => parse(rows.find((row) => row.name === name)!.json);
    expect(decodeRequest(json('list_protocols: request')).method).toBe('lsps0.list_protocols');
    const response = decodeClientBound(json('list_protocols: response'));
    expect(response.tag === 'result' && decodeProtocols(response.result)).toEqual([1, 3]);
    const refused = decodeClientBound(json('invalid params: error'));
    expect(refused.tag === 'error' && reasonOf(refused.error.code)).toBe('invalid_params');
  });
});

describe('common schemas', () => {
  test.each([
    ['546000', 546_000n],
    ['0', 0n],
    ['18446744073709551615', (1n << 64n) - 1n],
  ])('reads %s msat', (text, value) => expect(asMsat(text, 'p')).toBe(value));
  test.each(['', '-1', '01', '+1', '1.0', '1e3', ' 1', '18446744073709551616', '0x10', '１'])(
    'refuses "%s" msat',
    (text) => {
      expect(() => asMsat(text, 'p')).toThrow(DecodeError);
    },
  );
  test.each(['1.0', '1e3', '-0', '00', '99999999999999999999999'])('refuses the number %s', (text) => {
    expect(() => asInteger(new JsonNumber(text), 'p')).toThrow(DecodeError);
  });
  it('keeps to the ranges of integers', () => {
    expect(asU16(new JsonNumber('65535'), 'p')).toBe(65_535);
    for (const text of ['65536', '-1']) expect(() => asU16(new JsonNumber(text), 'p')).toThrow(DecodeError);
    expect(() => asU16('1', 'p')).toThrow('p: not a number');
  });
  it('reads and writes datetimes as Date does', () => {
    const seconds = fc.integer({ min: 0, max: 253_402_300_799 });
    fc.assert(
      fc.property(seconds, (time) => {
        const text = new Date(time * 1000).toISOString();
        expect(formatDatetime(time)).toBe(text);
        expect(asDatetime(text, 'p')).toBe(time);
      }),
      { numRuns: 2000 },
    );
  });
  test.each([
    ['2023-02-23T08:47:30.511Z', 1_677_142_050],
    ['2023-05-20T08:30:45Z', 1_684_571_445],
    ['2023-05-20T08:30:45.123456789Z', 1_684_571_445],
    ['1969-12-31T23:59:59.000Z', -1],
  ])('reads %s', (text, time) => expect(asDatetime(text, 'p')).toBe(time));
  test.each([
    '2023-02-29T00:00:00.000Z',
    '2023-13-01T00:00:00.000Z',
    '2023-01-01T24:00:00.000Z',
    '2023-01-01 00:00:00Z',
    '2023-01-01T00:00:00.000+01:00',
    '2023-01-01T00:00:00.Z',
    '',
  ])('refuses "%s"', (text) => expect(() => asDatetime(text, 'p')).toThrow(DecodeError));
});

describe('what a peer says', () => {
  it('is named by our tables', () => {
    expect(reasonOf(200, LSPS2_ERROR)).toBe('unrecognized_or_stale_token');
    expect(reasonOf(1, LSPS2_ERROR)).toBe('client_rejected');
    expect(reasonOf(-32_050, LSPS2_ERROR)).toBe('internal_error');
    expect(reasonOf(4711, LSPS2_ERROR)).toBe('unknown');
  });
  it('is made harmless', () => {
    expect(filterPeerText('a\u001b[31m<b>\n\u0000c\u202e')).toBe('a [31m b c');
    expect(filterPeerText('x'.repeat(1000)).length).toBeLessThan(210);
  });
});
