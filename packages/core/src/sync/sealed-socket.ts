// A WebSocket for y-websocket's provider that is always open: a connection to the vault, not to the relay. It plays the
// server in the y-protocols conversation, so no plaintext can leave by construction. Rules: spec/vault.md, "The socket".

import { SealwireError } from '@sealwire/protocol';
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import * as syncProtocol from 'y-protocols/sync';

/** What stands behind the socket of one page. */
export interface SealedSocketPort {
  /** A Yjs state vector of all that the vault holds of the page: accepted entries and own stored ones. */
  stateVector(): Uint8Array;
  /**
   * An update that the document's owner made. @throws SealwireError UPDATE_REFUSED if it holds foreign work.
   *
   * @param isFirst - true for what the document holds beyond the state vector: with all deletions, old ones too.
   */
  submit(update: Uint8Array, isFirst: boolean): void;
  /** Foreign work that reached the socket (another provider, a load from elsewhere): it does not leave the device. */
  dropped(error: SealwireError): void;
  /** @returns the way back. */
  attach(sink: (update: Uint8Array) => void): () => void;
}

const MESSAGE_SYNC = 0;
const MESSAGE_AWARENESS = 1;

/** y-websocket closes a connection that was silent for 30 s; this many milliseconds keep it from that. */
const KEEP_ALIVE_MS = 12_000;

/**
 * Makes the class for `WebsocketProvider`'s `WebSocketPolyfill` option, bound to one page.
 *
 * @see https://github.com/yjs/y-protocols (PROTOCOL.md: sync step 1, step 2, update)
 */
export const sealedSocketClass = (port: SealedSocketPort): (new () => object) =>
  class SealedSocket {
    static readonly CONNECTING = 0;
    static readonly OPEN = 1;
    static readonly CLOSING = 2;
    static readonly CLOSED = 3;
    readonly CONNECTING = 0;
    readonly OPEN = 1;
    readonly CLOSING = 2;
    readonly CLOSED = 3;

    binaryType = 'arraybuffer';
    readyState = 0;
    onopen: ((event: unknown) => void) | null = null;
    onmessage: ((event: { readonly data: ArrayBuffer }) => void) | null = null;
    onclose: ((event: unknown) => void) | null = null;
    onerror: ((event: unknown) => void) | null = null;
    #detach: (() => void) | undefined;
    #keepAlive: ReturnType<typeof setInterval> | undefined;

    constructor() {
      // As with a real socket, handlers are set after the constructor returns.
      queueMicrotask(() => this.#open());
    }

    #open(): void {
      if (this.readyState !== 0) return;
      this.readyState = 1;
      this.#detach = port.attach((update) => this.#deliver((out) => syncProtocol.writeUpdate(out, update)));
      this.#keepAlive = setInterval(() => this.#deliverBytes(NOBODY_AWARE), KEEP_ALIVE_MS);
      (this.#keepAlive as { unref?: () => void }).unref?.();
      this.onopen?.({});
      this.#deliver((out) => {
        encoding.writeVarUint(out, syncProtocol.messageYjsSyncStep1);
        encoding.writeVarUint8Array(out, port.stateVector());
      });
    }

    /** What the provider sends: its owner's edits, and its side of the first exchange. */
    send(data: Uint8Array | ArrayBuffer): void {
      const reader = decoding.createDecoder(data instanceof Uint8Array ? data : new Uint8Array(data));
      if (decoding.readVarUint(reader) !== MESSAGE_SYNC) return; // Presence is not carried over this socket.
      const type = decoding.readVarUint(reader);
      if (type === syncProtocol.messageYjsSyncStep1) this.#deliver((out) => writeStep2(out, EMPTY_UPDATE));
      else this.#submit(decoding.readVarUint8Array(reader), type === syncProtocol.messageYjsSyncStep2);
    }

    #submit(update: Uint8Array, isFirst: boolean): void {
      try {
        port.submit(update, isFirst);
      } catch (error) {
        if (!(error instanceof SealwireError)) throw error;
        port.dropped(error);
      }
    }

    close(): void {
      if (this.readyState === 3) return;
      this.readyState = 3;
      clearInterval(this.#keepAlive);
      this.#detach?.();
      queueMicrotask(() => this.onclose?.({ code: 1000 }));
    }

    #deliver(write: (out: encoding.Encoder) => void): void {
      const out = encoding.createEncoder();
      encoding.writeVarUint(out, MESSAGE_SYNC);
      write(out);
      this.#deliverBytes(encoding.toUint8Array(out));
    }

    #deliverBytes(bytes: Uint8Array): void {
      if (this.readyState !== 1) return;
      this.onmessage?.({ data: bytes.slice().buffer as ArrayBuffer });
    }
  };

/** A Yjs update (V1) of no structs and no deletions: the document was loaded from the vault before it got here. */
const EMPTY_UPDATE = Uint8Array.of(0, 0);

/** The awareness update of nobody: harmless, and a message all the same. */
const NOBODY_AWARE = Uint8Array.of(MESSAGE_AWARENESS, 1, 0);

const writeStep2 = (out: encoding.Encoder, update: Uint8Array): void => {
  encoding.writeVarUint(out, syncProtocol.messageYjsSyncStep2);
  encoding.writeVarUint8Array(out, update);
};
