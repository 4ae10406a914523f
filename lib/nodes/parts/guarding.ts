import { NodeError } from '../../core/errors.ts';
import { untilTaken } from '../../core/untilTaken.ts';
import type { Stop } from '../../ports/abort.ts';
import type { Gates } from '../../ports/gates.ts';
import type { WalletNode } from '../../ports/walletNode.ts';

type News = (to: Gates) => Promise<void>;

/** Whose gates they are, and what they must not miss. */
export interface Guarding extends Pick<WalletNode, 'guard'> {
  gates(): Gates | undefined;
  /** Kept until the gates took it, told again to the next client. */
  tell(news: News): void;
  /** Tells once more what was not taken. */
  tellAgain(): void;
}

/** `failed`: the gates did not take some news; it is kept. */
export function guarding(failed: (cause: unknown) => void): Guarding {
  let gates: Gates | undefined;
  const news = untilTaken<News>(() => undefined);
  return {
    gates: () => gates,
    tell: news.tell,
    tellAgain: () => news.again(),
    guard(given): Stop {
      if (gates) throw new NodeError('this node is guarded by another client: close it first');
      gates = given;
      const stop = news.add(async (tell) =>
        tell(given).catch((cause: unknown) => {
          failed(cause);
          throw cause;
        }),
      );
      return () => {
        stop();
        if (gates === given) gates = undefined;
      };
    },
  };
}
