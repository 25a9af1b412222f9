// Finds out whether a device signed a second frame where its chain has one: that is the proof of a lie. Looks back into
// the vault, which is slow and rare. Rules: spec/frame.md §8.
import { CONTROL_STREAM, SealwireError } from '@sealwire/protocol';
import type { Evidence } from '../api.ts';
import { type Body, decodeBody } from '../frame/body.ts';
import { chainNext, chainStart } from '../frame/chain.ts';
import { type Chain, chainKey, compareToChain, isSigned, isUnsettled } from './chains.ts';
import type { Contested } from './inbox.ts';
import { encodeRecord, type RefusedWhy } from './records.ts';
import type { RoomState } from './state.ts';

/**
 * Judges frames that stand where their chains have others, and remembers them as refused.
 *
 * @param report - told of each once; of a proven second frame with the bytes of both.
 * @returns the streams in which a chain counts less far than before: what is held there must be judged again.
 */
export const judgeContested = async (
  state: RoomState,
  contested: readonly Contested[],
  report: (evidence: Omit<Evidence, 'room'>) => void,
): Promise<ReadonlySet<string>> => {
  const { options, address, shelf, control } = state;
  const pasts = new Map<Chain, Past>();
  const put: Uint8Array[] = [];
  const shorter = new Set<string>();
  if (contested.length === 0) return shorter;
  for (const { waiting, chain } of contested) {
    const { body, stream, position, epoch } = waiting;
    const encodedBody = waiting.encodedBody!;
    const key = chainKey(stream, body.clientId);
    if (shelf.has(key, body)) continue; // Twice in one delivery.
    const past = pasts.get(chain) ?? pastOf(state, chain);
    pasts.set(chain, past);
    const before = past.get(body.previous);
    const hash = before && chainNext(before.hash, body.signed);
    const isProof = hash !== undefined && (await isSigned(chain, waiting, hash));
    const other = before?.next;
    const evidence = {
      ...(isProof ? EQUIVOCATION : NOT_SIGNED),
      stream,
      deviceId: chain.deviceHex,
      bytes: encodedBody.slice(),
      ...(isProof && other && { other: other.slice() }),
    };
    if (shelf.tell(key, body) || isProof) report(evidence);
    if (stream === CONTROL_STREAM) await control.accept(body.payload).catch(ignoreRefusal);
    const why: RefusedWhy = isProof ? 'fork' : 'unsigned';
    if (shelf.add(key, why, body))
      put.push(
        encodeRecord({ type: 'refused', room: address.id, position, stream, why, epoch, body: encodedBody }),
      );
    if (isProof && (chain.limitHash === undefined || isUnsettled(chain))) shorter.add(stream);
  }
  // They were parked until now, so that none is lost between.
  const remove = contested.flatMap(({ waiting }) => waiting.record ?? []);
  options.vault.commit({ put, remove }).durable.catch(() => undefined); // A failed vault reports itself.
  return shorter;
};

/** The cumulative hash after a counter, and the encoded body that follows it. By counter, 0 for the beginning. */
type Past = Map<number, { readonly hash: Uint8Array; next: Uint8Array | undefined }>;

const pastOf = ({ options }: RoomState, chain: Chain): Past => {
  const { stream, clientId } = chain.address;
  const held: { readonly body: Body; readonly encoded: Uint8Array }[] = [];
  const take = (encoded: Uint8Array): void => {
    const body = decodeBody(encoded);
    if (body.clientId === clientId && compareToChain(chain, body) === 'duplicate')
      held.push({ body, encoded });
  };
  for (const { record } of options.vault.records()) {
    if (record.type === 'framed' && record.stream === stream) take(record.body);
    if (record.type !== 'bodies') continue;
    for (const stored of record.bodies) if (stored.stream === stream) take(stored.body);
  }
  const past: Past = new Map([[0, { hash: chainStart(chain.address), next: undefined }]]);
  for (const { body, encoded } of held.sort((a, b) => a.body.counter - b.body.counter)) {
    const before = past.get(body.previous);
    if (!before || past.has(body.counter)) continue;
    before.next = encoded;
    past.set(body.counter, { hash: chainNext(before.hash, body.signed), next: undefined });
  }
  return past;
};

const ignoreRefusal = (error: unknown): void => {
  if (!(error instanceof SealwireError)) throw error;
};

const EQUIVOCATION = {
  code: 'FRAME_EQUIVOCATION',
  message: 'A device signed two different frames for one place.',
} as const;

const NOT_SIGNED = {
  code: 'FRAME_FORGED',
  message: 'A frame stands where its chain has another, and its device did not sign it there.',
} as const;
