// Loaded into every server that is measured: tells over the process's channel what it used. No spec rules here.
// Collecting garbage first shows what is held, not what happened to lie about.
process.on('message', (wish) => {
  if (wish === 'cpu') {
    const { user, system } = process.cpuUsage();
    process.send({ cpuMs: (user + system) / 1000 });
    return;
  }
  const collect = globalThis.gc;
  collect?.();
  setImmediate(() => {
    collect?.();
    process.send(process.memoryUsage());
  });
});
// The channel alone must not keep a server alive that has ended.
process.channel.unref();
