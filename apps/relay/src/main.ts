#!/usr/bin/env node
// The relay as a program: reads its settings, opens the store, listens, stops gracefully on a signal.
// Rules: spec/relay-protocol.md §10.
import { readFile, stat } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  allowOrigins,
  type BlobStore,
  createRelay,
  fileBlobStore,
  forwardedBy,
  forwardedFor,
  type LmdbOptions,
  type LogStore,
  lmdbStore,
  type RelayEvent,
  serveApp,
  staticFiles,
} from '@sealwire/relay';
import { parseCommand, runCommand } from './commands.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { HELP, type Options, parseOptions } from './options.ts';

const main = async (options: Options): Promise<void> => {
  const { host, port, data, address, limits, proxy, trusted } = options;
  const addressOf = trusted ? forwardedBy(trusted) : proxy ? forwardedFor : undefined;
  let answerOthers: RequestListener = (_request, response) => response.writeHead(404).end();
  const metrics = options.metrics && createMetrics();
  const tls = options.tls && {
    cert: await readFile(options.tls.cert, 'utf8'),
    key: await readFile(options.tls.key, 'utf8'),
  };
  const relay = await createRelay({
    ...(await openStores(options, (error) =>
      tell({ event: 'store-failed', code: error.code }, options, metrics),
    )),
    host,
    port,
    limits,
    ...(tls && { tls }),
    mayAsk: allowOrigins({ listed: options.origins, ports: options.apps.map((app) => app.port) }),
    ...(metrics && { measures: metrics.measures }),
    ...(addressOf && { addressOf }),
    ...(options.successor && { successor: options.successor }),
    onRequest: (request, response) => answerOthers(request, response),
    log: (event) => tell(event, options, metrics),
  });
  const told = address ?? relay.address;
  if (options.app) answerOthers = await staticFiles({ directory: options.app, relay: told });
  const apps = await Promise.all(options.apps.map((app) => serveApp({ ...app, host, relay: told })));
  const storeBytes = options.store ? undefined : () => bytesIn(join(data, 'data.mdb'));
  const figures = options.metrics && (await metrics?.listen(relay, storeBytes, options.metrics));
  const stop = (): void => {
    figures?.close();
    figures?.closeAllConnections();
    void Promise.all([relay.close(), ...apps.map((app) => app.close())]);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  if (figures) {
    const at = figures.address() as AddressInfo;
    process.stdout.write(`figures at http://${at.address}:${at.port}/metrics\n`);
  }
  process.stdout.write(`sealwire relay listening on ${relay.address}\n`);
};

/** Where frames and blobs are kept. */
interface Stores {
  readonly store: LogStore;
  /** Absent where none are wanted. */
  readonly blobs?: BlobStore;
}

const openStores = async (
  { data, store: place, blobs: wanted }: Options,
  failed: NonNullable<LmdbOptions['failed']>,
): Promise<Stores> => {
  if (place === undefined) {
    const store = await lmdbStore(data, { failed });
    return { store, ...(wanted && { blobs: await fileBlobStore(join(data, 'blobs')) }) };
  }
  // Only whoever asks for it loads the client of NATS.
  const { natsBlobStore, natsStore } = await import('@sealwire/relay/nats');
  const { tls, ...rest } = place;
  const at = { ...rest, ...(tls && { tls: {} }) };
  const store = await natsStore(at);
  return { store, ...(wanted && { blobs: await natsBlobStore(at) }) };
};

const tell = (event: RelayEvent, { log }: Options, metrics: Metrics | undefined): void => {
  metrics?.log(event);
  if (log) process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), ...event })}\n`);
};

const bytesIn = async (path: string): Promise<number> => (await stat(path)).size;

try {
  const args = process.argv.slice(2);
  const command = parseCommand(args, process.env);
  if (command) {
    const { text, isWell } = await runCommand(command, Date.now());
    process.stdout.write(`${text}\n`);
    process.exitCode = isWell ? 0 : 1;
  } else {
    const options = parseOptions(args, process.env);
    if (options === 'help') process.stdout.write(HELP);
    else await main(options);
  }
} catch (error) {
  process.stderr.write(`sealwire relay: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
