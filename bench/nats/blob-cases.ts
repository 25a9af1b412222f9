// Blobs over NATS beside JetStream alone: the same bytes in messages of the same size. See README.md.
import { createHash, randomBytes } from 'node:crypto';
import type { BlobStore } from '@sealwire/relay';
import { ResultsDiffer } from '../lib/result.ts';
import type { Raw } from './bench.ts';

/** What JetStream's object store takes, and the relay's chunks. */
const CHUNK_BYTES = 128 * 1024;

interface BlobWork {
  readonly nearBlobs: BlobStore;
  readonly farBlobs: BlobStore;
  readonly raw: Raw;
  readonly sizes: { readonly blobBytes: number };
}

const megabytesPerSecond = (bytes: number, ms: number): number => bytes / 1e6 / (ms / 1_000);

/** A blob that one store takes, whole and checked; beside it, its chunks published one after the other. */
export const blobUp = ({ nearBlobs, raw, sizes }: BlobWork) => ({
  async ours() {
    const blob = sample(sizes.blobBytes);
    const began = performance.now();
    await put(nearBlobs, blob);
    return megabytesPerSecond(sizes.blobBytes, performance.now() - began);
  },
  async bare() {
    const { bytes, name } = sample(sizes.blobBytes);
    const began = performance.now();
    for await (const piece of chunksOf(bytes)) await raw.publish(name.toString('base64url'), piece);
    return megabytesPerSecond(sizes.blobBytes, performance.now() - began);
  },
});

/** A blob that one store took, read by another; beside it, the same messages by one consumer. */
export const blobDown = ({ nearBlobs, farBlobs, raw, sizes }: BlobWork) => {
  const blob = sample(sizes.blobBytes);
  return {
    async ours() {
      const address = await put(nearBlobs, blob);
      const began = performance.now();
      const hash = createHash('sha256');
      for await (const piece of farBlobs.read(address, 0, sizes.blobBytes)) hash.update(piece);
      const ms = performance.now() - began;
      if (!hash.digest().equals(blob.name)) throw new ResultsDiffer('a blob came back as another');
      return megabytesPerSecond(sizes.blobBytes, ms);
    },
    async bare() {
      const subject = randomBytes(32).toString('base64url');
      for await (const piece of chunksOf(blob.bytes)) await raw.publish(subject, piece);
      const count = Math.ceil(sizes.blobBytes / CHUNK_BYTES);
      const began = performance.now();
      const came = await raw.readAll(subject, count);
      if (came !== count) throw new ResultsDiffer(`read ${came} of ${count} chunks`);
      return megabytesPerSecond(sizes.blobBytes, performance.now() - began);
    },
  };
};

const sample = (size: number) => {
  const bytes = randomBytes(size);
  return { bytes, name: createHash('sha256').update(bytes).digest() };
};

const put = async (
  store: BlobStore,
  { bytes, name }: ReturnType<typeof sample>,
): Promise<{ room: Uint8Array; name: Uint8Array }> => {
  const address = { room: new Uint8Array(randomBytes(32)), name: new Uint8Array(name) };
  await store.begin(address, bytes.length, new Uint8Array(randomBytes(32)));
  const { isWhole } = await store.write(address, 0, chunksOf(bytes));
  if (!isWhole) throw new ResultsDiffer('a blob is not whole after its last byte');
  return address;
};

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}
