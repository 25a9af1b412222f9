// A TCP proxy on loopback that a test can make go silent: bytes stop, and no connection is closed. A cut cable looks so.
import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';

export interface TcpProxy {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** From here on no byte passes in either direction, on old connections and new ones. */
  cut(): void;
  /** What was under way when it was cut is gone with its connections; new ones pass. */
  mend(): void;
  close(): Promise<void>;
}

/** @param target - `HOST:PORT`. */
export const startTcpProxy = async (target: string): Promise<TcpProxy> => {
  const [host, port] = target.split(':') as [string, string];
  const sockets = new Set<Socket>();
  let isCut = false;
  const pass = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on('data', (bytes) => {
      if (!isCut) to.write(bytes);
    });
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      if (!isCut) to.destroy();
    });
  };
  const server = createServer((client) => {
    const upstream = dial(Number(port), host);
    pass(client, upstream);
    pass(upstream, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dropAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as { port: number }).port}`,
    cut() {
      isCut = true;
    },
    mend() {
      dropAll();
      isCut = false;
    },
    async close() {
      dropAll();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
};
