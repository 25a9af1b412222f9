// The limit to compare with: `ws` alone. What came in one turn of the event loop is joined into one message, which goes to
// everybody on the same path, the sender included. Nothing is stored, checked or understood. No spec rules here.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

/** By path: who is there, and what came in this turn. */
const rooms = new Map();
const server = createServer();
const upgrades = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false });

const pass = (room) => {
  const message = Buffer.concat(room.waiting);
  room.waiting = [];
  for (const socket of room.sockets) socket.send(message);
};

server.on('upgrade', (request, stream, head) => {
  upgrades.handleUpgrade(request, stream, head, (socket) => {
    const path = request.url ?? '/';
    const room = rooms.get(path) ?? { sockets: new Set(), waiting: [] };
    rooms.set(path, room);
    room.sockets.add(socket);
    socket.on('message', (data) => {
      const length = Buffer.allocUnsafe(4);
      length.writeUInt32BE(data.length);
      room.waiting.push(length, data);
      if (room.waiting.length === 2) setImmediate(pass, room);
    });
    socket.on('error', () => {});
    socket.on('close', () => room.sockets.delete(socket));
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening on ws://127.0.0.1:${server.address().port}\n`);
});
