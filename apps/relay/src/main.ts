#!/usr/bin/env node
// The relay as a program: reads the command line, opens the store, listens, stops gracefully on a signal.
// Rules: spec/relay-protocol.md §10.
import type { RequestListener } from 'node:http';
import { createRelay, forwardedFor, lmdbStore, serveApp, staticFiles } from '@sealwire/relay';
import { HELP, type Options, parseOptions } from './options.ts';

const main = async (options: Options): Promise<void> => {
  const { host, port, data, address, limits, proxy } = options;
  let answerOthers: RequestListener = (_request, response) => response.writeHead(404).end();
  const relay = await createRelay({
    store: await lmdbStore(data),
    host,
    port,
    limits,
    ...(proxy && { addressOf: forwardedFor }),
    onRequest: (request, response) => answerOthers(request, response),
    log: (event) => void (options.log && process.stderr.write(`${JSON.stringify(event)}\n`)),
  });
  const told = address ?? relay.address;
  if (options.app) answerOthers = await staticFiles({ directory: options.app, relay: told });
  const apps = await Promise.all(options.apps.map((app) => serveApp({ ...app, host, relay: told })));
  const stop = (): void => {
    void Promise.all([relay.close(), ...apps.map((app) => app.close())]);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.stdout.write(`sealwire relay listening on ${relay.address}\n`);
};

try {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(HELP);
  else await main(options);
} catch (error) {
  process.stderr.write(`sealwire relay: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
