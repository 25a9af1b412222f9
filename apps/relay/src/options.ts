// The command line of the relay. No spec rules here.
import {
  type AddressSet,
  addressSet,
  allowOrigins,
  RELAY_LIMIT_NAMES,
  type RelayLimits,
  relayLimits,
} from '@sealwire/relay';
import { USUAL_DATA } from './commands.ts';
import { type Environment, readSettings } from './settings.ts';

export interface Options {
  readonly host: string;
  readonly port: number;
  /** Folder of the store, where it is on this machine. */
  readonly data: string;
  /** Where the store is, if it is not on this machine. */
  readonly store: NatsPlace | undefined;
  /** Apps to serve on ports of their own. */
  readonly apps: readonly { readonly port: number; readonly directory: string }[];
  /** An app to serve on the relay's port. */
  readonly app: string | undefined;
  /** What apps are told where the relay is, if not at its host and port. */
  readonly address: string | undefined;
  /** Where devices are told to go when the relay stops. */
  readonly successor: string | undefined;
  /** Where to answer with figures for Prometheus; undefined for nowhere. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
  /** Paths of PEM files. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Whether attachments are kept: in the store's folder, or in the store that is elsewhere. */
  readonly blobs: boolean;
  /** Which web pages may ask for attachments, beside the apps that are served here. */
  readonly origins: readonly string[];
  readonly log: boolean;
  /** Numbers in place of the usual ones. */
  readonly limits: Partial<RelayLimits>;
  /** True where a proxy stands in front, so that addresses are those that it tells. */
  readonly proxy: boolean;
  /** The proxies that are believed, where not whoever connects is one. */
  readonly trusted: AddressSet | undefined;
}

/** A store over a NATS cluster. */
export interface NatsPlace {
  readonly servers: readonly string[];
  readonly user?: string;
  readonly pass?: string;
  readonly tls: boolean;
  readonly prefix?: string;
  readonly shards?: number;
  readonly replicas?: number;
}

export const HELP = `sealwire-relay [options]
sealwire-relay backup DIR [--data DIR]    copies the store into a new folder, while a relay uses it
sealwire-relay restore DIR [--data DIR]   puts such a copy where no store is
sealwire-relay check [--data DIR]         reads the whole store and says what is wrong

Stores and forwards sealed frames. It can read none of them.

  --host HOST        where to listen (default: 127.0.0.1; 0.0.0.0 is everywhere)
  --port PORT        default: 8787; 0 is any free one
  --data DIR         folder of the store, made if it is not there (default: ./sealwire-data)
  --store URL        instead of --data: nats:// or tls://[USER:PASS@]HOST:PORT[,HOST:PORT…][/NAME][?shards=16&replicas=3];
                     any number of relays may have the same. NAME begins all names there (default: sealwire)
  --app PORT=DIR     serve the built app in DIR on a port of its own; may be given again
  --static DIR       serve the built app in DIR on the relay's own port
  --address URL      ws:// or wss:// address that the apps are told (default: ws://HOST:PORT)
  --successor URL    ws:// or wss:// address of a relay with the same store, told to devices when this one stops
  --tls-cert FILE    PEM certificate chain, with --tls-key FILE: listen with TLS (wss://)
  --metrics [HOST:]PORT  figures for Prometheus at http://HOST:PORT/metrics (default host: 127.0.0.1; off without it)
  --no-blobs         keep no attachments (they lie in the store's folder, under blobs; with --store in it)
  --origin ORIGIN    a web app elsewhere (https://app.example) that may fetch attachments, or * for all; may be given again
  --proxy            a reverse proxy stands in front: count by the last address in its X-Forwarded-For
  --trusted-proxy ADDRESS[/BITS]  a proxy, or a network of them: only their X-Forwarded-For counts; may be given again
  --limit NAME=N     another number for a limit; may be given again
  --log              events as JSON, one a line, on stderr
  --config FILE      settings from a JSON file: {"port": 8787, "proxy": true, "limit": ["connections=500"]}
  --help             this page

A setting that is not on the command line is taken from the environment (SEALWIRE_RELAY_PORT, SEALWIRE_RELAY_TLS_CERT, …;
lists with commas), else from the file.
GET /healthz answers 200 while the relay runs, /readyz while it takes connections and its store can be read.
SIGTERM and SIGINT stop it: what was acknowledged is on disk.

Limits, with their numbers; units and reasons stand in spec/limits.md:
${RELAY_LIMIT_NAMES.map((name) => `  ${name.padEnd(24)} ${relayLimits()[name]}`).join('\n')}
`;

/** @throws Error naming the setting that is wrong. */
export const parseOptions = (args: readonly string[], environment: Environment = {}): Options | 'help' => {
  const values = readSettings(args, environment);
  if (values.help) return 'help';
  for (const name of ['address', 'successor'] as const) {
    const address = values[name];
    if (address !== undefined && !/^wss?:$/.test(protocolOf(address)))
      throw new RangeError(`--${name}: not a ws:// or wss:// address`);
  }
  return {
    host: values.host ?? '127.0.0.1',
    port: portOf(values.port ?? '8787', '--port'),
    data: values.data ?? USUAL_DATA,
    store: storeOf(values.store, values.data),
    apps: (values.app ?? []).map(appOf),
    app: values.static,
    address: values.address,
    successor: values.successor,
    metrics: values.metrics === undefined ? undefined : placeOf(values.metrics),
    tls: tlsOf(values['tls-cert'], values['tls-key']),
    blobs: values.blobs ?? true,
    origins: originsOf(values.origin ?? []),
    log: values.log ?? false,
    limits: limitsOf(values.limit ?? []),
    proxy: values.proxy ?? false,
    trusted: values['trusted-proxy']?.length ? trustedOf(values['trusted-proxy']) : undefined,
  };
};

/** `nats://USER:PASS@HOST:PORT,HOST:PORT/NAME?shards=N&replicas=N`; only the first part must be there. */
const storeOf = (text: string | undefined, data: string | undefined): NatsPlace | undefined => {
  if (text === undefined) return undefined;
  if (data !== undefined) throw new RangeError('--store and --data: a relay has one store');
  const [, scheme, who, hosts = '', prefix, query] =
    /^(nats|tls):\/\/(?:([^@/]+)@)?([^/?@]+)(?:\/([a-zA-Z0-9-]*))?(?:\?(.*))?$/.exec(text) ?? [];
  const servers = hosts.split(',');
  if (
    scheme === undefined ||
    !servers.every((server) => /^([\w.-]+|\[[\da-fA-F:]+\])(:\d{1,5})?$/.test(server))
  ) {
    // Without what stands in it, since that may be a password.
    throw new RangeError('--store: not nats://HOST:PORT[,HOST:PORT…][/NAME][?shards=N&replicas=N]');
  }
  const numbers: { shards?: number; replicas?: number } = {};
  for (const [name, value] of new URLSearchParams(query)) {
    if ((name !== 'shards' && name !== 'replicas') || !/^[1-9]\d{0,3}$/.test(value)) {
      throw new RangeError(`--store: ${name}=${value} is neither shards=N nor replicas=N`);
    }
    numbers[name] = Number(value);
  }
  const [user, pass] = (who ?? '').split(':').map(decodeURIComponent);
  return {
    servers,
    tls: scheme === 'tls',
    ...(user && { user }),
    ...(pass !== undefined && { pass }),
    ...(prefix && { prefix }),
    ...numbers,
  };
};

const tlsOf = (cert: string | undefined, key: string | undefined): Options['tls'] => {
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new RangeError('--tls-cert and --tls-key: one without the other');
  return { cert, key };
};

/** `PORT` or `HOST:PORT`. */
const placeOf = (text: string): { host: string; port: number } => {
  const at = text.lastIndexOf(':');
  const host = at < 0 ? '127.0.0.1' : text.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  return { host, port: portOf(text.slice(at + 1), '--metrics') };
};

const trustedOf = (texts: readonly string[]): AddressSet => {
  try {
    return addressSet(texts);
  } catch (error) {
    throw new RangeError(`--trusted-proxy ${(error as Error).message}`);
  }
};

const originsOf = (listed: readonly string[]): readonly string[] => {
  try {
    allowOrigins({ listed });
  } catch (error) {
    throw new RangeError(`--origin ${(error as Error).message}`);
  }
  return listed;
};

const appOf = (text: string): { port: number; directory: string } => {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new RangeError(`--app ${text}: not PORT=DIR`);
  return { port: portOf(text.slice(0, at), '--app'), directory: text.slice(at + 1) };
};

const limitsOf = (texts: readonly string[]): Partial<RelayLimits> => {
  const limits: Record<string, number> = {};
  for (const text of texts) {
    const [, name = '', number = ''] = /^(\w+)=(\d+)$/.exec(text) ?? [];
    const isKnown = RELAY_LIMIT_NAMES.some((known) => known === name);
    if (!isKnown || Number(number) === 0)
      throw new RangeError(`--limit ${text}: not NAME=N of a limit, above 0`);
    limits[name] = Number(number);
  }
  return limits;
};

const portOf = (text: string, option: string): number => {
  const port = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || port > 65_535) throw new RangeError(`${option} ${text}: not a port`);
  return port;
};

const protocolOf = (address: string): string => (URL.canParse(address) ? new URL(address).protocol : '');
