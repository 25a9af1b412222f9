// Makes one Yjs update of accepted updates of a shared document, which leaves nothing pending: what they refer to and will
// never count stands there as nothing. Rules: spec/shared-document.md §2.
import * as encoding from 'lib0/encoding';
import type { DeletedRange, DocumentUpdate } from '../logdoc/parser.ts';
import { writeRanges } from './join.ts';

export interface Combined {
  readonly update: Uint8Array;
  /** Updates that do not continue what is before them here: parts of what came twice. To be applied behind. */
  readonly rest: readonly DocumentUpdate[];
  /** The clock at which each clientID concerned stands afterwards. */
  readonly clocks: ReadonlyMap<number, number>;
}

interface Run {
  readonly clock: number;
  end: number;
  count: number;
  readonly structs: Uint8Array[];
}

/**
 * @param updates - accepted; those of one clientID in clock order.
 * @param heldOf - at which clock a clientID stands in the document that they go into.
 */
export const combineDocuments = (
  updates: readonly DocumentUpdate[],
  heldOf: (clientId: number) => number,
): Combined => {
  const runs = new Map<number, Run>();
  const rest: DocumentUpdate[] = [];
  for (const update of updates) {
    if (update.clocks === 0) continue;
    const end = update.clock + update.clocks;
    const known = runs.get(update.clientId);
    const stands = known?.end ?? heldOf(update.clientId);
    if (end <= stands) continue;
    if (update.clock !== stands) rest.push(update);
    else if (known) {
      known.end = end;
      known.count += update.count;
      known.structs.push(update.structs);
    } else runs.set(update.clientId, { clock: stands, end, count: update.count, structs: [update.structs] });
  }
  const clocks = new Map([...runs].map(([client, { end }]) => [client, end]));
  for (const { clientId, clock, clocks: length } of rest)
    clocks.set(clientId, Math.max(clocks.get(clientId) ?? 0, clock + length));
  fillGaps(updates, runs, clocks, heldOf);
  const stands = (clientId: number): number => clocks.get(clientId) ?? heldOf(clientId);
  return { update: encode(runs, clipped(updates, stands)), rest, clocks };
};

/** What is referred to and is not there never counts: see `fitsDocument`. */
const fillGaps = (
  updates: readonly DocumentUpdate[],
  runs: Map<number, Run>,
  clocks: Map<number, number>,
  heldOf: (clientId: number) => number,
): void => {
  for (const { references } of updates)
    for (const [client, clock] of references) {
      const stands = clocks.get(client) ?? heldOf(client);
      if (clock < stands) continue;
      const out = encoding.createEncoder();
      encoding.writeUint8(out, 0);
      encoding.writeVarUint(out, clock + 1 - stands);
      const run = runs.get(client) ?? { clock: stands, end: stands, count: 0, structs: [] };
      runs.set(client, run);
      run.count += 1;
      run.end = clock + 1;
      run.structs.push(encoding.toUint8Array(out));
      clocks.set(client, run.end);
    }
};

const clipped = (updates: readonly DocumentUpdate[], stands: (clientId: number) => number): DeletedRange[] =>
  updates.flatMap(({ deletions }) =>
    deletions.flatMap((range) => {
      const length = Math.min(range.clock + range.length, stands(range.clientId)) - range.clock;
      return length > 0 ? [{ ...range, length }] : [];
    }),
  );

const encode = (runs: ReadonlyMap<number, Run>, deletions: readonly DeletedRange[]): Uint8Array => {
  const out = encoding.createEncoder();
  encoding.writeVarUint(out, runs.size);
  // Yjs writes higher clientIDs first; it reads any order.
  for (const [clientId, { clock, count, structs }] of [...runs].sort(([a], [b]) => b - a)) {
    encoding.writeVarUint(out, count);
    encoding.writeVarUint(out, clientId);
    encoding.writeVarUint(out, clock);
    for (const bytes of structs) encoding.writeUint8Array(out, bytes);
  }
  writeRanges(out, deletions);
  return encoding.toUint8Array(out);
};
