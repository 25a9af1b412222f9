// The limit: `ws` alone, one message a turn to each socket, with frames of the size of ours and nothing stored.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { openLightSocket } from '@sealwire/testkit/light-socket';
import { FRAME_BYTES, type Heard, IDLE_ROOM, inTurns, type Kind, type Room } from './kinds.ts';
import { numbered } from './ours.ts';
import { type ServerProcess, startServer } from './server-process.ts';

const AT_ONCE = 64;
const manifest = new URL('package.json', import.meta.resolve('ws'));

export const broadcast: Kind = {
  name: 'ws, bare broadcast',
  version: (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version,
  start: () => startServer('servers/broadcast.mjs'),
  open,
  async idle({ address }, connections) {
    const prefix = randomBytes(8).toString('hex');
    const sockets = await inTurns(connections, AT_ONCE, (index) =>
      openLightSocket({
        address: `${address}/${prefix}-${Math.floor(index / IDLE_ROOM)}`,
        onMessage: () => {},
      }),
    );
    return () => {
      for (const socket of sockets) socket.destroy();
    };
  },
};

async function open({ address }: ServerProcess, readers: number, most: number, heard: Heard): Promise<Room> {
  const room = `${address}/${randomBytes(16).toString('hex')}`;
  const devices = await inTurns(readers, AT_ONCE, (reader) =>
    openLightSocket({
      address: room,
      onMessage: (bytes, start, end) =>
        visit(bytes, start, end, (sequence, length) => {
          if (length !== FRAME_BYTES) heard.strange(`reader ${reader} got ${length} bytes`);
          heard.delivered(reader, sequence);
        }),
    }),
  );
  const writer = await openLightSocket({
    address: room,
    onMessage: (bytes, start, end) => visit(bytes, start, end, () => heard.taken(1)),
  });
  let next = 0;
  return {
    most,
    write: (count) => writer.sendAll(Array.from({ length: count }, () => numbered(next++))),
    close() {
      for (const socket of [writer, ...devices]) socket.destroy();
    },
  };
}

/** The updates that one message holds, each after its length. */
const visit = (
  bytes: Buffer,
  start: number,
  end: number,
  each: (sequence: number, length: number) => void,
): void => {
  for (let at = start; at < end; ) {
    const length = bytes.readUInt32BE(at);
    each(bytes.readUInt32BE(at + 4), length);
    at += 4 + length;
  }
};
