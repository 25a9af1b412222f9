// Who is in a shared document just now, and where: y-protocols awareness over signals. Rules: spec/shared-document.md §5.
import { LIMITS, SealwireError, sameBytes, toHex } from '@sealwire/protocol';
import { type Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness';
import { verifyEd25519 } from '#native';
import { deriveClientId } from '../frame/client-id.ts';
import { epochTagOf, openFrame, sealFrame } from '../frame/envelope.ts';
import { asSealwireError } from '../room/opening.ts';
import type { Room } from '../room/room.ts';
import { writerOf } from '../room/state.ts';
import {
  decodePresence,
  encodePresence,
  presenceStatement,
  SIGNAL_STREAM,
  type SignedPresence,
} from './signal.ts';

export interface PresenceOptions {
  readonly room: Room;
  readonly stream: string;
  /** As it is now: it changes when the document is made anew. */
  readonly awareness: () => Awareness;
  /** Sends to all who follow the room; may be lost. */
  readonly signal: (payload: Uint8Array) => void;
  /** Calls once after so many milliseconds. @returns the function that calls it off. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/** Origin of changes that came by a signal. */
const SIGNALLED = Symbol('signalled');

export const createPresence = ({ room, stream, awareness, signal, after }: PresenceOptions) => {
  const { options, control, cuts, keyring, ownId } = room.state;
  const { clientId, nonce } = writerOf(room.state, stream);
  const judge = createJudge(room, stream);
  const told = new Set<string>();
  let counter = 0;
  let cancel: (() => void) | undefined;
  /** Changes wait for the end of the pause after a signal. */
  let isDue = false;
  /** There was no connection, or no key that all who may read have. */
  let isUnsaid = false;
  let wasLive = room.isLive();
  let queue: Promise<void> = Promise.resolve();

  const maySpeak = (): boolean => room.isLive() && !cuts.isCut(ownId) && isMember(room, options.account.id);

  const send = (): void => {
    isDue = false;
    const key = maySpeak() ? keyring.sealing(SIGNAL_STREAM, control.current()) : undefined;
    isUnsaid = key === undefined;
    if (!key || !awareness().meta.has(clientId)) return;
    counter += 1;
    const body = encodePresence(
      {
        deviceId: options.device.id,
        stream,
        nonce,
        clientId,
        counter,
        sentAt: options.now(),
        update: encodeAwarenessUpdate(awareness(), [clientId]),
      },
      options.logId,
      options.sign,
    );
    if (body.length <= LIMITS.presenceBytes) signal(sealFrame(key, body, options.randomBytes));
  };

  /** At once if nothing was sent just now, else at the end of the pause: what counts is the newest. */
  const say = (): void => {
    isDue = true;
    if (cancel) return;
    send();
    cancel = after(LIMITS.presencePauseMs, () => {
      cancel = undefined;
      if (isDue) say();
    });
  };

  const take = async (payload: Uint8Array): Promise<void> => {
    try {
      const presence = await judge(payload);
      if (!presence) return;
      const isNew = !awareness().states.has(presence.clientId);
      applyAwarenessUpdate(awareness(), presence.update, SIGNALLED);
      // Who has just come knows nobody.
      if (isNew && awareness().states.has(presence.clientId)) say();
    } catch (error) {
      const { code, message } = asSealwireError(error);
      if (told.has(code)) return; // Signals cost a liar nothing: one of each kind is told.
      told.add(code);
      options.report({ code, message, room: room.key, stream, bytes: payload.slice() });
    }
  };

  const stopSignals = room.onSignal((payload) => {
    queue = queue.then(() => take(payload)).catch(options.fault);
  });
  const stopChanges = room.onChange(() => {
    const isLive = room.isLive();
    if (isLive && (!wasLive || (isUnsaid && keyring.sealing(SIGNAL_STREAM, control.current())))) say();
    wasLive = isLive;
  });

  return {
    /** To be told of each change of the awareness. */
    changed({ added, updated, removed }: AwarenessChange): void {
      if ([added, updated, removed].some((clients) => clients.includes(clientId))) say();
    },
    /** Settles when the signals that came so far are judged. */
    idle: (): Promise<void> => queue,
    /** Says the last word, whatever it is, and ends. */
    end(): void {
      stopSignals();
      stopChanges();
      cancel?.();
      if (isDue) send();
    },
  };
};

export interface AwarenessChange {
  readonly added: readonly number[];
  readonly updated: readonly number[];
  readonly removed: readonly number[];
}

export type PresenceLine = ReturnType<typeof createPresence>;

/**
 * Judges signals of one document. Resolves with undefined for what is passed over in silence: of another document or key,
 * late, heard before, or of nobody who may be here.
 *
 * @throws SealwireError (rejects) FRAME_UNREADABLE, UNSUPPORTED_VERSION, MALFORMED, TOO_LARGE, FRAME_FORGED
 */
export const createJudge = (room: Room, stream: string) => {
  const { options, cuts, keyring, ownId } = room.state;
  const heard = new Map<number, { counter: number; sentAt: number }>();

  const isFresh = ({ clientId, counter, sentAt }: SignedPresence): boolean => {
    if (Math.abs(options.now() - sentAt) > LIMITS.presenceMs) return false;
    return counter > (heard.get(clientId)?.counter ?? 0);
  };

  /** What is forgotten here is so old that its signals count no more. */
  const makeRoom = (): boolean => {
    if (heard.size < LIMITS.presenceDevices) return true;
    const before = options.now() - 2 * LIMITS.presenceMs;
    for (const [clientId, { sentAt }] of heard) if (sentAt < before) heard.delete(clientId);
    return heard.size < LIMITS.presenceDevices;
  };

  return async (payload: Uint8Array): Promise<SignedPresence | undefined> => {
    const key = keyring.opening(SIGNAL_STREAM, epochTagOf(payload));
    if (!key) return undefined;
    const presence = decodePresence(openFrame(key, payload));
    if (presence.stream !== stream) return undefined;
    const id = toHex(presence.deviceId);
    const device = options.directory.device(id);
    if (!device || id === ownId || cuts.isCut(id) || !isMember(room, device.account)) return undefined;
    if (!isFresh(presence)) return undefined;
    const { identity } = device.keys;
    if (deriveClientId(identity, options.logId, stream, presence.nonce) !== presence.clientId)
      throw forged("under a clientID that is not its device's");
    const statement = presenceStatement(options.logId, presence.signed);
    if (!(await verifyEd25519(identity, statement, presence.signature)))
      throw forged('its device did not sign it');
    if (!isFresh(presence)) return undefined;
    if (!heard.has(presence.clientId) && !makeRoom()) return undefined;
    heard.set(presence.clientId, presence);
    return presence;
  };
};

const isMember = (room: Room, account: Uint8Array): boolean =>
  room.state.control.members.accounts().some((member) => sameBytes(member, account));

const forged = (why: string): SealwireError =>
  new SealwireError('FRAME_FORGED', `A signal of presence was refused: ${why}.`);
