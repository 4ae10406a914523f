import type { Readable, Writable } from 'node:stream';

/** A message of lightningd: a request has an id, a notification has none. */
export interface Incoming {
  readonly id?: string | number;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

export interface Stdio {
  /** Answers a request. Without this lightningd waits. */
  answer(id: string | number, result: unknown): void;
  fail(id: string | number, message: string): void;
  notify(method: string, params: unknown): void;
}

const END = '\n\n';
/** JSON-RPC 2.0 has codes of its own below -32000. */
const ERROR_CODE = -32_603;

/** lightningd's side of a plugin: JSON-RPC 2.0 over its standard streams, each message ended by an empty line. */
export function stdio(input: Readable, output: Writable, heard: (message: Incoming) => void, ended: () => void): Stdio {
  let rest = '';
  const send = (message: object) => void output.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}${END}`);
  input.setEncoding('utf8');
  input.on('data', (text: string) => {
    const pieces = (rest + text).split(END);
    rest = pieces.pop() ?? '';
    for (const piece of pieces) if (piece.trim() !== '') heard(read(piece));
  });
  input.on('end', ended);
  return {
    answer: (id, result) => send({ id, result }),
    fail: (id, message) => send({ id, error: { code: ERROR_CODE, message } }),
    notify: (method, params) => send({ method, params }),
  };
}

/** What lightningd writes is JSON; were it not, there would be nobody to answer. */
function read(text: string): Incoming {
  const { id, method, params } = JSON.parse(text) as Partial<Incoming>;
  const given = typeof params === 'object' && params !== null && !Array.isArray(params) ? params : {};
  return { method: String(method), params: given, ...(id === undefined ? {} : { id }) };
}
