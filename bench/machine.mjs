import { table } from 'lsps2/session';
import { createMachine, initialTransition, transition } from 'xstate';
import { run, story } from './lightning.mjs';
import { line, number, perSecond, title } from './measure.mjs';

/** Steps per second of the machine of Core Lightning's PR 8948 on two cores, as studied; not run here. */
const RUST = { 2: 8e6, 30: 14e6 };

/** The same table as an xstate machine: states, events and targets, with nothing to compute in between. */
function xstateOf() {
  const states = Object.fromEntries(
    Object.entries(table).map(([state, row]) => [
      state,
      {
        on: Object.fromEntries(
          Object.entries(row).flatMap(([input, cell]) => (cell === 'odd' ? [] : [[input, { target: cell.to[0] }]])),
        ),
      },
    ]),
  );
  return createMachine({ initial: 'collecting', states });
}

export function benchMachine() {
  title('The pure machine, one payment from its first part to its end (steps per second)');
  const machine = xstateOf();
  const [initial] = initialTransition(machine);
  const rates = {};
  for (const parts of [2, 8, 30]) {
    const inputs = story(parts);
    const ended = run(inputs);
    if (!ended.paid) throw new Error('the story does not end well');
    const ours = perSecond(() => run(inputs)) * inputs.length;
    const events = inputs.map(({ tag }) => ({ type: tag }));
    const theirs =
      perSecond(() => {
        let state = initial;
        for (const event of events) [state] = transition(machine, state, event);
      }) * events.length;
    rates[parts] = ours;
    line(`${parts} parts`, number(ours), `${number(ours / theirs)}x xstate's pure transition in this run`);
    if (RUST[parts])
      line('', '', `${number(ours / RUST[parts])}x the anchor of the Rust machine (${number(RUST[parts])}/s)`);
  }
  const perPart = rates[2] / rates[30];
  line('a step at 30 parts over a step at 2 parts', `x${number(perPart)}`, 'linear in the parts would be x15');
}
