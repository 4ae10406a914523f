import { type ServiceError, status } from '@grpc/grpc-js';
import { NodeError, type NodeReason } from '../../core/errors.ts';
import { filterPeerText } from '../../protocol/lsps0/errors.ts';

/** What a node says when it is not the code that tells: lnd answers most things with UNKNOWN. */
const WORDS: readonly (readonly [RegExp, NodeReason])[] = [
  [/wallet (is )?locked|wallet not (found|created)|unlock it/i, 'locked'],
  [/starting up|not yet ready|not active|WalletUnlocker/i, 'starting'],
  [/permission denied|macaroon|verification failed/i, 'permission'],
  [/certificate|self.signed|altname|unable to verify|SSL routines|tls: /i, 'certificate'],
];

const CODES: Readonly<Partial<Record<status, NodeReason>>> = {
  [status.UNAVAILABLE]: 'unreachable',
  [status.DEADLINE_EXCEEDED]: 'timeout',
  [status.PERMISSION_DENIED]: 'permission',
  [status.UNAUTHENTICATED]: 'permission',
  [status.UNIMPLEMENTED]: 'unsupported',
};

const SENTENCES: Readonly<Record<NodeReason, string>> = {
  unreachable: 'does not answer',
  certificate: 'and we do not agree on certificates',
  permission: 'does not permit that to these credentials',
  locked: 'is locked: unlock its wallet',
  starting: 'is still starting',
  unsupported: 'does not have that call',
  timeout: 'did not answer in time',
  other: 'said no',
};

/** The node and the call, as `lnd at 127.0.0.1:10009: GetInfo`. Never what was sent: it may hold a secret. */
export function toNodeError(error: ServiceError, where: string, call: string): NodeError {
  const detail = filterPeerText(error.details);
  const found = WORDS.find(([words]) => words.test(error.details))?.[1];
  const reason = found ?? CODES[error.code] ?? 'other';
  const words = detail === '' ? '' : ` (its words: ${detail})`;
  return new NodeError(`${where} ${SENTENCES[reason]}: ${call}${words}`, { reason, detail });
}
