// Runs the vectors of frames. Rules: spec/frame.md; each vector names its own.
import { SealwireError, toHex } from '@sealwire/protocol';
import { uint64 } from '../src/bytes.ts';
import { decodeBody } from '../src/frame/body.ts';
import { deriveClientId } from '../src/frame/client-id.ts';
import { openFrame, streamKey } from '../src/frame/envelope.ts';
import { deviceIdOf } from '../src/identity/device-keys.ts';
import { advance, compareToChain, openChain, verifyRun } from '../src/room/chains.ts';
import { seeded, testDevice } from './support.ts';
import { runVectors, type VectorInput } from './vectors-kit.ts';

const envelope = (input: VectorInput) => {
  const [epochKey, room, log] = ['epochKey', 'room', 'log'].map(input.bytes);
  const key = streamKey(epochKey!, room!, input.text('stream'), log!);
  const body = openFrame(key, input.bytes('frame'));
  return { body: toHex(body), epochTag: toHex(key.tag), streamKey: toHex(key.key) };
};

const body = (input: VectorInput) => {
  const { kind, clientId, counter, previous, seen, heads, payload, signature, opening } = decodeBody(
    input.bytes('body'),
  );
  return {
    kind,
    clientId,
    counter,
    previous,
    seen: seen.map(({ deviceTag, counter: upTo }) => ({ deviceTag: toHex(deviceTag), counter: upTo })),
    heads: heads.map(toHex),
    payload: toHex(payload),
    signature: toHex(signature),
    ...(opening && { opening: { deviceId: toHex(opening.deviceId), nonce: toHex(opening.nonce) } }),
  };
};

/** As a room does, but for the codes: there, a frame that was refused is reported and the next one judged. */
const chain = async (input: VectorInput) => {
  const identity = input.bytes('identityKey');
  const logId = input.bytes('logId');
  const keys = { identity, relay: identity, hpke: identity };
  const device = { ...testDevice(seeded(1), logId).logged, id: deviceIdOf(identity), keys };
  const bodies = input.list('bodies').map(decodeBody);
  const first = bodies.find(({ opening }) => opening);
  const open =
    first?.opening && openChain(device, logId, input.text('stream'), first.clientId, first.opening);
  const accepted: number[] = [];
  if (!open) return { accepted, hash: null };
  for (const next of bodies) {
    const standing = compareToChain(open, next);
    if (standing === 'second') throw new SealwireError('FRAME_EQUIVOCATION', 'a second content');
    if (standing === 'duplicate') continue;
    const verdict = await verifyRun(open, [{ body: next }]);
    if (verdict.forged.length > 0) throw new SealwireError('FRAME_FORGED', 'not signed by its device');
    for (const item of verdict.accepted) {
      advance(open, item.body);
      accepted.push(item.body.counter);
    }
  }
  return { accepted, hash: accepted.length > 0 ? toHex(open.hash) : null };
};

const clientId = (input: VectorInput) => {
  const [identity, logId, nonce] = ['identityKey', 'logId', 'nonce'].map(input.bytes);
  const id = deriveClientId(identity!, logId!, input.text('stream'), nonce!);
  return { clientId: id, bytes: toHex(uint64(id)) };
};

runVectors('frame', { envelope, body, chain, 'client-id': clientId }, 60);
