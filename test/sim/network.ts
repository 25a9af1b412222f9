// The network between devices and the relay: each connection keeps its order, everything else may happen to it.
import type { RelaySocket } from '@sealwire/core/testing';
import type { Link, LinkEvents } from '@sealwire/relay';
import type { Dice, World } from './world.ts';

/** What the network needs of a device. */
export interface Endpoint {
  readonly name: string;
  /** False while the device has no network at all. */
  isReachable(): boolean;
}

/** What the network needs of the relay. */
export interface RelayPort {
  isUp(): boolean;
  connect(link: Link, connection: Connection): LinkEvents;
  /** What a message from a device becomes on its way, and what is answered at once in the relay's name. */
  up(
    connection: Connection,
    bytes: Uint8Array,
  ): { readonly heard: readonly Uint8Array[]; readonly answer?: Uint8Array };
  /** What a message to a device becomes, each with a delay in milliseconds beyond the network's. */
  down(
    connection: Connection,
    bytes: Uint8Array,
  ): readonly { readonly bytes: Uint8Array; readonly lateMs: number }[];
}

export interface Network {
  openSocket(endpoint: Endpoint): RelaySocket;
  connections(): readonly Connection[];
  /** Everything that crossed a wire, either way. */
  readonly seen: readonly Uint8Array[];
  /** Milliseconds that a message takes, at most. */
  slowness: number;
}

/** After this a relay takes a connection that says nothing for dead; devices have their own patience. */
/** Less than it takes to bring back an old copy of a device: faults.ts. */
const MOST_LINGER_MS = 8_000;
const RELAY_PATIENCE_MS = 60_000;

export const createNetwork = (world: World, relay: RelayPort): Network => {
  const dice = world.dice('network');
  const open = new Set<Connection>();
  const seen: Uint8Array[] = [];
  const network: Network = {
    openSocket(endpoint) {
      const connection = new Connection({ world, dice, relay, endpoint, network, seen, open });
      return connection.socket;
    },
    connections: () => [...open],
    seen,
    slowness: 60,
  };
  return network;
};

interface Parts {
  readonly world: World;
  readonly dice: Dice;
  readonly relay: RelayPort;
  readonly endpoint: Endpoint;
  readonly network: Network;
  readonly seen: Uint8Array[];
  readonly open: Set<Connection>;
}

/** One connection, from a device's wish for it to its end. */
export class Connection {
  readonly name: string;
  readonly socket: RelaySocket;
  readonly #parts: Parts;
  /** The relay's side; undefined before it exists and after it is told of the end. */
  #relaySide: LinkEvents | undefined;
  #upAt = 0;
  #downAt = 0;
  #buffered = 0;
  #silent = false;
  /** How much later than usual arrives what a device sent just before it died. */
  #lingerMs = 0;
  #isPaused = false;
  /** Came while the relay did not read. */
  readonly #waiting: Uint8Array[] = [];
  #state: 'opening' | 'open' | 'over' = 'opening';

  constructor(parts: Parts) {
    this.#parts = parts;
    this.name = parts.endpoint.name;
    this.socket = {
      binaryType: '',
      readyState: 0,
      onopen: null,
      onmessage: null,
      onerror: null,
      onclose: null,
      send: (bytes) => this.#sendUp(bytes.slice()),
      close: () => this.#closedByDevice(),
    };
    parts.open.add(this);
    this.#later('up', () => this.#arrive());
  }

  /** The connection breaks, and both sides are told. */
  cut(): void {
    if (this.#state === 'over') return;
    this.#note('cut');
    this.#later('now', () => this.#tellDevice());
    this.#end();
  }

  /** The connection breaks, and nobody is told: whoever waits finds out by the clock. */
  silence(): void {
    if (this.#silent || this.#state !== 'open') return;
    this.#note('half-open');
    this.#silent = true;
    this.#parts.world.after(RELAY_PATIENCE_MS, () => this.#tellRelay());
  }

  /** The device is gone without a word. */
  abandon(): void {
    this.socket.onmessage = this.socket.onclose = this.socket.onopen = null;
    const { world, dice } = this.#parts;
    if (this.#state === 'open' && dice.chance(0.5)) {
      this.silence();
      return;
    }
    // What left before is on its way, and now and then somebody between has kept it for a while.
    this.#lingerMs = dice.chance(0.5) ? dice.between(0, MOST_LINGER_MS) : 0;
    world.after(Math.max(0, this.#upAt - world.now()) + this.#lingerMs + 1, () => this.#end());
  }

  /** Says something at the relay in the device's name. */
  speak(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#read();
  }

  get isOpen(): boolean {
    return this.#state === 'open' && !this.#silent && this.#relaySide?.authenticated === true;
  }

  #arrive(): void {
    const { relay, endpoint } = this.#parts;
    if (this.#state !== 'opening') return;
    if (!endpoint.isReachable() || !relay.isUp()) {
      this.#later('now', () => this.#tellDevice());
      this.#end();
      return;
    }
    this.#state = 'open';
    this.#later('down', () => {
      if (this.socket.readyState !== 0) return;
      (this.socket as { readyState: number }).readyState = 1;
      this.#note('connected');
      this.socket.onopen?.();
    });
    this.#relaySide = relay.connect(this.#link(), this);
  }

  #link(): Link {
    return {
      send: (bytes) => {
        for (const { bytes: sent, lateMs } of this.#parts.relay.down(this, bytes))
          this.#sendDown(sent, lateMs);
      },
      close: (code) => {
        this.#note(`closed by the relay: ${code}`);
        this.#later('down', () => this.#tellDevice());
        this.#later('down', () => this.#end());
      },
      buffered: () => this.#buffered,
      pause: () => {
        this.#isPaused = true;
      },
      resume: () => {
        this.#isPaused = false;
        this.#later('now', () => this.#read());
      },
    };
  }

  #sendUp(bytes: Uint8Array): void {
    if (this.#state !== 'open') return;
    const { relay, seen } = this.#parts;
    seen.push(bytes);
    const arrive = (): void => {
      if (this.#silent || !this.#relaySide) return;
      this.#note(`→ ${bytes.length}`, bytes);
      const { heard, answer } = relay.up(this, bytes);
      if (answer) this.#sendDown(answer, 0);
      this.#waiting.push(...heard);
      this.#read();
    };
    this.#later('up', () => {
      if (this.#lingerMs > 0) this.#parts.world.after(this.#lingerMs, arrive);
      else arrive();
    });
  }

  #read(): void {
    while (this.#relaySide && !this.#isPaused && this.#waiting.length > 0)
      this.#relaySide.received(this.#waiting.shift()!);
  }

  #sendDown(bytes: Uint8Array, lateMs: number): void {
    const { seen } = this.#parts;
    seen.push(bytes);
    this.#buffered += bytes.length;
    this.#downAt += lateMs;
    this.#later('down', () => {
      this.#buffered -= bytes.length;
      if (this.#silent || this.#state === 'over') return;
      this.#note(`← ${bytes.length}`, bytes);
      this.socket.onmessage?.({ data: bytes.slice().buffer });
      this.#relaySide?.flushed();
    });
  }

  #closedByDevice(): void {
    if (this.socket.readyState === 3) return;
    (this.socket as { readyState: number }).readyState = 3;
    if (this.#silent) return;
    this.#later('up', () => this.#end());
  }

  #tellDevice(): void {
    if (this.#silent || this.socket.readyState === 3) return;
    (this.socket as { readyState: number }).readyState = 3;
    this.socket.onclose?.();
  }

  #tellRelay(): void {
    this.#parts.open.delete(this);
    const side = this.#relaySide;
    this.#relaySide = undefined;
    side?.ended();
  }

  #end(): void {
    this.#state = 'over';
    this.#tellRelay();
  }

  /** In the order of its direction, or soon in no order. */
  #later(direction: 'up' | 'down' | 'now', run: () => void): void {
    const { world, dice, network } = this.#parts;
    const at = world.now() + dice.between(1, network.slowness);
    if (direction === 'up') this.#upAt = Math.max(this.#upAt, at);
    if (direction === 'down') this.#downAt = Math.max(this.#downAt, at);
    const due = direction === 'up' ? this.#upAt : direction === 'down' ? this.#downAt : at;
    world.after(due - world.now(), run);
  }

  #note(what: string, bytes?: Uint8Array): void {
    const { world } = this.#parts;
    world.note(this.name, what);
    if (bytes) world.noteBytes(bytes);
  }
}
