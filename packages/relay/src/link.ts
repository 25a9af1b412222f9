// What the relay's core needs of the outside: a connection to one peer, and time. Sockets and clocks live behind
// these, so that a simulation can put its own in their place. Rules: spec/relay-protocol.md §8.
import type { ClosingCode, ComeBack } from '@sealwire/protocol';

/** One peer, seen from the core. Methods never throw and do nothing once the link has ended. */
export interface Link {
  /** Sends one message. The bytes must not change afterwards; they may be shared between links. */
  send(bytes: Uint8Array): void;
  /** Ends the connection, after what was sent before. @param comeBack - what the peer is told of coming back. */
  close(code: ClosingCode, comeBack?: ComeBack): void;
  /** Bytes sent that still wait in this process. */
  buffered(): number;
  /** Stops and starts the delivery of the peer's messages; some may still come after a stop. */
  pause(): void;
  resume(): void;
}

/** What happens on a link, told to the core. */
export interface LinkEvents {
  /** One binary message. The bytes are the core's to keep. */
  received(bytes: Uint8Array): void;
  /** The peer broke the rules in a way that is known before decoding: a text message, too many bytes. */
  faulted(code: ClosingCode): void;
  /** Bytes sent earlier have left the process. */
  flushed(): void;
  /** The link is gone. Nothing is told after this. */
  ended(): void;
  /** Of this connection, among all that the relay ever had: its name in the log. */
  readonly number: number;
  /** Whether the peer has proved its key. */
  readonly authenticated: boolean;
}

export interface Clock {
  /** Milliseconds, never going back; only differences count. */
  now(): number;
  /** Runs once after `ms` milliseconds. @returns the function that calls it off. */
  after(ms: number, run: () => void): () => void;
  /** Runs once after the I/O events at hand. */
  soon(run: () => void): void;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  soon: (run) => void setImmediate(run),
};
