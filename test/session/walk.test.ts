import { describe, expect, test } from 'vitest';
import { table } from '../../lib/session/table.ts';
import { explore } from './explore.ts';
import { crashes, keyOf, moves, next, SCENARIO_NAMES, start } from './model.ts';

const model = { crashes, keyOf, moves, next };

interface Cell {
  readonly to: readonly string[];
  run: (view: unknown, state: { tag: string }, input: { tag: string }) => { state: { tag: string } };
}

const cells = Object.entries(table).flatMap(([state, row]) =>
  Object.entries(row).flatMap(([input, cell]) => (cell === 'odd' ? [] : [{ state, input, cell: cell as Cell }])),
);
const declared = cells.flatMap(({ state, input, cell }) => cell.to.map((to) => `${state} ${input} -> ${to}`));
const taken = new Set<string>();

// Every turn of the table is noted, also those of a second session that hears that the purchase is free or paid.
for (const cell of new Set(cells.map((each) => each.cell))) {
  const { run } = cell;
  cell.run = (view, state, input) => {
    const found = run(view, state, input);
    taken.add(`${state.tag} ${input.tag} -> ${found.state.tag}`);
    return found;
  };
}

describe.each(SCENARIO_NAMES)('the walk through everything: %s', (scenario) => {
  test.each(['lsp-trusts-client', 'client-trusts-lsp'] as const)(
    '%s: no money rule breaks in any state that can be reached',
    (trust) => {
      const { states, edges } = explore(model, start(scenario, trust));
      process.stdout.write(`walk, ${scenario}, ${trust}: ${states} states, ${edges} edges, no rule broken\n`);
      expect(states).toBeGreaterThan(1000);
    },
    600_000,
  );
});

test('the walk takes every edge that the table declares, and no other', () => {
  expect([...taken].filter((edge) => !declared.includes(edge))).toEqual([]);
  expect(declared.filter((edge) => !taken.has(edge))).toEqual([]);
});
