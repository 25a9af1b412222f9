// The shared documents of one room: what each is made of, those that are open, and own edits on their way to the outbox.
// Rules: spec/shared-document.md §3 and §4.
import { SealwireError } from '@sealwire/protocol';
import * as encoding from 'lib0/encoding';
import type { Evidence } from '../api.ts';
import type { DeletedRange, DocumentUpdate } from '../logdoc/parser.ts';
import { refused } from '../logdoc/strict-reader.ts';
import { createSharedDocument, type SharedDocument } from './document.ts';
import { type Edit, firstEndingAfter, joinEdits, rangesByClient, readEdit } from './join.ts';
import { parseDocument } from './parser.ts';

export interface DocumentsOptions {
  readonly report: (evidence: Omit<Evidence, 'room'>) => void;
  /** Stores an own edit. */
  readonly put: (stream: string, update: DocumentUpdate) => void;
  /** This run's clientID on a stream, and the clock at which its next edit stands. */
  readonly writer: (stream: string) => { readonly clientId: number; clock: number };
}

/** Own edits of one turn, which become one record. */
interface Buffer {
  readonly edits: Edit[];
  readonly clock: number;
}

export const createDocuments = ({ report, put, writer }: DocumentsOptions) => {
  const histories = new Map<string, DocumentUpdate[]>();
  const open = new Map<string, { readonly document: SharedDocument; users: number }>();
  const buffers = new Map<string, Buffer>();

  const historyOf = (stream: string): DocumentUpdate[] => {
    let history = histories.get(stream);
    if (!history) {
      history = [];
      histories.set(stream, history);
    }
    return history;
  };

  const remember = (stream: string, updates: readonly DocumentUpdate[]): void => {
    const history = historyOf(stream);
    for (const update of updates) history.push(update);
  };

  const broken = (stream: string, update: DocumentUpdate): void => {
    const history = historyOf(stream);
    const at = history.indexOf(update);
    const nothing = withoutContent(update);
    history.splice(at, 1, ...(nothing ? [nothing] : []));
    const message = 'An update of a shared document was left out: it could not be applied.';
    report({ code: 'UPDATE_REFUSED', message, stream, bytes: update.bytes.slice() });
  };

  const flush = (): void => {
    for (const [stream, { edits, clock }] of [...buffers]) {
      buffers.delete(stream);
      const { clientId } = writer(stream);
      let next = clock;
      for (const bytes of joinEdits(edits, clientId)) {
        const update = parseDocument(bytes, clientId, next);
        next += update.clocks;
        remember(stream, [update]);
        put(stream, update);
      }
    }
  };

  return {
    /** Takes note of what a document is made of, without showing it. */
    remember,
    /** Takes accepted updates into a document, and shows them if it is open. */
    deliver(stream: string, updates: readonly DocumentUpdate[]): void {
      remember(stream, updates.map(keepAlone));
      open.get(stream)?.document.apply(updates);
    },
    /** Forgets what some documents are made of. @param streams - undefined for all. */
    forget(streams?: ReadonlySet<string>): void {
      for (const stream of [...histories.keys()])
        if (streams?.has(stream) !== false) histories.delete(stream);
    },
    /** Streams of documents that are open. */
    openStreams: (): readonly string[] => [...open.keys()],
    /** Makes an open document anew from what it is made of. */
    reset(stream: string): void {
      flush();
      open.get(stream)?.document.reset();
    },
    /** The document of a stream, the same for all who ask for it until each has let go of it. */
    open(stream: string): SharedDocument {
      const known = open.get(stream);
      if (known) {
        known.users += 1;
        return known.document;
      }
      const document = createSharedDocument({
        stream,
        clientId: writer(stream).clientId,
        history: () => historyOf(stream),
        broken: (update) => broken(stream, update),
      });
      open.set(stream, { document, users: 1 });
      return document;
    },
    close(stream: string): void {
      const known = open.get(stream);
      if (!known) return;
      known.users -= 1;
      if (known.users > 0) return;
      flush();
      open.delete(stream);
      known.document.destroy();
    },
    /**
     * Takes a local edit: exactly this device's own, continuing its clock. It is stored with the others of its turn.
     *
     * @param known - what was deleted before; left out.
     * @throws SealwireError UPDATE_REFUSED if there is anything else in it, or more than a frame can hold.
     */
    submit(stream: string, update: Uint8Array, known?: readonly DeletedRange[]): void {
      if (isNothing(update)) return;
      const own = writer(stream);
      const read = readEdit(update, own.clientId, own.clock);
      const edit = known ? { ...read, deletions: withoutKnown(read.deletions, known) } : read;
      if (edit.clocks === 0 && edit.deletions.length === 0) return;
      if (update.length > MOST_ALONE) requireSmallStructs(edit, own.clientId);
      const buffer = buffers.get(stream);
      if (buffer) buffer.edits.push(edit);
      else {
        buffers.set(stream, { edits: [edit], clock: own.clock });
        if (buffers.size === 1) queueMicrotask(flush);
      }
      own.clock += edit.clocks;
    },
    /** Hands what was edited in this turn to the outbox. */
    flush,
    /** Turns' edits that are not in the outbox yet. */
    waiting: (): number => buffers.size,
  };
};

export type Documents = ReturnType<typeof createDocuments>;

/** An update of no more than this fits a frame whatever it is made of. */
const MOST_ALONE = 64 * 1024;

/** Only text can be cut: anything else must fit a frame alone. */
const requireSmallStructs = (edit: Edit, clientId: number): void => {
  for (const bytes of joinEdits([edit], clientId))
    try {
      parseDocument(bytes, clientId, undefined);
    } catch (error) {
      if (!(error instanceof SealwireError)) throw error;
      throw refused('a single value that is too large for a frame');
    }
};

const isNothing = (update: Uint8Array): boolean => update.length === 2 && update[0] === 0 && update[1] === 0;

/** What is kept for long must not hold on to the frames that it came with. */
const keepAlone = (update: DocumentUpdate): DocumentUpdate => {
  if (update.bytes.byteLength === update.bytes.buffer.byteLength) return update;
  const bytes = update.bytes.slice();
  const from = update.structs.byteOffset - update.bytes.byteOffset;
  return { ...update, bytes, structs: bytes.subarray(from, from + update.structs.length) };
};

/** Clocks without anything in them, so that what comes after continues. */
const withoutContent = ({ clientId, clock, clocks }: DocumentUpdate): DocumentUpdate | undefined => {
  if (clocks === 0) return undefined;
  const out = encoding.createEncoder();
  for (const number of [1, 1, clientId, clock, 0, clocks, 0]) encoding.writeVarUint(out, number);
  return parseDocument(encoding.toUint8Array(out), clientId, clock);
};

const withoutKnown = (ranges: readonly DeletedRange[], known: readonly DeletedRange[]): DeletedRange[] => {
  const byClient = rangesByClient(known);
  return ranges.flatMap(({ clientId, clock, length }) => {
    const left: DeletedRange[] = [];
    const end = clock + length;
    let at = clock;
    const gones = byClient.get(clientId) ?? [];
    for (let i = firstEndingAfter(gones, clock); i < gones.length && gones[i]!.clock < end; i++) {
      const gone = gones[i]!;
      if (gone.clock > at) left.push({ clientId, clock: at, length: gone.clock - at });
      at = Math.max(at, gone.clock + gone.length);
    }
    if (at < end) left.push({ clientId, clock: at, length: end - at });
    return left;
  });
};
