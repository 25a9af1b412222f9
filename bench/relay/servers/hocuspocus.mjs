// The peer @hocuspocus/server, nothing stored. No spec rules here.
import { Server } from '@hocuspocus/server';

const server = new Server({ quiet: true, address: '127.0.0.1', stopOnSignals: true });
// `listen` takes port 0 for none and falls back to port 80.
server.httpServer.listen(0, '127.0.0.1', () => {
  const { port } = server.httpServer.address();
  process.stdout.write(`listening on ws://127.0.0.1:${port}\n`);
});
