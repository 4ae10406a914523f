import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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

const PAGE = fileURLToPath(new URL('../../lib/session/README.md', import.meta.url));

/** The page with its drawn blocks as they should be; everything around them is written by hand. */
function drawn(page: string): string {
  const blocks = { table: matrix(), diagram: ['```mermaid', diagram(), '```'].join('\n'), ended: ended.join(', ') };
  return Object.entries(blocks).reduce((text, [name, block]) => {
    const between = new RegExp(`(<!-- ${name} -->\\n?)[^]*?(\\n?<!-- /${name} -->)`);
    expect(text).toMatch(between);
    return text.replace(between, (_, before: string, after: string) => `${before}${block}${after}`);
  }, page);
}

test('lib/session/README.md shows the table and the diagram as they are', async () => {
  await expect(drawn(readFileSync(PAGE, 'utf8'))).toMatchFileSnapshot(PAGE);
});

test('the table has a cell for every input in every state', () => {
  for (const [, cells] of rows) expect(Object.keys(cells)).toEqual(inputs);
});
