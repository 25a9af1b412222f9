// Attachments sealed in chunks. Rules: spec/blobs.md §1.
import { createHash } from 'node:crypto';
import { SealwireError } from '@sealwire/protocol';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BLOB_CHUNK_BYTES, chunksOf, openChunk, SEALED_CHUNK_BYTES, sealBlob } from '../src/frame/blob.ts';
import { randomBytes } from '../src/random.ts';

const test = suite('blob');

/** Content that tells every byte's place. */
const contentOf = (length: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) * 13 + (i >> 16) * 29) & 255));

async function* pieces(content: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += length) yield content.subarray(at, at + length);
}

const sealed = async (key: Uint8Array, content: Uint8Array, pieceBytes: number): Promise<Buffer> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of sealBlob(key, pieces(content, pieceBytes), randomBytes)) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const opened = (key: Uint8Array, blob: Uint8Array, from: number, to: number): Buffer => {
  const places = chunksOf(blob.length, from, to);
  const content = places.map((place) => openChunk(key, place, blob.subarray(place.start, place.end)));
  const before = places[0]!.index * BLOB_CHUNK_BYTES;
  return Buffer.concat(content).subarray(from - before, to - before);
};

const refused = (run: () => unknown): void => {
  try {
    run();
  } catch (error) {
    assert.instance(error, SealwireError);
    assert.is((error as SealwireError).code, 'FRAME_UNREADABLE');
    return;
  }
  assert.unreachable('it opened');
};

test('[BL1] content of every length comes back, whole and in parts, from pieces of every length', async () => {
  const key = randomBytes(32);
  const C = BLOB_CHUNK_BYTES;
  for (const length of [0, 1, C - 1, C, C + 1, 2 * C - 1, 2 * C, 2 * C + 1, 3 * C + 77]) {
    const content = contentOf(length);
    for (const pieceBytes of [length || 1, 1_000, C, C + 3]) {
      const blob = await sealed(key, content, pieceBytes);
      assert.is(blob.length, length + 40 * Math.max(1, Math.ceil(length / C)));
      assert.ok(opened(key, blob, 0, length).equals(content), `${length} in pieces of ${pieceBytes}`);
    }
    const blob = await sealed(key, content, 9_999);
    for (const [from, to] of [
      [0, 0],
      [0, 1],
      [C - 1, C + 1],
      [C, 2 * C],
      [length, length],
      [length - 1, length],
    ] as const) {
      if (from < 0 || to > length) continue;
      assert.ok(
        opened(key, blob, from, to).equals(content.subarray(from, to)),
        `${from} to ${to} of ${length}`,
      );
    }
  }
  assert.equal(
    chunksOf(3 * SEALED_CHUNK_BYTES + 50, C + 5, C + 6).map(({ index, start }) => [index, start]),
    [[1, SEALED_CHUNK_BYTES]],
  );
});

test('[BL1] two sealings of one content have nothing in common', async () => {
  const key = randomBytes(32);
  const names = new Set<string>();
  for (let i = 0; i < 3; i++)
    names.add(
      createHash('sha256')
        .update(await sealed(key, contentOf(10), 10))
        .digest('hex'),
    );
  assert.is(names.size, 3);
});

test('[BL1] [BL2] a chunk that is moved, changed, left out or cut off does not open', async () => {
  const key = randomBytes(32);
  const blob = await sealed(key, contentOf(2 * BLOB_CHUNK_BYTES + 100), 50_000);
  const [first, second, third] = chunksOf(blob.length, 0, 2 * BLOB_CHUNK_BYTES + 100);
  const bytesOf = (place: typeof first) => blob.subarray(place!.start, place!.end);
  refused(() => openChunk(key, first!, bytesOf(second)));
  refused(() => openChunk(key, second!, bytesOf(third)));
  refused(() => openChunk(randomBytes(32), first!, bytesOf(first)));
  for (const at of [0, 30, SEALED_CHUNK_BYTES - 1]) {
    const changed = Buffer.from(bytesOf(first));
    changed[at]! ^= 1;
    refused(() => openChunk(key, first!, changed));
  }
  refused(() => openChunk(key, third!, bytesOf(third).subarray(0, 20)));
  const cut = blob.subarray(0, 2 * SEALED_CHUNK_BYTES);
  refused(() => opened(key, cut, 0, 2 * BLOB_CHUNK_BYTES));
  const without = Buffer.concat([bytesOf(first), bytesOf(third)]);
  refused(() => opened(key, without, 0, BLOB_CHUNK_BYTES + 100));
  const longer = Buffer.concat([bytesOf(first), bytesOf(second), bytesOf(second)]);
  refused(() => opened(key, longer, 0, 3 * BLOB_CHUNK_BYTES));
  for (const size of [0, 39, SEALED_CHUNK_BYTES + 39, SEALED_CHUNK_BYTES + 40])
    refused(() => chunksOf(size, 0, 0));
  assert.throws(() => chunksOf(140, 0, 101), /from and to/);
});

test.run();
