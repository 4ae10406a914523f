import { asArray, asObject, asU32, field } from './fields.ts';
import { type Json, type JsonObject, number, object } from './json.ts';

export const LIST_PROTOCOLS = 'lsps0.list_protocols';

export const encodeProtocols = (protocols: readonly number[]): JsonObject =>
  object({ protocols: protocols.map(number) });

/** The LSPS numbers an LSP speaks; 0 is implied and left out. @throws {@link DecodeError} */
export function decodeProtocols(result: Json): readonly number[] {
  const protocols = field(asObject(result, 'result'), 'protocols', 'result', asArray);
  return protocols.map((item, index) => asU32(item, `result.protocols[${index}]`));
}
