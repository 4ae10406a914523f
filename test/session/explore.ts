import type * as Model from './model.ts';

/**
 * Walks through everything that can be reached, to its end: first without a crash, then with one at every place there is.
 * @throws where a rule breaks.
 */
export function explore(
  { moves, crashes, next, keyOf }: Pick<typeof Model, 'moves' | 'crashes' | 'next' | 'keyOf'>,
  from: Model.World,
): { readonly states: number; readonly edges: number } {
  const seen = new Set([keyOf(from)]);
  let edges = 0;

  function walk(begin: readonly Model.World[]): readonly Model.World[] {
    const all = [...begin];
    for (const world of all) all.push(...step(world, moves(world)));
    return all;
  }

  function step(world: Model.World, each: readonly Model.Move[]): readonly Model.World[] {
    return each.flatMap((move) => {
      edges++;
      const found = next(world, move);
      const key = keyOf(found);
      if (seen.has(key)) return [];
      seen.add(key);
      return [found];
    });
  }

  const calm = walk([from]);
  walk(calm.flatMap((world) => step(world, crashes(world))));
  return { states: seen.size, edges };
}
