// A trace replayed by both sides: plain Yjs with an update listener, and shared documents of real rooms, every edit sealed and
// received. Rules: README.md, "Editing traces".
import { attachDocument, documentStream, type Room, type SharedDocument } from '@sealwire/core/testing';
import type { StoredFrame } from '@sealwire/protocol';
import * as Y from 'yjs';
import { ResultsDiffer } from '../lib/result.ts';
import { type BenchAccount, createBenchAccount, memoryVault, openBenchDevice } from './device.ts';
import type { Patch, Trace } from './trace.ts';
import { planOf } from './trace-plan.ts';

const TEXT = 't';

export interface Replayed {
  /** The text of each agent's document that has heard of everything, and of the receiver's. */
  readonly texts: readonly string[];
  /** Updates or frames that were received. */
  readonly messages: number;
  readonly bytes: number;
}

const edit = (doc: Y.Doc, patches: readonly Patch[]): void => {
  const text = doc.getText(TEXT);
  for (const [position, deleted, inserted] of patches) {
    if (deleted > 0) text.delete(position, deleted);
    if (inserted.length > 0) text.insert(position, inserted);
  }
};

/** Each update goes to a receiver at once, as it is; to another writer when that one hears of it. */
export const replayPlain = (trace: Trace, clientIds?: readonly number[]): Replayed => {
  const receiver = new Y.Doc();
  let messages = 0;
  let bytes = 0;
  const writers = Array.from({ length: trace.agents }, (_, agent) => {
    const doc = new Y.Doc();
    if (clientIds) doc.clientID = clientIds[agent]!;
    const updates: Uint8Array[] = [];
    /** Where each part that it published ends. */
    const parts: number[] = [];
    const heard = Array.from({ length: trace.agents }, () => 0);
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === HEARD) return;
      updates.push(update);
      messages += 1;
      bytes += update.length;
      Y.applyUpdate(receiver, update);
    });
    return { doc, updates, parts, heard };
  });
  if (trace.startContent) edit(writers[0]!.doc, [[0, 0, trace.startContent]]);
  for (const move of planOf(trace)) {
    const writer = writers[move.agent]!;
    if (move.type === 'edit') edit(writer.doc, move.patches);
    else if (move.type === 'publish') writer.parts.push(writer.updates.length);
    else {
      const other = writers[move.of]!;
      const end = other.parts[move.parts - 1]!;
      for (let i = writer.heard[move.of]!; i < end; i++) Y.applyUpdate(writer.doc, other.updates[i]!, HEARD);
      writer.heard[move.of] = end;
    }
  }
  return { texts: textsOf(trace, [...writers, { doc: receiver }]), messages, bytes };
};

const HEARD = 'heard';

/** Of several agents only the receiver has heard of all. */
const textsOf = (trace: Trace, docs: readonly { readonly doc: Y.Doc }[]): string[] =>
  (trace.agents === 1 ? docs : docs.slice(-1)).map(({ doc }) => doc.getText(TEXT).toString());

interface Member {
  readonly room: Room;
  readonly document: SharedDocument;
  /** Frames that it made. */
  readonly made: StoredFrame[];
  readonly parts: number[];
  readonly heard: number[];
  /** Frames that it was given or made: positions as it counts them. */
  position: number;
  /** Frames of its own that are not acknowledged. */
  readonly sent: StoredFrame[];
  end(): void;
}

export interface Stage {
  readonly members: readonly Member[];
  readonly receiver: Member;
  readonly stream: string;
  end(): void;
}

/** Devices with the document open, as an editor has it, and their log entries exchanged. Not timed. */
export const prepareSealed = async (trace: Trace): Promise<Stage> => {
  const account = await createBenchAccount(trace.agents + 1, Date.now);
  const stream = documentStream(account.chat.keys.logId, trace.name);
  const members: Member[] = [];
  for (let index = 0; index <= trace.agents; index++)
    members.push(await openMember(account, index, stream, trace.agents));
  const receiver = members.pop()!;
  for (const { room } of members) await room.goLive();
  const stage = {
    members,
    receiver,
    stream,
    end: () => [...members, receiver].forEach((one) => void one.end()),
  };
  return stage;
};

const openMember = async (
  account: BenchAccount,
  index: number,
  stream: string,
  agents: number,
): Promise<Member> => {
  const made: StoredFrame[] = [];
  const sent: StoredFrame[] = [];
  const { room } = await openBenchDevice({
    account,
    index,
    vault: memoryVault(),
    now: Date.now,
    // An agent hears of what the trace says, not of all that a relay has.
    isCaughtUp: () => false,
    send: (label, frame) => {
      const stored = { position: 0, stream: label, frame };
      made.push(stored);
      sent.push(stored);
    },
  });
  const document = room.state.documents.open(stream);
  const attached = attachDocument(room, document, undefined);
  await attached.synced;
  const end = (): void => {
    attached.end();
    room.state.documents.close(stream);
  };
  return {
    room,
    document,
    made,
    sent,
    parts: [],
    heard: Array.from({ length: agents + 1 }, () => 0),
    position: 0,
    end,
  };
};

/**
 * @param turn - edits in one turn of the event loop. What is edited in one turn is stored together; while a frame is on its way
 *   nothing else leaves, and it is acknowledged when the receiver has it.
 */
export const replaySealed = async (trace: Trace, stage: Stage, turn: number): Promise<Replayed> => {
  const { members, receiver } = stage;
  const received = members.map(() => 0);
  let messages = 0;
  let bytes = 0;
  const give = async (to: Member, frames: readonly StoredFrame[]): Promise<void> => {
    if (frames.length > 0)
      await to.room.receive(frames.map((stored) => ({ ...stored, position: ++to.position })));
  };
  /** What is stored leaves, comes to the receiver and is acknowledged, until nothing more does. */
  const pass = async (agent: number): Promise<void> => {
    const member = members[agent]!;
    for (;;) {
      await member.room.stored();
      await member.room.idle();
      const acknowledged = member.sent.splice(0);
      if (acknowledged.length === 0) return;
      const fresh = member.made.slice(received[agent]);
      received[agent] = member.made.length;
      for (const { frame, stream } of fresh) {
        if (stream !== stage.stream) continue;
        messages += 1;
        bytes += frame.length;
      }
      await give(receiver, fresh);
      for (const { frame } of acknowledged) await member.room.appended(++member.position, frame);
    }
  };
  const edits = members.map(() => 0);
  if (trace.startContent) edit(members[0]!.document.doc, [[0, 0, trace.startContent]]);
  for (const move of planOf(trace)) {
    const member = members[move.agent]!;
    if (move.type === 'edit') {
      edit(member.document.doc, move.patches);
      edits[move.agent]! += 1;
      if (edits[move.agent]! % turn === 0) await pass(move.agent);
    } else if (move.type === 'publish') {
      await pass(move.agent);
      member.parts.push(member.made.length);
    } else {
      const other = members[move.of]!;
      const end = other.parts[move.parts - 1]!;
      const fresh = other.made.slice(member.heard[move.of], end);
      member.heard[move.of] = end;
      await give(member, fresh);
    }
  }
  for (const { room } of members)
    if (room.pending() > 0) throw new ResultsDiffer('a device did not send all that it wrote');
  const documents = [...members, receiver].map(({ document }) => document);
  return { texts: textsOf(trace, documents), messages, bytes };
};
