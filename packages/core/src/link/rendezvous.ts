// What a link needs of the connection to the relay: one cell through which two devices pass bytes.
// Rules: spec/link.md §1, spec/relay-protocol.md (rendezvous).
import type { ErrorCode } from '@sealwire/protocol';

/** What happens in a cell, told in the order in which the relay told it, never from within a call to it. */
export interface RendezvousEvents {
  /** To the opener: somebody joined. */
  joined(): void;
  /** Bytes of the other side. Owned by the listener from now on. */
  message(payload: Uint8Array): void;
  /** The cell is gone, or the connection to the relay: nothing follows. */
  closed(code: ErrorCode): void;
}

/** Rendezvous cells over the device's own connection to its own relay. Ids are 16 bytes. */
export interface Rendezvous {
  /** Listens to a cell, from before it is opened or joined on. @returns the function that ends it. */
  listen(id: Uint8Array, events: RendezvousEvents): () => void;
  /**
   * Opens a cell and leaves `payload` in it.
   *
   * @returns how many milliseconds it waits for somebody to join, and lasts altogether.
   * @throws SealwireError as the relay refused, or RELAY_UNREACHABLE.
   */
  open(id: Uint8Array, payload: Uint8Array): Promise<{ readonly openMs: number; readonly totalMs: number }>;
  /** Joins a cell. @returns what its opener left there. @throws SealwireError as {@link open}. */
  join(id: Uint8Array): Promise<Uint8Array>;
  /** Passes bytes to the other side. Lost silently if the cell is gone: `closed` tells. */
  send(id: Uint8Array, payload: Uint8Array): void;
  /** Leaves the cell; it ends for the other side as well, after what was sent before. */
  close(id: Uint8Array): void;
}

/** Time as a parameter. */
export interface Timers {
  /** Runs `run` once after `ms` milliseconds. @returns the function that prevents it. */
  after(ms: number, run: () => void): () => void;
}
