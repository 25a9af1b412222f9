// The relay's figures for Prometheus, at an address of their own. What each means: docs/operating.md.
import { createServer, type Server } from 'node:http';
import type { Measures, Relay, RelayEvent } from '@sealwire/relay';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds: from what a fast disk takes to what a person notices. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Of HTTP; whoever asks may send any word. */
const METHODS: ReadonlySet<string> = new Set(['HEAD', 'GET', 'PUT', 'DELETE', 'OPTIONS']);

export interface Metrics {
  readonly measures: Measures;
  /** What the relay says of itself is counted. */
  log(event: RelayEvent): void;
  /** Answers `GET /metrics`. @throws Error (rejects) of node:net if the port cannot be bound. */
  listen(
    relay: Relay,
    storeBytes: (() => Promise<number>) | undefined,
    place: { readonly host: string; readonly port: number },
  ): Promise<Server>;
}

export const createMetrics = (): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `sealwire_relay_${name}`, help, labelNames, registers });
  const seconds = (name: string, help: string) =>
    new Histogram({ name: `sealwire_relay_${name}_seconds`, help, buckets: SECONDS, registers });

  const messages = counter('messages_total', 'Messages of devices, by type', ['type']);
  const receivedBytes = counter('received_bytes_total', 'Bytes of messages of devices');
  const sentMessages = counter('sent_messages_total', 'Messages to devices');
  const sentBytes = counter('sent_bytes_total', 'Bytes of messages to devices');
  const blobBytes = counter('blob_bytes_total', 'Bytes of blobs, by direction', ['direction']);
  const refused = counter('refused_total', 'Requests refused, by code', ['code']);
  const closed = counter('closed_total', 'Connections that the relay ended, by code', ['code']);
  const turnedAway = counter('turned_away_total', 'Connections not let in, by HTTP status', ['status']);
  const blobs = counter(
    'blob_requests_total',
    'Requests for blobs, by method and HTTP status; 0 if it broke off',
    ['method', 'status'],
  );
  const failures = counter('store_failures_total', 'Writes or reads that the store failed, by code', [
    'code',
  ]);
  const ended = counter('disconnected_total', 'Connections that ended, whoever ended them');
  const opened = counter('connected_total', 'Connections that were let in');
  const deliveries = counter('deliveries_total', 'Followers to whom durable frames were handed');
  const durable = seconds('durable', 'From a request to its being durable');
  const delivered = seconds('delivered', 'From durable to handed to all followers of the room');

  return {
    measures: {
      received(type, bytes) {
        messages.inc({ type });
        receivedBytes.inc(bytes);
      },
      sent(bytes) {
        sentMessages.inc();
        sentBytes.inc(bytes);
      },
      refused: (code) => refused.inc({ code }),
      blob: (direction, bytes) => blobBytes.inc({ direction }, bytes),
      durable: (ms) => durable.observe(ms / 1000),
      delivered(followers, ms) {
        deliveries.inc(followers);
        delivered.observe(ms / 1000);
      },
    },
    log(event) {
      if (event.event === 'connected') opened.inc();
      else if (event.event === 'disconnected') ended.inc();
      else if (event.event === 'closing') closed.inc({ code: event.code });
      else if (event.event === 'turned-away') turnedAway.inc({ status: String(event.status) });
      else if (event.event === 'blob')
        blobs.inc({
          method: METHODS.has(event.method) ? event.method : 'other',
          status: String(event.status),
        });
      else if (event.event === 'store-failed') failures.inc({ code: event.code });
    },
    async listen(relay, storeBytes, { host, port }) {
      const gauge = (name: string, help: string, read: () => number | Promise<number>) =>
        new Gauge({
          name: `sealwire_relay_${name}`,
          help,
          registers,
          async collect() {
            this.set(await read());
          },
        });
      gauge('connections', 'Connections at present', () => relay.load.connections);
      gauge('active_rooms', 'Rooms that somebody follows', () => relay.load.activeRooms);
      // A store that cannot tell is not said to hold nothing.
      for (const name of relay.totals() ? (['rooms', 'principals', 'frames'] as const) : [])
        gauge(`store_${name}`, `Number of ${name} in the store`, () => relay.totals()?.[name] ?? 0);
      // NATS tells of its own disks.
      if (storeBytes) gauge('store_bytes', 'Bytes of the store on disk', storeBytes);
      const server = createServer((request, response) => {
        if (request.url !== '/metrics' || request.method !== 'GET') {
          response.writeHead(404, { 'content-type': 'text/plain' }).end('Not found\n');
          return;
        }
        registry.metrics().then(
          (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
          (error: unknown) => response.writeHead(500, { 'content-type': 'text/plain' }).end(`${error}\n`),
        );
      });
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
      return server;
    },
  };
};
