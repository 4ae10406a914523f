/**
 * A state machine as a table that anyone can read and the compiler can check.
 *
 * A row for each state, a cell for each input. A cell names the states it may lead to and the handler that decides; a
 * missing cell, an undeclared target, a handler in the wrong row or column does not compile.
 */
export interface Tagged {
  readonly tag: string;
}

type Of<Union extends Tagged, Tag extends Union['tag']> = Extract<Union, { readonly tag: Tag }>;

/** What a handler decides: the next state, and what is to be done once that state is saved. */
export interface Step<State, Effect> {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** One cell. `run` gets the context (what the session belongs to), its own state and the one input of its column. */
interface Cell<Context, From, Input, State extends Tagged, Effect> {
  readonly name: string;
  readonly to: readonly State['tag'][];
  run(context: Context, state: From, input: Input): Step<State, Effect>;
}

/** The whole table. `odd` stands for "this does not belong here": nothing changes, and whoever asked is told. */
export type Table<Context, State extends Tagged, Input extends Tagged, Effect> = {
  readonly [Row in State['tag']]: {
    readonly [Column in Input['tag']]: Cell<Context, Of<State, Row>, Of<Input, Column>, State, Effect> | 'odd';
  };
};

/** Makes a cell: `cell('collect', ['collecting', 'awaitingChannel'], collect)`. The handler reaches only what is listed. */
export function cell<const Tags extends readonly string[], Context, From, Input, State extends Tagged, Effect>(
  name: string,
  to: Tags,
  run: (context: Context, state: From, input: Input) => Step<State & { readonly tag: Tags[number] }, Effect>,
): { name: string; to: Tags; run: typeof run } {
  return { name, to, run };
}

/** What one input did. `odd`: the table has no use for this input in this state. */
export interface Outcome<State, Effect> extends Step<State, Effect> {
  readonly odd: boolean;
}

/** Looks the cell up and runs it. */
export function turn<Context, State extends Tagged, Input extends Tagged, Effect>(
  table: Table<Context, State, Input, Effect>,
  context: Context,
  state: State,
  input: Input,
): Outcome<State, Effect> {
  const rows = table as Record<string, Record<string, Cell<Context, State, Input, State, Effect> | 'odd' | undefined>>;
  const found = rows[state.tag]?.[input.tag];
  if (found === undefined || found === 'odd') return { state, effects: [], odd: true };
  return { ...found.run(context, state, input), odd: false };
}
