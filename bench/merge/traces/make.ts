// Makes the small traces beside it, the same each time: `node --conditions=sealwire:source --import tsx bench/merge/traces/make.ts`.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { seededRandom } from '@sealwire/testkit/random';
import * as Y from 'yjs';
import { encodeTrace, makeTrace, type Patch, type Trace, type TraceStep } from '../trace.ts';

/** One who types, and three who type at once and hear of each other now and then. */
export const smallTraces = (): { readonly name: string; readonly bytes: Uint8Array }[] => {
  const alone = { ...makeTrace(7, 600), name: 'small' };
  const together = makeConcurrent(8, 400, 3);
  return [
    { name: 'small.json.gz', bytes: gzipSync(encodeTrace(alone)) },
    { name: 'small-concurrent.json.gz', bytes: gzipSync(encodeTrace(together)) },
  ];
};

const makeConcurrent = (seed: number, edits: number, agents: number): Trace => {
  const random = seededRandom(seed);
  const writers = Array.from({ length: agents }, (_, agent) => {
    const doc = new Y.Doc();
    doc.clientID = agent + 1;
    return { doc, parents: [] as number[] };
  });
  const steps: TraceStep[] = [];
  while (steps.length < edits) {
    const agent = random.int(agents);
    const { doc, parents } = writers[agent]!;
    const text = doc.getText('t');
    const at = random.int(text.length + 1);
    const isDeleting = at < text.length && random.int(3) === 0;
    const patch: Patch = isDeleting ? [at, 1, ''] : [at, 0, random.pick(['a', 'bc', 'ä', ' word'])];
    if (isDeleting) text.delete(at, 1);
    else text.insert(at, patch[2]);
    steps.push({ agent, parents: [...parents], patches: [patch] });
    writers[agent]!.parents = [steps.length - 1];
    if (random.int(5) > 0) continue;
    const other = writers[random.int(agents)]!;
    if (other === writers[agent]) continue;
    Y.applyUpdate(other.doc, Y.encodeStateAsUpdate(doc, Y.encodeStateVector(other.doc)));
    other.parents = [...new Set([...other.parents, ...writers[agent]!.parents])];
  }
  const all = new Y.Doc();
  for (const { doc } of writers) Y.applyUpdate(all, Y.encodeStateAsUpdate(doc));
  const endContent = all.getText('t').toString();
  return { name: 'small-concurrent', agents, startContent: '', endContent, steps };
};

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const { name, bytes } of smallTraces()) writeFileSync(new URL(name, import.meta.url), bytes);
