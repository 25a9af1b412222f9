// How verbs answer: refusals, and edits that are answered once they are durable. Rules: spec/relay-protocol.md §6.
import { type ErrorCode, type RelayMessage, SealwireError } from '@sealwire/protocol';
import type { Shared } from './core.ts';
import type { Verdict } from './rights.ts';
import type { Session } from './session.ts';

export interface Edit {
  readonly request: number;
  readonly version: number;
  readonly verdict: Verdict;
  /** Resolves when the edit is durable. */
  readonly write: () => Promise<void>;
  /** Lets the durable edit take effect. */
  readonly written: () => void;
}

/** Answers an edit: refused, done already or, later, done. */
export const edit = (
  shared: Shared,
  session: Session,
  { request, version, verdict, write, written }: Edit,
): RelayMessage | undefined => {
  if (shared.isStopping()) return refusal(request, 'SHUTTING_DOWN');
  if (verdict === 'already') return { type: 'done', request, version };
  if (verdict !== 'write') return refusal(request, verdict);
  const done = (): void => {
    session.sendMessage({ type: 'done', request, version });
    written();
  };
  return durably(shared, session, { request, bytes: 0, write, written: done });
};

/** A write that a request asks for. */
export interface Write<T> {
  readonly request: number;
  /** Bytes that wait in memory until it is durable. */
  readonly bytes: number;
  /** Resolves when it is durable. */
  readonly write: () => Promise<T>;
  /** Told what came of it. */
  readonly written: (result: T) => void;
}

/** Writes, then lets it be answered. @returns a refusal if too many writes of the session wait already. */
export const durably = <T>(
  shared: Shared,
  session: Session,
  { request, bytes, write, written }: Write<T>,
): RelayMessage | undefined => {
  if (session.writing >= shared.limits.appendsInFlight) return refusal(request, 'LIMIT_REACHED');
  session.writeBegan();
  const { clock, measures } = shared;
  const askedAt = clock.now();
  if (bytes > 0) shared.pressure.add(bytes, session);
  const ended = (): void => {
    if (bytes > 0) shared.pressure.remove(bytes);
    session.writeEnded();
  };
  void write().then(
    (result) => {
      measures.durable(clock.now() - askedAt);
      session.guarded(() => written(result));
      ended();
    },
    (error: unknown) => {
      session.sendMessage(refusal(request, storeCode(shared, session, request, error)));
      ended();
    },
  );
  return undefined;
};

export const refusal = (request: number, code: ErrorCode): RelayMessage => ({
  type: 'refused',
  request,
  code,
});

/** The code of a failed write. @throws the error again if it is not the store's own. */
const storeCode = (shared: Shared, session: Session, request: number, error: unknown): ErrorCode => {
  if (!(error instanceof SealwireError)) throw error;
  const { code } = error;
  if (code === 'STORE_FULL' || code === 'STORE_FAILED')
    shared.log({ event: 'store-failed', code, connection: session.number, request });
  return code === 'CLOSED' ? 'SHUTTING_DOWN' : code;
};
