import { expect, test } from 'vitest';
import { table } from '../../lib/session/table.ts';

type Cells = Record<string, { name: string; to: readonly string[] } | 'odd'>;
const rows = Object.entries(table) as [string, Cells][];
const inputs = Object.keys(rows[0]![1]);
const live = rows.filter(([, cells]) => Object.values(cells).some((cell) => cell !== 'odd'));
const ended = rows.filter((row) => !live.includes(row)).map(([state]) => state);

function cellText(state: string, cell: Cells[string] | undefined): string {
  if (cell === undefined || cell === 'odd') return '-';
  const others = cell.to.filter((each) => each !== state);
  return others.length === 0 ? cell.name : `${cell.name} (${others.join(', ')})`;
}

function matrix(): string {
  const head = `| input | ${live.map(([state]) => state).join(' | ')} |`;
  const rule = `|---|${live.map(() => '---').join('|')}|`;
  const body = inputs.map(
    (input) => `| ${input} | ${live.map(([state, cells]) => cellText(state, cells[input])).join(' | ')} |`,
  );
  return [head, rule, ...body].join('\n');
}

function diagram(): string {
  const arrows = new Map<string, string[]>();
  for (const [state, cells] of live) {
    for (const [input, cell] of Object.entries(cells)) {
      if (cell === 'odd') continue;
      for (const target of cell.to.filter((each) => each !== state)) {
        const key = `  ${state} --> ${target}`;
        arrows.set(key, [...(arrows.get(key) ?? []), input]);
      }
    }
  }
  const lines = [...arrows].map(([arrow, why]) => `${arrow}: ${why.join(', ')}`);
  return ['stateDiagram-v2', '  [*] --> collecting', ...lines, ...ended.map((state) => `  ${state} --> [*]`)].join(
    '\n',
  );
}

const readme = `# The session's machine

The heart of the LSP: what happens to a payment from its first held part to its end. Pure: no clock, no randomness, no promises; every
step is \`(purchase, input, world) -> purchase and orders\`, and the runtime (\`lib/lsp\`) saves the purchase before it carries an
order out. \`table.ts\` is the matrix; this page is drawn from it by \`test/session/readme.test.ts\`, which fails when it is stale.

- **purchase** (\`purchase.ts\`): one successful \`lsps2.buy\`. Its record holds the one channel it may get and the fee that was settled.
- **session** (the table): one attempt to get a purchase paid, one payment hash. Several may collect on a purchase at the same time; one
  at a time owns the channel. A session that ends without a channel gives the purchase back, and the others are told.

## The table
A cell names what is done, and in brackets the other states it may lead to. \`-\`: the input does not belong here; nothing changes,
and the operator is told. In ${ended.join(', ')} everything is \`-\`: the session is forgotten, and a later part begins a new one.

${matrix()}

## The diagram
\`\`\`mermaid
${diagram()}
\`\`\`

## Before any session sees a part (\`step.ts\`)
| what | answer |
|---|---|
| less came in than its onion says (L8) | failed at once, \`unknown_next_peer\` |
| \`valid_until\` has passed, and its payment is not already under way | failed, \`unknown_next_peer\` |
| the purchase is paid | forwarded untouched: the scid is an alias until \`valid_until\` (bLIP-52 section 6) |
| it is smaller than the operator's smallest part | failed, \`temporary_channel_failure\` |
| too many payments collect on this purchase | failed, \`temporary_channel_failure\` |
| its id is known already | nothing: nodes repeat themselves |

## What is not here yet
Variable amounts, recovery after a restart, and following forwarded parts on the chain come with the next columns.

## What holds the money together
- The intent is saved before the deed: \`broadcast: 'ordered'\` is written before the funding transaction can be out, and from then on
  there is no second channel (L1) and no coin is freed (L6). A broadcast that fails is tried again; nothing pretends it did not happen.
- A purchase may try several channels, one after the other. Each has its attempt number, in its key at the node and in every piece of news:
  what comes late of one that was given up does not touch the next.
- Stages of a channel only go on; news that is no news is \`-\`.
- Only the parts that completed the set carry the fee. A part that comes later is held until the fee is settled in full, so that nobody
  can move the fee to a part that fails. A part that replaces a failed one carries what is owing by that.
- A known preimage always wins: with client-trusts-LSP the first one orders the broadcast, even when the part that it came with bore little
  or nothing of the fee. A client that claims only such a part leaves the fee owing (\`underpaid\`), and the operator a channel to close.

## Where it differs from Core Lightning's machine (PR 8948), and why
| there | here |
|---|---|
| every end finalizes the offer (S23, S25, P16) | an end without a channel gives the purchase back; the next payment starts anew (bLIP-52 section 4 and 5) |
| \`valid_until\` is looked at when a session begins (M18) | it also ends a set that is still collecting (bLIP-52 section 4) |
| the client is called for after the set is complete, inside awaiting the channel (P14) | a set waits for its client while it collects, bounded by the collect timeout |
| a refused open and a lost connection are one input (S23) | \`channelRefused\` fails with \`unknown_next_peer\`, \`channelFailed\` with \`temporary_channel_failure\` |
| a part too many fails the whole set (S04, S21) | it is failed alone: a stranger with the invoice must not sink a payment |
| a part whose time is up fails the whole set (S27) | it is given back alone, the set goes on waiting |
| late parts are forwarded with the set (S20) or free of charge (S33, S39) | they are held until the fee is settled in full |
| a failed part takes its share of the fee with it (S36) | what is not settled is owing again (L3) |
| always withholds the funding transaction | both trust models, LSP trusts client by default |
`;

test('lib/session/README.md shows the table and the diagram as they are', async () => {
  await expect(readme).toMatchFileSnapshot('../../lib/session/README.md');
});

test('the table has a cell for every input in every state', () => {
  for (const [, cells] of rows) expect(Object.keys(cells)).toEqual(inputs);
});
