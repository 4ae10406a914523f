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
    [`${ID}@ws://127.0.0.1:9736`, '127.0.0.1', 9736, 'ws://127.0.0.1:9736/'],
    [`${ID}@wss://lsp.example`, 'lsp.example', 443, 'wss://lsp.example:443/'],
    [`${ID}@WS://lsp.example/ln/a?b=c`, 'lsp.example', 80, 'ws://lsp.example:80/ln/a?b=c'],
    [`${ID}@wss://[2001:db8::1]:1/x`, '2001:db8::1', 1, 'wss://[2001:db8::1]:1/x'],
  ])('by WebSocket: %s', (text, host, port, url) => {
    expect(parseUri(text)).toEqual({ nodeId: ID, host, port, url });
    expect(parseUri(formatUri(parseUri(text)))).toEqual({ nodeId: ID, host, port, url });
  });
  test.each([
    ['no host', `${ID}@:9735`],
    ['no port', `${ID}@127.0.0.1`],
    ['port 0', `${ID}@127.0.0.1:0`],
    ['a port too high', `${ID}@127.0.0.1:65536`],
    ['a node id too short', `${ID.slice(2)}@127.0.0.1:9735`],
    ['a node id that is no key', `04${'ab'.repeat(32)}@127.0.0.1:9735`],
    ['nothing', ''],
    ['an IPv6 address without a port', `${ID}@2001:db8::1`],
    ['no host but a port', `${ID}@::9735`],
    ['a host of URL tricks', `${ID}@wss://evil.com\\.good.com/`],
    ['a query in the host', `${ID}@wss://evil.com?.good.com/`],
    ['a path of URL tricks', `${ID}@wss://good.com/\\evil.com`],
    ['an escape sequence', `${ID}@127.0.0.1\u001b[31m:9735`],
    ['an escape sequence in a path', `${ID}@wss://good.com/\u001b[31m`],
    ['a text that turns around', `${ID}@good\u202e.com:9735`],
    ['a URL with a port and no host', `${ID}@wss://:80/`],
    ['brackets around a name', `${ID}@[lsp.example]:9735`],
    ['another scheme', `${ID}@http://lsp.example:80`],
    ['a path without a scheme', `${ID}@lsp.example:80/ln`],
    ['a URL with a password', `${ID}@wss://a:b@lsp.example`],
    ['a URL without a host', `${ID}@wss://`],
    ['a URL with a bare IPv6 address', `${ID}@ws://::1:80`],
    ['a URL with port 0', `${ID}@ws://lsp.example:0`],
  ])('%s is refused', (_, text) => expect(() => parseUri(text)).toThrow(DecodeError));
});
