import { describe, expect, test } from 'vitest';
import { NodeError, PolicyError, RpcError, TermsError, TransportError } from 'lsps2';
import { EXIT, exitCodeOf, messageOf, UnpaidError, UsageError } from '../../examples/jit-invoice/exitCode.ts';
import { parseCommand } from '../../examples/jit-invoice/options.ts';
import { run } from './run.ts';

test('each kind of failure has its exit code, and says one line', () => {
  const rows: [unknown, number][] = [
    [new UsageError('u'), 2],
    [new TransportError('offline', 'nobody answers'), 3],
    [new TransportError('timeout', 'silent'), 3],
    [new TermsError('payment_too_small', 't'), 4],
    [new RpcError({ rpcCode: 1, reason: 'client_rejected', detail: '' }), 4],
    [new PolicyError('maxFee', 'p'), 5],
    [new UnpaidError('late'), 7],
    [new NodeError('n\nat somewhere'), 1],
    ['anything', 1],
  ];
  for (const [error, code] of rows) {
    expect(exitCodeOf(error)).toBe(code);
    expect(messageOf(error)).not.toContain('\n');
  }
});

describe('the options of jit-invoice', () => {
  test('have defaults', () => {
    expect(parseCommand(['demo'])).toEqual({
      name: 'demo',
      options: {
        amount: 250_000_000n,
        parts: 1,
        trust: 'lsp-trusts-client',
        maxFee: 250_000_000n,
        timeoutSeconds: 60,
        bitcoind: undefined,
        cheat: undefined,
        json: false,
      },
    });
  });
  test('are read', () => {
    const text =
      'demo --amount 123msat --parts 8 --trust client-trusts-lsp --max-fee 2sat --timeout 5 --cheat overcharge --json';
    expect(parseCommand([...text.split(' '), '--bitcoind', 'http://u:p@127.0.0.1:18443'])).toMatchObject({
      options: {
        amount: 123n,
        parts: 8,
        trust: 'client-trusts-lsp',
        maxFee: 2_000n,
        timeoutSeconds: 5,
        cheat: 'overcharge',
        json: true,
      },
    });
  });

  // E: each wrong input has a line of its own, and exit code 2.
  const wrong: [args: string, line: RegExp][] = [
    ['', /which command\? Try: jit-invoice demo/],
    ['pay', /unknown command "pay"/],
    ['demo now', /"now" is one word too many: demo takes nothing/],
    ['demo --key k', /--key is no option of demo/],
    ['quote', /quote takes at least one URI/],
    ['quote nowhere', /"nowhere" is not an LSP of the form nodeid@host:port or nodeid@wss:/],
    [`quote 02${'ab'.repeat(32)}@127.0.0.1:1 --amount much`, /--amount: "much" is not an amount/],
    [`quote 02${'ab'.repeat(32)}@127.0.0.1:1 --proxy here`, /--proxy: "here" is not an address/],
    [`quote 02${'ab'.repeat(32)}@127.0.0.1:1 --timeout 0`, /--timeout: "0" is not a whole number/],
    [`quote 02${'ab'.repeat(32)}@127.0.0.1:1 --key /`, /--key: \/ cannot be read/],
    ['decode', /decode takes one invoice/],
    ['decode lnbc1', /not an invoice/],
    ['decode lnbc1 lnbc1', /"lnbc1" is one word too many: decode takes one invoice/],
    [`receive 02${'ab'.repeat(32)}@127.0.0.1:1`, /--bitcoind: the wallet needs a regtest bitcoind/],
    ['receive', /receive takes one URI/],
    ['doctor', /--node lnd: needs --tls-cert FILE and --macaroon FILE/],
    ['doctor --node ldk --tls-cert a --macaroon b', /--node: "ldk" is none of lnd, cln/],
    ['doctor --node cln', /--node cln: needs --certs DIR/],
    ['doctor --node cln --certs a --macaroon b', /--macaroon is no option of --node cln/],
    [
      `receive 02${'ab'.repeat(32)}@127.0.0.1:1 --node cln --certs a --gates none`,
      /--gates: "none" is none of plugin, stock/,
    ],
    [`receive 02${'ab'.repeat(32)}@127.0.0.1:1 --node cln --certs a --gates stock`, /--gates stock: needs --data DIR/],
    [
      `receive 02${'ab'.repeat(32)}@127.0.0.1:1 --node cln --certs a --unverified-fees`,
      /--unverified-fees is of --gates stock/,
    ],
    ['doctor now', /"now" is one word too many: doctor takes nothing/],
    [`receive 02${'ab'.repeat(32)}@127.0.0.1:1 --node eclair`, /--node: "eclair" is none of ldk, lnd, cln/],
    [`receive 02${'ab'.repeat(32)}@127.0.0.1:1 --node lnd`, /--node lnd: needs --tls-cert FILE and --macaroon FILE/],
    [`receive 02${'ab'.repeat(32)}@127.0.0.1:1 --node lnd --tls-cert a --macaroon b`, /--node lnd: needs --data DIR/],
    [
      `receive 02${'ab'.repeat(32)}@127.0.0.1:1 --node lnd --tls-cert a --macaroon b --data c --rpc nowhere`,
      /--rpc: "nowhere" is not an address/,
    ],
    [
      `receive 02${'ab'.repeat(32)}@127.0.0.1:1 --node lnd --bitcoind http://h`,
      /--bitcoind is no option of --node lnd/,
    ],
    [`receive 02${'ab'.repeat(32)}@127.0.0.1:1 --macaroon b`, /--macaroon is no option of --node ldk/],
    [
      `receive 02${'ab'.repeat(32)}@127.0.0.1:1 --bitcoind http://127.0.0.1:1 --yes`,
      /--yes: without --max-fee any price/,
    ],
    [`receive 02${'ab'.repeat(32)}@wss://h/ --bitcoind http://127.0.0.1:1`, /reaches LSPs by TCP only/],
    [`quote 02${'ab'.repeat(32)}@wss://h/ --proxy 127.0.0.1:9050`, /--proxy: it is for TCP/],
    [`quote 02${'ab'.repeat(32)}@h:1 02${'ab'.repeat(32)}@h:2`, /stands there twice/],
    [`receive 02${'ab'.repeat(32)}@127.0.0.1:1 --bitcoind http://u:hunter2@127.0.0.1:1`, /--yes: there is nobody here/],
    // Secrets that were put where none belongs are not repeated.
    [
      'doctor --rpc lndconnect://h:1?macaroon=hunter2 --tls-cert a --macaroon b',
      /--rpc: what stands there is not an addr/,
    ],
    ['doctor --tls-cert a --macaroon 0201036c6e64hunter2', /--macaroon: takes the name of a file, not what is in it/],
    ['doctor --tls-cert a --macaroon AgEDbG5khunter2', /--macaroon: takes the name of a file/],
    ['doctor lndconnect://h:1?macaroon=hunter2', /what stands there is one word too many/],
    ['quote lndconnect://h:1?macaroon=hunter2', /what stands there is not an LSP/],
    ['clngrpc://h:1?certs=hunter2', /unknown command what stands there/],
    ['demo --amount', /--amount.*argument missing/],
    ['demo --amount 5', /--amount: "5" is not an amount/],
    ['demo --amount 5btc', /--amount: "5btc" is not an amount/],
    ['demo --amount 1.5sat', /--amount: "1\.5sat" is not an amount/],
    ['demo --amount 0sat', /--amount: nothing is not an amount/],
    ['demo --amount -5sat', /--amount: "-5sat" is not an amount/],
    ['demo --amount 18446744073709551616msat', /--amount: .* is more than there can be/],
    ['demo --parts 0', /--parts: "0" is not a whole number from 1 to 30/],
    ['demo --parts -1', /--parts: "-1" is not a whole number/],
    ['demo --parts 31', /--parts: "31" is not a whole number/],
    ['demo --parts two', /--parts: "two" is not a whole number/],
    ['demo --trust nobody', /--trust: "nobody" is none of lsp-trusts-client, client-trusts-lsp/],
    ['demo --max-fee 0sat', /--max-fee: nothing is not an amount/],
    ['demo --max-fee much', /--max-fee: "much" is not an amount/],
    ['demo --timeout 0', /--timeout: "0" is not a whole number/],
    ['demo --bitcoind here', /--bitcoind: this is not a URL/],
    ['demo --bitcoind ftp://u:hunter2@h', /--bitcoind: this is not a URL/],
    ['demo --cheat nicely', /--cheat: "nicely" is none of overcharge, public-channel, unsolicited-channel/],
    ['demo --verbose', /Unknown option '--verbose'/],
    ['demo --json=1', /--json/],
  ];
  test.each(wrong)('E: jit-invoice %s', async (args, line) => {
    const { code, stdout, stderr } = await run(...args.split(' ').filter(Boolean));
    expect([code, stdout]).toEqual([EXIT.usage, '']);
    expect(stderr).toMatch(line);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).not.toContain('hunter2');
  });

  test('--help names every option and exit code; --version the version', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    for (const option of [
      '--amount',
      '--parts',
      '--trust',
      '--max-fee',
      '--timeout',
      '--bitcoind',
      '--cheat',
      '--json',
      '--key',
      '--proxy',
      '--listen-ws',
      '--yes',
    ]) {
      expect(stdout).toContain(option);
    }
    for (const exit of Object.values(EXIT)) expect(stdout).toMatch(new RegExp(`^ {2}${exit} {2}`, 'm'));
    expect((await run('--version')).stdout).toBe('0.1.0\n');
  });
});
