// A relay with thousands of devices is started anew: all of them follow their room again in a time that goes with their
// number, and none is sent away for good. The relay is a process with its usual limits; the devices are core's engine on
// real sockets, each from an address of its own as a proxy would tell it; only the room behind the engine is a counter.
// Rules: spec/relay-protocol.md §8 (RP181).
// timeout: 600s
// exclusive
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
import { toHex } from '@sealwire/protocol';
import { connectClient, makeKey, makePrincipal, type OpenSocket } from '@sealwire/testkit/relay-client';
import { type RelayProcess, startRelayProcess } from '@sealwire/testkit/relay-process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';

const test = suite('restart');

const FEW = 1_000;
const MANY = 5_000;
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
    assert.is(put.type, 'done');
    const members = [{ principal: principal.id, admin: true }];
    assert.is((await maker.request({ type: 'put-room', room, version: 1, members })).type, 'done');
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

/** Milliseconds from the relay's listening again until all devices are live. */
const comeBack = async (count: number, how: 'stop' | 'kill'): Promise<number> => {
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
    assert.equal(devices.problems, []);
    return took;
  } finally {
    for (const engine of devices.engines) engine.close();
    await relay.stop();
    await rm(folder, { recursive: true, force: true });
  }
};

for (const how of ['stop', 'kill'] as const)
  test(`[RP181] ${MANY} devices are all back after a ${how}, none refused for good`, async () => {
    const few = await comeBack(FEW, how);
    const many = await comeBack(MANY, how);
    console.log(`${how}: ${FEW} back in ${Math.round(few)} ms, ${MANY} in ${Math.round(many)} ms`);
    // Two times on a machine that others use say little of each other: asked for where it is quiet.
    if (process.env.SEALWIRE_TIMED === '1') assert.ok(many <= 7 * few, `${many} ms against ${few} ms`);
  });

test.run();
