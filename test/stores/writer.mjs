// Puts 1, 2, 3 ... until it is killed. It runs from dist, as a user's process would.
import { sqliteStore } from 'lsps2/sqlite';

const [path, round] = process.argv.slice(2);
const store = await sqliteStore(path);
for (let n = 1; ; n++) {
  await store.put(`round/${round}`, String(n));
  process.send(n);
}
