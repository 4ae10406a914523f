import { describe, expect, test } from 'vitest';
import { saveRecord } from '../../lib/core/record.ts';
import type { State } from '../../lib/session/data.ts';
import { table } from '../../lib/session/table.ts';
import { inputs, next, start, type World } from './model.ts';

const DECLARED = new Set(
  Object.entries(table).flatMap(([state, cells]) =>
    Object.entries(cells).flatMap(([input, cell]) =>
      cell === 'odd' ? [] : (cell as { to: readonly string[] }).to.map((to) => `${state} ${input} -> ${to}`),
    ),
  ),
);

const reachedEdges = new Set<string>();

/** Notes the edges of the table that one input took, by the states of the sessions before and after. */
function note(before: World, after: World, input: string): void {
  const hashes = new Set([...Object.keys(before.purchase.sessions), ...Object.keys(after.purchase.sessions)]);
  for (const hash of hashes) {
    const from: State | undefined = before.purchase.sessions[hash as never];
    const to: State | undefined = after.purchase.sessions[hash as never];
    if (from && to && from.tag !== to.tag) reachedEdges.add(`${from.tag} ${input} -> ${to.tag}`);
  }
}

describe.each(['lsp-trusts-client', 'client-trusts-lsp'] as const)('the walk through everything, %s', (trust) => {
  test('no money rule breaks in any state that can be reached', () => {
    const seen = new Set<string>();
    let frontier: World[] = [start(trust)];
    let edges = 0;
    seen.add(saveRecord(frontier[0]));
    while (frontier.length > 0) {
      const reached: World[] = [];
      for (const world of frontier) {
        for (const input of inputs(world)) {
          edges++;
          const after = next(world, input);
          note(world, after, input.tag);
          const key = saveRecord(after);
          if (seen.has(key)) continue;
          seen.add(key);
          reached.push(after);
        }
      }
      frontier = reached;
    }
    process.stdout.write(`walk, ${trust}: ${seen.size} states, ${edges} edges, no rule broken\n`);
    expect(seen.size).toBeGreaterThan(1000);
  }, 240_000);
});

test('the walk takes no edge that the table does not declare', () => {
  const undeclared = [...reachedEdges].filter((edge) => !DECLARED.has(edge) && !isSecondHand(edge));
  expect(undeclared).toEqual([]);
});

/** One input can move a second session by the news that the purchase is free or paid. */
const isSecondHand = (edge: string) => /^collecting (?!partArrived|clientConnected)/.test(edge);
