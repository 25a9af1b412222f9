// The command line of `pnpm start`, and the choice of ports.
import { createServer } from 'node:net';
import { resolve } from 'node:path';

export interface StartOptions {
  /** Undefined: the usual port if it is free, else any free one. */
  readonly relayPort: number | undefined;
  readonly phonePort: number | undefined;
  readonly webPort: number | undefined;
  /** Absolute folder of the relay's store. */
  readonly data: string;
  readonly help: boolean;
}

/** Two apps have two ports: on one origin they would share one database and be one device. */
export interface Ports {
  readonly relay: number;
  readonly phone: number;
  readonly web: number;
}

export const HOST = '127.0.0.1';
export const USUAL: Ports = { relay: 4100, phone: 4101, web: 4102 };

export const HELP = `pnpm start [options]

Builds what has changed, then runs a relay and serves the two demo apps, on this computer only.

  --port N        port of the relay (default: ${USUAL.relay}, or a free one)
  --phone-port N  port of the phone app (default: ${USUAL.phone}, or a free one)
  --web-port N    port of the web app (default: ${USUAL.web}, or a free one)
  --data DIR      where the relay keeps its sealed frames (default: .sealwire)
  --help          this page

0 as a port means: any free one.`;

/**
 * @param cwd - where the person stands; a folder that they name is relative to it.
 * @param root - the repository; the usual folder is in it.
 * @throws RangeError naming the option that is wrong.
 */
export function parseOptions(args: readonly string[], cwd: string, root = cwd): StartOptions {
  const ports: Record<string, number | undefined> = {};
  let data = resolve(root, '.sealwire');
  let help = false;
  for (let i = 0; i < args.length; i++) {
    const [name = '', inline] = (args[i] ?? '').split('=', 2);
    if (name === '--') continue;
    if (name === '--help' || name === '-h') help = true;
    else if (['--port', '--phone-port', '--web-port'].includes(name))
      ports[name] = parsePort(name, inline ?? args[++i]);
    else if (name === '--data') {
      const folder = inline ?? args[++i];
      if (!folder) throw new RangeError('--data needs a folder');
      data = resolve(cwd, folder);
    } else throw new RangeError(`there is no option ${name}; try --help`);
  }
  return {
    relayPort: ports['--port'],
    phonePort: ports['--phone-port'],
    webPort: ports['--web-port'],
    data,
    help,
  };
}

/**
 * Ports that are free at this moment, three different ones.
 *
 * @throws RangeError when a port that was asked for is in use.
 */
export async function choosePorts(options: StartOptions, usual: Ports = USUAL): Promise<Ports> {
  const taken = new Set<number>();
  const choose = async (option: string, wanted: number | undefined, usually: number): Promise<number> => {
    const first = wanted ?? usually;
    if (first !== 0 && !taken.has(first) && (await freePort(first)) !== undefined) {
      taken.add(first);
      return first;
    }
    if (wanted) throw new RangeError(`${option} ${wanted} is in use; choose another one`);
    for (;;) {
      const port = await freePort(0);
      if (port === undefined) throw new RangeError('no port is free');
      if (!taken.has(port)) {
        taken.add(port);
        return port;
      }
    }
  };
  const relay = await choose('--port', options.relayPort, usual.relay);
  const phone = await choose('--phone-port', options.phonePort, usual.phone);
  const web = await choose('--web-port', options.webPort, usual.web);
  return { relay, phone, web };
}

/** The port if it can be listened on (for 0: one that can), else undefined. */
export function freePort(port: number): Promise<number | undefined> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(undefined));
    server.listen(port, HOST, () => {
      const address = server.address();
      const found = typeof address === 'object' && address !== null ? address.port : undefined;
      server.close(() => done(found));
    });
  });
}

function parsePort(name: string, text: string | undefined): number {
  const port = Number(text);
  if (!text || !/^\d{1,5}$/.test(text) || port > 65_535)
    throw new RangeError(`${name} ${text ?? ''} is no port`);
  return port;
}
