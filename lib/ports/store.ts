/**
 * Where records live. Keys are ours (`purchase/1x2x3`), values JSON. A `put` resolves when the value is durable: nothing
 * that depends on it happens before. A rejected `put` or `remove` changed nothing.
 */
export interface Store {
  load(): Promise<readonly (readonly [key: string, json: string])[]>;
  put(key: string, json: string): Promise<void>;
  remove(key: string): Promise<void>;
}
