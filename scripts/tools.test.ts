// The search for system programs, on systems made up for it.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CHROMIUM, ensureTool, findTool, STRACE, type System } from './tools.ts';

const test = suite('tools');

const system = (there: string[], over: Partial<System> = {}): System & { ran: string[]; said: string[] } => {
  const ran: string[] = [];
  const said: string[] = [];
  return {
    env: { PATH: '/bin:/usr/bin' },
    isExecutable: (path) => there.includes(path),
    isRoot: true,
    run: (program, args) => {
      ran.push([program, ...args].join(' '));
      return 0;
    },
    say: (line) => said.push(line),
    ran,
    said,
    ...over,
  };
};

test('the variable comes first, then the names in their order', () => {
  const there = ['/my/chrome', '/usr/bin/google-chrome', '/bin/chromium'];
  assert.is(findTool(CHROMIUM, system(there, { env: { SEALWIRE_CHROMIUM: '/my/chrome' } })), '/my/chrome');
  assert.is(findTool(CHROMIUM, system(there)), '/bin/chromium');
  assert.is(findTool(CHROMIUM, system(there, { env: {} })), '/usr/bin/google-chrome');
});

test('a variable that names nothing is an error, not an invitation to install', () => {
  const broken = system(['/usr/bin/chromium', '/usr/bin/apt-get'], { env: { SEALWIRE_CHROMIUM: '/gone' } });
  const had = ensureTool(CHROMIUM, broken);
  assert.is(had.path, undefined);
  assert.match('missing' in had ? had.missing : '', /SEALWIRE_CHROMIUM=\/gone is no program/);
  assert.equal(broken.ran, []);
});

test('as root with apt-get it installs the package, and says so first', () => {
  const there = ['/usr/bin/apt-get'];
  const bare = system(there);
  const had = ensureTool(STRACE, {
    ...bare,
    run: (program, args) => {
      if (args[0] === 'install') there.push('/usr/bin/strace');
      return bare.run(program, args);
    },
  });
  assert.is(had.path, '/usr/bin/strace');
  assert.equal(bare.ran, ['apt-get update', 'apt-get install -y --no-install-recommends strace']);
  assert.match(bare.said.join(), /strace is not installed/);
});

test('where it cannot install, or the installation fails, it says what to do', () => {
  const cases: [System, RegExp][] = [
    [
      system(['/usr/bin/apt-get'], { isRoot: false }),
      /only root.*sudo apt-get install chromium.*SEALWIRE_CHROMIUM/,
    ],
    [system([]), /no apt-get/],
    [system(['/usr/bin/apt-get'], { run: () => 100 }), /apt-get install with 100/],
  ];
  for (const [where, expected] of cases) {
    const had = ensureTool(CHROMIUM, where);
    assert.is(had.path, undefined);
    assert.match('missing' in had ? had.missing : '', expected);
  }
});

test.run();
