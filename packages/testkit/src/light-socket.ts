// A WebSocket client that costs next to nothing, for benchmarks and load: thousands of connections share a process, and
// what they cost must not be taken for the server's. Rules it serves: RFC 6455; it trusts the server with the framing.
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export interface LightSocket {
  /** Sends one binary message. */
  send(message: Uint8Array): void;
  /** Sends messages in one write. */
  sendAll(messages: readonly Uint8Array[]): void;
  /** Sends bytes as they are, without any framing. */
  sendRaw(bytes: Uint8Array): void;
  /** Stops and starts reading. */
  pause(): void;
  resume(): void;
  /** Ends the TCP connection without a word. */
  destroy(): void;
  /** Resolves with the close code of the server, or undefined where none came. */
  readonly closed: Promise<number | undefined>;
}

export interface LightSocketOptions {
  /** `ws://host:port/path`. */
  readonly address: string;
  readonly protocol?: string;
  /** An address of this machine to connect from. Default: the system's choice. */
  readonly localAddress?: string;
  /** One message: `bytes` from `start` up to, not including, `end`. Borrowed until it returns. */
  readonly onMessage: (bytes: Buffer, start: number, end: number) => void;
}

/** Resolves after the handshake. @throws Error (rejects) with the server's status line if there is none, or of node:net. */
export const openLightSocket = (options: LightSocketOptions): Promise<LightSocket> => {
  const { address, protocol, localAddress } = options;
  const { hostname, port, pathname, host } = new URL(address);
  const stream = connect({ host: hostname, port: Number(port), ...(localAddress && { localAddress }) });
  stream.setNoDelay(true);
  stream.write(
    `GET ${pathname} HTTP/1.1\r\nhost: ${host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n` +
      `sec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString('base64')}\r\n` +
      `${protocol ? `sec-websocket-protocol: ${protocol}\r\n` : ''}\r\n`,
  );
  let closeCode: number | undefined;
  const closed = new Promise<number | undefined>((resolve) => stream.on('close', () => resolve(closeCode)));
  const control = (opcode: number, payload: Buffer): void => {
    if (opcode === CLOSE) {
      closeCode = payload.length >= 2 ? payload.readUInt16BE(0) : undefined;
      stream.end(frameOf(payload, CLOSE));
    } else if (opcode === PING) stream.write(frameOf(payload, PONG));
  };
  return new Promise((resolve, reject) => {
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('closed before the handshake was over')));
    let head = Buffer.alloc(0);
    const handshake = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      stream.off('data', handshake);
      const status = head.subarray(0, head.indexOf('\r\n')).toString('latin1');
      if (!status.startsWith('HTTP/1.1 101 ')) {
        stream.destroy();
        reject(new Error(status));
        return;
      }
      stream.removeAllListeners('error').on('error', () => {});
      const read = frameReader(options.onMessage, control);
      stream.on('data', read);
      resolve(socketOn(stream, closed));
      if (head.length > end + 4) read(head.subarray(end + 4));
    };
    stream.on('data', handshake);
  });
};

const socketOn = (stream: Socket, closed: Promise<number | undefined>): LightSocket => ({
  send: (message) => void stream.write(frameOf(message, BINARY)),
  sendAll: (messages) => void stream.write(Buffer.concat(messages.map((each) => frameOf(each, BINARY)))),
  sendRaw: (bytes) => void stream.write(bytes),
  pause: () => void stream.pause(),
  resume: () => void stream.resume(),
  destroy: () => void stream.destroy(),
  closed,
});

const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
/** First byte of a frame that begins and ends a message. */
const FINAL = 0x80;

/** One whole masked frame. The mask is zero, which leaves the bytes as they are; the server has the same work with it. */
export const frameOf = (payload: Uint8Array, opcode = BINARY): Buffer => {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.alloc(2 + extra + 4 + length);
  frame[0] = FINAL | opcode;
  frame[1] = 0x80 | (extra === 0 ? length : extra === 2 ? 126 : 127);
  if (extra === 2) frame.writeUInt16BE(length, 2);
  if (extra === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(payload, 2 + extra + 4);
  return frame;
};

/** Cuts a stream of unmasked frames into messages. @throws Error for a message in pieces: no server here sends one. */
export const frameReader = (
  onMessage: LightSocketOptions['onMessage'],
  onControl: (opcode: number, payload: Buffer) => void,
): ((chunk: Buffer) => void) => {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  /** Bytes without which the next frame cannot be told. */
  let needed = 2;

  const readFrames = (bytes: Buffer): number => {
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      needed = 2;
      if (left < needed) return at;
      const short = bytes[at + 1]! & 0x7f;
      const header = short < 126 ? 2 : short === 126 ? 4 : 10;
      needed = header;
      if (left < needed) return at;
      const length =
        short < 126
          ? short
          : short === 126
            ? bytes.readUInt16BE(at + 2)
            : Number(bytes.readBigUInt64BE(at + 2));
      needed = header + length;
      if (left < needed) return at;
      const opcode = bytes[at]!;
      if (opcode === (FINAL | BINARY)) onMessage(bytes, at + header, at + needed);
      else if ((opcode & 0x0f) >= CLOSE) onControl(opcode & 0x0f, bytes.subarray(at + header, at + needed));
      else throw new Error(`a frame begins with ${opcode}`);
      at += needed;
    }
  };

  return (chunk) => {
    let bytes = chunk;
    if (keptBytes > 0) {
      kept.push(chunk);
      keptBytes += chunk.length;
      if (keptBytes < needed) return;
      bytes = Buffer.concat(kept, keptBytes);
      kept = [];
      keptBytes = 0;
    }
    const used = readFrames(bytes);
    if (used === bytes.length) return;
    kept = [bytes.subarray(used)];
    keptBytes = bytes.length - used;
  };
};
