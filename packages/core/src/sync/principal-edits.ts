// Decides when the account's list of devices is written at the relay: one edit at a time, since each names the version
// before it. Pure, a part of the session. Rules: spec/relay-protocol.md §6.
import { type ErrorCode, SealwireError } from '@sealwire/protocol';
import type { SessionEffect } from './session-events.ts';

export interface PrincipalEditsOptions {
  readonly emit: (effect: SessionEffect) => void;
  /** Opens a request. @returns its number. */
  readonly request: () => number;
  readonly isWaiting: () => boolean;
  /** When what was refused for the moment is tried again. */
  readonly retryAt: () => number;
  /** Codes of refusals that pass by themselves. */
  readonly tryAgain: ReadonlySet<ErrorCode>;
}

export const createPrincipalEdits = ({
  emit,
  request,
  isWaiting,
  retryAt,
  tryAgain,
}: PrincipalEditsOptions) => {
  let againAt: number | undefined;
  /** The list has changed while it was being written. */
  let isChanged = false;
  /** Edits in a row that named a version which is not the relay's. */
  let conflicts = 0;

  /**
   * @param version - the relay's, as a welcome says it; -1 for the one that follows from the last edit.
   * @param isBehind - the relay has one version more than that.
   */
  const put = (version: number, isBehind = false): void => {
    isChanged = false;
    againAt = undefined;
    emit({ type: 'put-principal', request: request(), version, isBehind });
  };

  return {
    put,
    /** When one is due. */
    againAt: () => againAt,
    onTime(now: number): void {
      if (againAt !== undefined && now >= againAt) put(-1);
    },
    changed(): void {
      if (isWaiting()) isChanged = true;
      else put(-1);
    },
    /** Writes what changed meanwhile. */
    flush(): void {
      if (isChanged) put(-1);
    },
    written(version: number): void {
      conflicts = 0;
      emit({ type: 'principal-written', version });
    },
    /** @returns true if the edit is over: it was said that it failed, or will be tried again later. */
    refused(code: ErrorCode): boolean {
      if (code === 'VERSION_CONFLICT') {
        conflicts += 1;
        // An edit of an earlier connection came through after all. If it was more than that, the next welcome tells.
        if (conflicts === 1) put(-1, true);
        if (conflicts === 2) emit({ type: 'disconnect' });
        if (conflicts <= 2) return false;
      }
      if (tryAgain.has(code)) againAt = retryAt();
      emit({
        type: 'problem',
        error: new SealwireError(code, 'The relay did not take the list of devices.'),
      });
      return true;
    },
    dropped(): void {
      againAt = undefined;
    },
  };
};
