import { DecodeError } from 'lsps2';
import { describe, expect, test } from 'vitest';
import { formatUri, parseUri } from '../../lib/core/ids.ts';

const ID = `02${'ab'.repeat(32)}`;

describe('the address of an LSP (bLIP-50 "Lightning Network Connection Strings")', () => {
  test.each([
    [`${ID}@127.0.0.1:9735`, '127.0.0.1', 9735],
    [`${ID}@lsp.example:1`, 'lsp.example', 1],
    [`${ID}@::1:9735`, '::1', 9735],
    [`${ID}@[2001:db8::1]:65535`, '2001:db8::1', 65_535],
    [`${ID.toUpperCase()}@x.onion:9735`, 'x.onion', 9735],
  ])('%s', (text, host, port) => {
    expect(parseUri(text)).toEqual({ nodeId: ID, host, port });
    expect(parseUri(formatUri(parseUri(text)))).toEqual({ nodeId: ID, host, port });
  });
  test.each([
    ['no host', `${ID}@:9735`],
    ['no port', `${ID}@127.0.0.1`],
    ['port 0', `${ID}@127.0.0.1:0`],
    ['a port too high', `${ID}@127.0.0.1:65536`],
    ['a node id too short', `${ID.slice(2)}@127.0.0.1:9735`],
    ['a node id that is no key', `04${'ab'.repeat(32)}@127.0.0.1:9735`],
    ['nothing', ''],
  ])('%s is refused', (_, text) => expect(() => parseUri(text)).toThrow(DecodeError));
});
