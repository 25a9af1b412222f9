// All devices of a relay at once, as after a restart: how long it takes until every one of them follows its room again. The
// relay is a process with its usual limits; the devices are core's engine on real sockets, each from an address of its own
// as a proxy would tell it; only the room behind the engine is a counter.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createEngine,
  type Engine,
  PLATFORM_EDGE,
  type RelaySocket,
  type Room,
} from '@sealwire/core/testing';
import { type RelayMessage, toHex } from '@sealwire/protocol';
import { connectClient, makeKey, makePrincipal, type OpenSocket } from '@sealwire/testkit/relay-client';
import { type RelayProcess, startRelayProcess } from '@sealwire/testkit/relay-process';
import { WebSocket } from 'ws';

/** Devices of one account, which share a room. */
const FAMILY = 50;
/** Waiting longer than this for all of them means that some never come. */
const PATIENCE_MS = 120_000;

const openSocket: OpenSocket = (address, protocols) => new WebSocket(address, protocols);

interface RelayKey {
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
}

const makeRelayKey = (): RelayKey => {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { seed: Buffer.from(d!, 'base64url'), publicKey: Buffer.from(x!, 'base64url') };
};

const mustBeDone = ({ type }: RelayMessage): void => {
  if (type !== 'done') throw new Error(`${type} instead of done`);
};

/** Accounts with their rooms at the relay, and the keys of their devices. */
const makeFamilies = async (address: string, devices: number) => {
  const client = await connectClient(openSocket, address);
  const families = [];
  for (let i = 0; i < devices / FAMILY; i++) {
    const principal = makePrincipal();
    const keys = Array.from({ length: FAMILY }, makeRelayKey);
    const room = new Uint8Array(randomBytes(32));
    const maker = await connectClient(openSocket, address);
    const signers = [...keys, maker.key].map((key) => ({ ...makeKey(), publicKey: key.publicKey }));
    const put = await maker.putPrincipal(principal, 1, signers);
    mustBeDone(put);
    const members = [{ principal: principal.id, admin: true }];
    mustBeDone(await maker.request({ type: 'put-room', room, version: 1, members }));
    await maker.close();
    families.push({ principal: principal.id, room, keys });
  }
  await client.close();
  return families;
};

/** Devices that count themselves while their room is live. */
const makeDevices = (address: string, families: Awaited<ReturnType<typeof makeFamilies>>) => {
  const live = new Set<number>();
  const problems: string[] = [];
  let told = (): void => {};
  const engines: Engine[] = [];
  for (const { principal, room, keys } of families)
    for (const { seed, publicKey } of keys) {
      const index = engines.length;
      const headers = { 'x-forwarded-for': `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}` };
      const engine = createEngine({
        url: address,
        relaySeed: seed,
        relayKey: publicKey,
        principal: { id: principal },
        randomBytes: (length) => new Uint8Array(randomBytes(length)),
        onConnection: () => undefined,
        onProblem: ({ code }) => void problems.push(code),
        edge: {
          ...PLATFORM_EDGE,
          openSocket: (url, protocol) =>
            new WebSocket(url, protocol, { headers, perMessageDeflate: false }) as unknown as RelaySocket,
        },
      });
      const counter: Pick<Room, 'id' | 'key' | 'cursor' | 'goLive' | 'goDown'> = {
        id: room,
        key: toHex(room),
        cursor: () => 0,
        async goLive() {
          live.add(index);
          told();
        },
        async goDown() {
          live.delete(index);
          told();
        },
      };
      engine.follow(counter as Room);
      engine.setNetwork(true);
      engines.push(engine);
    }
  const until = (count: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const patience = setTimeout(
        () => reject(new Error(`${live.size} of ${engines.length} are live; ${problems.slice(0, 5)}`)),
        PATIENCE_MS,
      );
      told = () => {
        if (live.size !== count) return;
        clearTimeout(patience);
        resolve();
      };
      told();
    });
  return { engines, problems, all: () => until(engines.length), none: () => until(0) };
};

/**
 * Milliseconds from the relay's listening again until all devices are live.
 *
 * @param how - the relay is told to end, or is killed.
 * @throws Error (rejects) if one of them never comes, or any is refused.
 */
export const comeBack = async (count: number, how: 'stop' | 'kill'): Promise<number> => {
  const folder = await mkdtemp(join(tmpdir(), 'sealwire-restart-'));
  // All accounts are made from one address here, which no limit on devices is about.
  const roomy = ['--limit', 'connectsAtOnce=100000', '--limit', 'strangersPerAddress=5000'];
  const start = (port: number, ...more: string[]) =>
    startRelayProcess({ data: join(folder, 'relay'), port, args: ['--proxy', ...more] });
  let relay: RelayProcess = await start(0, ...roomy);
  const families = await makeFamilies(relay.address, count);
  const port = Number(new URL(relay.address).port);
  await relay.stop();
  relay = await start(port);
  const devices = makeDevices(relay.address, families);
  try {
    await devices.all();
    const gone = devices.none();
    await relay[how]();
    await gone;
    relay = await start(port);
    const startedAt = performance.now();
    await devices.all();
    const took = performance.now() - startedAt;
    if (devices.problems.length > 0) throw new Error(`devices met ${devices.problems.join(', ')}`);
    return took;
  } finally {
    for (const engine of devices.engines) engine.close();
    await relay.stop();
    await rm(folder, { recursive: true, force: true });
  }
};
