// A WebSocket of `ws` as a link of the core. Rules: spec/relay-protocol.md §2 and §8.
import type { Duplex } from 'node:stream';
import { closeCodeOf } from '@sealwire/protocol';
import type { WebSocket } from 'ws';
import type { RelayLimits } from './limits.ts';
import type { Link, LinkEvents } from './link.ts';

export class SocketLink implements Link {
  events: LinkEvents | undefined;
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  #isAlive = true;
  #isCorked = false;
  #isPaused = false;
  /** One for all sends: a closure for each would cost more than the send. */
  readonly #sent = (error?: Error): void => {
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
    // All that one turn of the event loop sends to a socket is one write to the kernel.
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#stream.cork();
      process.nextTick(this.#uncork);
    }
    this.#socket.send(bytes, this.#sent);
  }

  readonly #uncork = (): void => {
    this.#isCorked = false;
    this.#stream.uncork();
  };

  close(code: Parameters<Link['close']>[0]): void {
    // A paused socket would never see the peer's part of the closing handshake.
    this.resume();
    this.#socket.close(closeCodeOf(code), code);
  }

  buffered(): number {
    return this.#socket.bufferedAmount;
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
