// Where sync touches the world: a socket, a clock that only rises, a timer. Given as parameters, so that a whole device
// runs in a simulation as it is.
import { openWebSocket } from '#native';

/** The part of a WebSocket that the engine uses; binary messages only. */
export interface RelaySocket {
  binaryType: string;
  readonly readyState: number;
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: (() => void) | null;
  onclose: ((event?: { readonly reason?: string }) => void) | null;
  send(bytes: Uint8Array): void;
  close(): void;
}

export interface Edge {
  /** Opens a connection to a relay; handlers are set after the call. */
  openSocket(url: string, protocol: string): RelaySocket;
  /** Milliseconds on a clock that only rises. */
  monotonicMs(): number;
  /** Runs `run` once after `ms` milliseconds. @returns the function that prevents it. */
  after(ms: number, run: () => void): () => void;
}

/** The platform's own. */
export const PLATFORM_EDGE: Edge = {
  openSocket: (url, protocol) => openWebSocket(url, protocol) as unknown as RelaySocket,
  monotonicMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    // In Node, waiting to reconnect alone does not keep a program running.
    (timer as { unref?: () => void }).unref?.();
    return () => clearTimeout(timer);
  },
};
