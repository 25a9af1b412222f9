// A WebSocket of `ws` as a link of the core. Rules: spec/relay-protocol.md §2 and §8.
import type { Duplex } from 'node:stream';
import { type ClosingCode, type ComeBack, closeCodeOf, closeReason } from '@sealwire/protocol';
import type { WebSocket } from 'ws';
import type { RelayLimits } from './limits.ts';
import type { Link, LinkEvents } from './link.ts';
import { framed, framedAll, framedBytes, headerOf } from './ws-frames.ts';

/** Up to here several messages are copied into one piece; more are handed to the kernel where they lie. */
const JOINED_BYTES = 16 * 1024;

/** Links that have something to write at the end of this turn of the event loop. */
let unwritten: SocketLink[] = [];

const writeAll = (): void => {
  const links = unwritten;
  unwritten = [];
  for (const link of links) link.write();
};

export class SocketLink implements Link {
  events: LinkEvents | undefined;
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  #isAlive = true;
  /** What this turn has sent and nothing has written yet. */
  #turn: Uint8Array[] = [];
  #turnBytes = 0;
  #isPaused = false;
  /** One for all sends: a closure for each would cost more than the send. */
  readonly #sent = (error?: Error | null): void => {
    if (error) return;
    this.#isAlive = true;
    this.events?.flushed();
  };

  constructor(socket: WebSocket, stream: Duplex, limits: RelayLimits, gone: () => void) {
    this.#socket = socket;
    this.#stream = stream;
    this.#countUntilAuthenticated(stream, limits.unauthenticatedBytes);
    socket.on('message', (data: Buffer, isBinary) => {
      this.#isAlive = true;
      if (isBinary) this.events?.received(data);
      else this.events?.faulted('MALFORMED');
    });
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    // ws closes such a connection itself, with 1002, 1007 or 1009.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.events?.ended();
      this.events = undefined;
      gone();
    });
  }

  send(bytes: Uint8Array): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#turn.length === 0) {
      if (unwritten.length === 0) process.nextTick(writeAll);
      unwritten.push(this);
    }
    this.#turn.push(bytes);
    this.#turnBytes += framedBytes(bytes);
  }

  /** All that one turn of the event loop sends to a socket is one write to the kernel. */
  write(): void {
    const messages = this.#turn;
    const bytes = this.#turnBytes;
    if (messages.length === 0) return;
    this.#turn = [];
    this.#turnBytes = 0;
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    // Straight to the stream: without deflating, the WebSocket itself never holds anything back that could be overtaken.
    if (messages.length === 1) this.#stream.write(framed(messages[0]!), this.#sent);
    else if (bytes <= JOINED_BYTES) this.#stream.write(framedAll(messages), this.#sent);
    else {
      this.#stream.cork();
      for (const message of messages) {
        this.#stream.write(headerOf(message));
        this.#stream.write(message, this.#sent);
      }
      this.#stream.uncork();
    }
  }

  close(code: ClosingCode, comeBack?: ComeBack): void {
    this.write();
    // A paused socket would never see the peer's part of the closing handshake.
    this.resume();
    this.#socket.close(closeCodeOf(code), closeReason(code, comeBack));
  }

  buffered(): number {
    return this.#socket.bufferedAmount + this.#turnBytes;
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  /** Ends the socket if nothing has come from the peer since the last probe, and asks for a sign of life. */
  probe(): void {
    // While the disk holds up the reading, the peer cannot be heard.
    const isDeaf = this.#isPaused && this.buffered() === 0;
    if (!this.#isAlive && !isDeaf) {
      this.#socket.terminate();
      return;
    }
    this.#isAlive = false;
    this.write();
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping();
  }

  /** Counts before the WebSocket layer assembles anything, which would take memory for a stranger. */
  #countUntilAuthenticated(stream: Duplex, mostBytes: number): void {
    let bytes = 0;
    const count = (chunk: Buffer): void => {
      if (this.events?.authenticated) {
        stream.off('data', count);
        return;
      }
      bytes += chunk.length;
      if (bytes > mostBytes) {
        stream.off('data', count);
        this.events?.faulted('TOO_LARGE');
      }
    };
    stream.on('data', count);
  }
}
