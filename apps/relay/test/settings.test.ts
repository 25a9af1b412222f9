// Where the relay's settings come from, and what is said of wrong ones. Rules: spec/relay-protocol.md §10.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Options, parseOptions } from '../src/options.ts';
import { FLAGS, variableOf } from '../src/settings.ts';
import { withFolder } from './support.ts';

const test = suite('settings');

const parsed = (args: readonly string[], environment: Record<string, string> = {}): Options => {
  const options = parseOptions(args, environment);
  assert.ok(options !== 'help');
  return options;
};

test(
  '[RP154] the command line wins over the environment, the environment over the file',
  withFolder(async (folder) => {
    const config = join(folder, 'relay.json');
    await writeFile(
      config,
      JSON.stringify({
        port: 1,
        host: '::1',
        data: 'file',
        proxy: true,
        limit: ['connections=7'],
        app: ['5=a'],
      }),
    );
    const environment = {
      SEALWIRE_RELAY_PORT: '2',
      SEALWIRE_RELAY_DATA: 'environment',
      SEALWIRE_RELAY_LOG: 'true',
      SEALWIRE_RELAY_APP: '6=b, 7=c',
      SEALWIRE_RELAY_METRICS: '',
    };
    const all = parsed(['--config', config, '--port', '3', '--no-proxy'], environment);
    assert.equal(
      [all.port, all.data, all.host, all.proxy, all.log, all.limits, all.metrics],
      [3, 'environment', '::1', false, true, { connections: 7 }, undefined],
    );
    assert.equal(
      all.apps,
      [
        { port: 6, directory: 'b' },
        { port: 7, directory: 'c' },
      ],
      'a list is taken whole from one place',
    );
    assert.is(parsed([], { SEALWIRE_RELAY_CONFIG: config }).port, 1);
    assert.is(parsed(['--metrics', '9']).metrics?.host, '127.0.0.1');
    assert.equal(parsed(['--metrics', '[::]:9']).metrics, { host: '::', port: 9 });
  }),
);

test(
  '[RP154] a wrong setting is named with the place where it stands',
  withFolder(async (folder) => {
    const config = join(folder, 'relay.json');
    const wrong: [unknown, RegExp][] = [
      ['{', /relay\.json: .*JSON/],
      ['[]', /relay\.json: not a JSON object/],
      ['{"prot": 1}', /relay\.json: no setting "prot"/],
      ['{"help": true}', /relay\.json: no setting "help"/],
      ['{"proxy": "yes"}', /relay\.json: "proxy" is neither true nor false/],
      ['{"limit": "connections=1"}', /relay\.json: "limit" is no list/],
      ['{"host": {}}', /relay\.json: "host" is no text/],
    ];
    for (const [text, names] of wrong) {
      await writeFile(config, text as string);
      assert.throws(() => parseOptions(['--config', config]), names);
    }
    assert.throws(() => parseOptions(['--config', join(folder, 'none.json')]), /none\.json: .*ENOENT/);
    assert.throws(() => parseOptions([], { SEALWIRE_RELAY_LOG: '1' }), /SEALWIRE_RELAY_LOG: neither/);
    assert.throws(() => parseOptions([], { SEALWIRE_RELAY_PORT: 'x' }), /--port x/);
    assert.throws(() => parseOptions(['--tls-cert', 'a']), /one without the other/);
    assert.throws(() => parseOptions(['--metrics', 'localhost']), /--metrics localhost: not a port/);
  }),
);

test('[RP154] a store at NATS is named by one address, and a wrong one without the password that it may hold', () => {
  const stores: [string, Options['store']][] = [
    ['nats://a:4222', { servers: ['a:4222'], tls: false }],
    [
      'tls://ada:pass%20word@a:1,b-2.example:2,[::1]:3/team-1?shards=32&replicas=5',
      {
        servers: ['a:1', 'b-2.example:2', '[::1]:3'],
        tls: true,
        user: 'ada',
        pass: 'pass word',
        prefix: 'team-1',
        shards: 32,
        replicas: 5,
      },
    ],
  ];
  for (const [text, store] of stores) assert.equal(parsed(['--store', text]).store, store);
  assert.is(parsed([]).store, undefined);
  for (const text of ['http://a', 'nats://', 'nats://u:secret@a b', 'nats://u:secret@a/x/y', 'a:1']) {
    assert.throws(
      () => parseOptions(['--store', text]),
      (error: Error) => /--store: not nats/.test(error.message) && !error.message.includes('secret'),
    );
  }
  for (const query of ['shards=0', 'replicas=x', 'shard=2']) {
    assert.throws(() => parseOptions(['--store', `nats://a?${query}`]), /neither shards=N nor replicas=N/);
  }
  assert.throws(() => parseOptions(['--store', 'nats://a', '--data', 'b']), /--store and --data/);
});

test('[RP154] every flag has a variable', () => {
  assert.equal(Object.keys(FLAGS).map(variableOf).slice(0, 2), [
    'SEALWIRE_RELAY_HOST',
    'SEALWIRE_RELAY_PORT',
  ]);
  assert.is(variableOf('tls-cert'), 'SEALWIRE_RELAY_TLS_CERT');
});

test.run();
