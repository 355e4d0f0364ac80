import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../../test/support/clean-up.ts';
import { BrokerError } from '../errors.ts';
import { readConfigFile } from './config-file.ts';
import { type ConfigFlags, resolveConfig } from './resolve-config.ts';

function settingsOf(yaml: string, flags: ConfigFlags = {}, environment: Record<string, string> = {}) {
  const dir = temporaryDirectory();
  const file = join(dir, 'broker.yml');
  writeFileSync(file, yaml);
  return { dir, settings: resolveConfig(readConfigFile(file, environment), flags, { baseDir: dir }) };
}

function failureOf(
  yaml: string,
  flags: ConfigFlags = {},
  environment: Record<string, string> = {},
): BrokerError {
  try {
    settingsOf(yaml, flags, environment);
  } catch (error) {
    if (BrokerError.is(error)) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

const iceberg = (lines: string) =>
  `storage:\n  type: iceberg\n  iceberg_config:\n${lines.replaceAll(/^/gm, '    ')}\n`;

const planExample = `
storage:
  type: "iceberg"
  iceberg_config:
    catalog:
      type: "rest"  # or "glue"
      uri: "http://localhost:8181"
      warehouse: "s3://danube-warehouse/"
    object_store:
      type: "s3"
      bucket: "danube-messages"
      region: "us-east-1"
    wal:
      base_path: "/var/lib/danube/wal"
      max_file_size: 67108864  # 64MB
      sync_mode: "periodic"
      sync_interval_ms: 1000
    warehouse: "s3://danube-warehouse/"
`;

describe('configuration', () => {
  test('without a file everything is embedded under ./danube-data', () => {
    const { dir, settings } = settingsOf('');
    const dataDir = join(dir, 'danube-data');
    expect(settings).toMatchObject({
      dataDir,
      brokerAddress: { host: '127.0.0.1', port: 6650 },
      httpAddress: { host: '127.0.0.1', port: 9040 },
      maxMessageSizeBytes: 10 * 1024 * 1024,
      dispatch: { maxUnackedMessages: 10 },
      storage: {
        catalog: { kind: 'sql', file: join(dataDir, 'catalog.db'), name: 'danube' },
        warehouse: `file://${join(dataDir, 'warehouse')}`,
        objectStore: { kind: 'local', root: join(dataDir, 'warehouse') },
        wal: { dir: join(dataDir, 'wal'), sync: { kind: 'always' }, maxFileSizeBytes: 67_108_864 },
        flush: { maxBytes: 67_108_864, maxAgeMs: 10_000 },
      },
    });
  });

  test('the plan’s YAML is understood, and refused with a sentence for what is not there yet', () => {
    const error = failureOf(planExample);
    expect(error.code).toBe('UNSUPPORTED');
    expect(error.sentence).toContain(
      'storage.iceberg_config.catalog.type: the rest catalog is not supported by this version',
    );
  });

  test('the plan’s YAML with the embedded catalog in its place sets every key', () => {
    const { settings } = settingsOf(
      planExample
        .replace(/"rest".*/, 'sql')
        .replace('http://localhost:8181', 'sqlite:////var/lib/danube/catalog.db')
        .replace(/type: "s3"/, 'type: local')
        .replace(/ +bucket.*\n +region.*\n/, '')
        .replaceAll('s3://danube-warehouse/', 'file:///var/lib/danube/warehouse/'),
    );
    expect(settings.storage).toEqual({
      catalog: { kind: 'sql', file: '/var/lib/danube/catalog.db', name: 'danube' },
      warehouse: 'file:///var/lib/danube/warehouse',
      objectStore: { kind: 'local', root: '/var/lib/danube/warehouse' },
      wal: {
        dir: '/var/lib/danube/wal',
        maxFileSizeBytes: 67_108_864,
        sync: { kind: 'periodic', intervalMs: 1000 },
      },
      flush: { maxBytes: 67_108_864, maxAgeMs: 10_000 },
    });
  });

  test('the plan’s YAML with the embedded catalog and its s3 store, as MinIO users have it', () => {
    const { settings } = settingsOf(
      planExample
        .replace(/"rest".*/, 'sql')
        .replace('http://localhost:8181', 'sqlite:////var/lib/danube/catalog.db')
        .replace(
          'region: "us-east-1"',
          'region: "us-east-1"\n      endpoint: "http://localhost:9000"\n      path_style: true',
        ),
    );
    expect(settings.storage).toMatchObject({
      warehouse: 's3://danube-warehouse',
      objectStore: { kind: 's3', region: 'us-east-1', endpoint: 'http://localhost:9000', pathStyle: true },
    });
  });

  test('an s3 store by its bucket alone, or by the warehouse alone', () => {
    const byBucket = settingsOf(iceberg('object_store: {type: s3, bucket: b}')).settings.storage;
    expect(byBucket.warehouse).toBe('s3://b/warehouse');
    expect(byBucket.objectStore).toEqual({ kind: 's3', pathStyle: false });
    const environment = { KEY: 'id', SECRET: 'secret', TOKEN: 'token' };
    const keys = 'access_key_id: "${KEY}", secret_access_key: "${SECRET}", session_token: "${TOKEN}"';
    const byWarehouse = settingsOf(
      iceberg(`object_store: {${keys}, endpoint: "http://s3.example:9000/"}\nwarehouse: s3a://b/w/`),
      {},
      environment,
    ).settings.storage;
    expect(byWarehouse).toMatchObject({
      warehouse: 's3a://b/w',
      objectStore: {
        kind: 's3',
        endpoint: 'http://s3.example:9000/',
        pathStyle: true,
        credentials: { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 'token' },
      },
    });
  });

  test('two spellings of one warehouse are no contradiction', () => {
    const { dir, settings } = settingsOf(iceberg('catalog: {warehouse: lake/}\nwarehouse: ./lake'));
    expect(settings.storage.warehouse).toBe(`file://${join(dir, 'lake')}`);
  });

  test.each([
    [
      'an unknown key',
      'storage:\n  iceberg: 1',
      'storage.iceberg: unknown key; known here: type, iceberg_config',
    ],
    [
      'an unknown key further down',
      iceberg('wal: {sync_mod: always}'),
      'storage.iceberg_config.wal.sync_mod: unknown key; known here: base_path, max_file_size, sync_mode, sync_interval_ms',
    ],
    [
      'a wrong type',
      'auto_create_topics: 3',
      'auto_create_topics: expected a value of type boolean, got the number 3',
    ],
    [
      'a wrong value',
      iceberg('wal: {sync_mode: sometimes}'),
      'storage.iceberg_config.wal.sync_mode: expected one of "always", "periodic", "none"',
    ],
    [
      'a value out of range',
      'dispatch: {max_unacked_messages: 0}',
      'dispatch.max_unacked_messages: expected at least 1, got the number 0',
    ],
    [
      'a port that is none',
      'broker: {ports: {client: 70000}}',
      'broker.ports.client: expected at most 65535',
    ],
    [
      'an entry of a list',
      'bootstrap_namespaces: [default, "a b"]',
      'bootstrap_namespaces[1]: expected 1 to 200 letters',
    ],
    ['a list in place of keys', 'storage: []', 'storage: expected a mapping of keys, got a list'],
    ['YAML that is none', 'storage: {', 'line '],
    ['a key twice', 'log: {level: info}\nlog: {level: warn}', 'Map keys must be unique'],
    [
      'sync_interval_ms without periodic',
      iceberg('wal: {sync_mode: always, sync_interval_ms: 5}'),
      'storage.iceberg_config.wal.sync_interval_ms: this key has a meaning only with sync_mode "periodic"',
    ],
    [
      'two warehouses',
      iceberg('catalog: {warehouse: /a}\nwarehouse: /b'),
      'storage.iceberg_config.warehouse: expected the same place as',
    ],
    [
      'a warehouse outside the store',
      iceberg('object_store: {root: /a}\nwarehouse: /b'),
      'storage.iceberg_config.object_store.root: expected a directory that holds the warehouse',
    ],
    [
      'a glue catalog',
      iceberg('catalog: {type: glue, database: d}'),
      'the glue catalog is not supported by this version',
    ],
    [
      'an s3 store without a place',
      iceberg('object_store: {type: s3}'),
      'storage.iceberg_config.object_store.bucket: expected a bucket, or storage.iceberg_config.warehouse with an s3:// location',
    ],
    [
      'an s3 store with a directory as warehouse',
      iceberg('object_store: {type: s3}\nwarehouse: /a'),
      'storage.iceberg_config.warehouse: expected s3://BUCKET',
    ],
    [
      'an s3 warehouse with dots',
      iceberg('warehouse: "s3://b/../w"'),
      'storage.iceberg_config.warehouse: expected s3://BUCKET',
    ],
    [
      'an s3 warehouse with an empty segment',
      iceberg('warehouse: "s3://b//w"'),
      'storage.iceberg_config.warehouse: expected s3://BUCKET',
    ],
    [
      'an s3 warehouse with a query',
      iceberg('warehouse: "s3://b/w?x=1"'),
      'storage.iceberg_config.warehouse: expected s3://BUCKET',
    ],
    [
      'an s3 warehouse with a backslash',
      iceberg('warehouse: "s3://b/a\\\\b"'),
      'storage.iceberg_config.warehouse: expected s3://BUCKET',
    ],
    [
      'a local store with an s3 warehouse',
      iceberg('object_store: {type: local}\nwarehouse: "s3://b/w"'),
      'storage.iceberg_config.warehouse: expected a directory or a file:/// URI for the local object store',
    ],
    [
      'half of the credentials',
      iceberg('object_store: {type: s3, bucket: b, access_key_id: id}'),
      'storage.iceberg_config.object_store.secret_access_key: expected it beside the other credentials',
    ],
    [
      'an endpoint that is none',
      iceberg('object_store: {type: s3, bucket: b, endpoint: "localhost:9000"}'),
      'storage.iceberg_config.object_store.endpoint: expected a URL',
    ],
    [
      'a key of the s3 store',
      iceberg('object_store: {bucket: b}'),
      'storage.iceberg_config.object_store.bucket: this key has no meaning for the local object store',
    ],
    [
      'a key of the local store',
      iceberg('object_store: {type: s3, root: /a, bucket: b}'),
      'storage.iceberg_config.object_store.root: this key has no meaning for the s3 object store',
    ],
    [
      'a store in memory',
      iceberg('object_store: {type: memory}'),
      'tables in memory would be gone after a restart',
    ],
    [
      'a location of a store that is not there',
      iceberg('warehouse: "gs://bucket/x"'),
      'storage.iceberg_config.warehouse: a gs:// location needs an object store this version does not have',
    ],
    [
      'a key of another catalog',
      iceberg('catalog: {database: d}'),
      'storage.iceberg_config.catalog.database: this key has no meaning for the sql catalog',
    ],
    [
      'a catalog URI that is none',
      iceberg('catalog: {uri: "http://x"}'),
      'storage.iceberg_config.catalog.uri: expected sqlite:///FILE',
    ],
    [
      'redelivery delays the wrong way round',
      'dispatch: {base_redelivery_delay_ms: 2000, max_redelivery_delay_ms: 1000}',
      'dispatch.max_redelivery_delay_ms: expected at least',
    ],
    [
      'an unset variable',
      iceberg('warehouse: ${NOWHERE}/x'),
      'storage.iceberg_config.warehouse: the environment variable NOWHERE is not set',
    ],
  ])('%s is refused with its path', (_what, yaml, expected) => {
    expect(failureOf(yaml).sentence).toContain(expected);
  });

  test('flags win over the file, and port 0 is a port', () => {
    const { dir, settings } = settingsOf('data_dir: a\nbroker: {ports: {client: 1, prometheus: 0}}', {
      dataDir: 'b',
      brokerAddr: '[::1]:0',
    });
    expect(settings).toMatchObject({
      dataDir: join(dir, 'b'),
      brokerAddress: { host: '::1', port: 0 },
      httpAddress: { host: '127.0.0.1', port: 0 },
    });
  });

  test.each([
    ['--broker-addr', { brokerAddr: '0.0.0.0:6650' }],
    ['--prom-exporter', { promExporter: '192.168.1.5:9040' }],
    ['--admin-addr', { adminAddr: '[::]:50051' }],
  ])('%s outside this machine needs --insecure', (flag, flags) => {
    const error = failureOf('', flags);
    expect(error.code).toBe('ADDRESS_REFUSED');
    expect(error.sentence).toContain(flag);
    expect(() => settingsOf('', { ...flags, insecure: true })).not.toThrow();
  });

  test('broker.host outside this machine needs --insecure too', () => {
    expect(failureOf('broker: {host: example.org}').code).toBe('ADDRESS_REFUSED');
  });

  test.each(['6650', 'host', 'a:b', '127.0.0.1:65536', '[127.0.0.1]:1'])(
    'the address %s is refused',
    (brokerAddr) => {
      expect(failureOf('', { brokerAddr }).sentence).toContain('--broker-addr: expected HOST:PORT');
    },
  );

  test('${NAME} reads the environment; an unquoted whole value may be a number; $${ is literal', () => {
    const { dir, settings } = settingsOf(
      'data_dir: "${ROOT}/x-$${ROOT}"\ndispatch:\n  max_unacked_messages: ${WINDOW}\nauto_create_topics: ${AUTO}',
      {},
      { ROOT: 'here', WINDOW: '25', AUTO: 'false' },
    );
    expect(settings).toMatchObject({
      dataDir: join(dir, 'here/x-${ROOT}'),
      dispatch: { maxUnackedMessages: 25 },
      autoCreateTopics: false,
    });
  });

  test('a secret is never repeated, wherever the mistake is', () => {
    const secret = 'hunter2-s3cr3t';
    const environment = { SECRET: secret };
    for (const yaml of [
      iceberg('catalog: {token: [${SECRET}]}'),
      iceberg('catalog: {type: ${SECRET}}'),
      iceberg('catalog: {token: ${SECRET}}'),
      iceberg('object_store: {path_style: ${SECRET}}'),
      iceberg('object_store: {secret_access_key: ${SECRET}}'),
      iceberg('warehouse: "https://${SECRET}/x"'),
      iceberg('warehouse: "s3://${SECRET}@b/x"'),
      iceberg('object_store: {type: s3, bucket: b, endpoint: "${SECRET}"}'),
      iceberg('object_store: {type: s3, bucket: b, secret_access_key: "${SECRET}"}'),
      iceberg('catalog: {uri: "${SECRET}"}'),
      `storage: {secret: "${secret}"`,
    ]) {
      const error = failureOf(yaml, {}, environment);
      expect(JSON.stringify([error.message, error.context, String(error.cause)])).not.toContain(secret);
    }
  });

  test('a configuration file that is not there is one sentence', () => {
    expect(() => readConfigFile('/nowhere/broker.yml', {})).toThrow(/cannot be read \(ENOENT\)/);
  });
});
