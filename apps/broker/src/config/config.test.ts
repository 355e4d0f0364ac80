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

/** A rest catalog with these keys, and its tables on S3. */
const rest = (keys: string) => iceberg(`catalog: {type: rest, uri: "http://c", ${keys}}`);

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

  test('the plan’s YAML as it stands: the catalog says where tables are, the bucket is another one', () => {
    expect(settingsOf(planExample).settings.storage).toMatchObject({
      catalog: {
        kind: 'rest',
        uri: 'http://localhost:8181',
        warehouse: 's3://danube-warehouse/',
        headers: {},
        auth: { kind: 'none' },
      },
      warehouse: 's3://danube-warehouse',
      objectStore: { kind: 's3', region: 'us-east-1', pathStyle: false },
    });
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
      catalog: {
        kind: 'sql',
        file: '/var/lib/danube/catalog.db',
        name: 'danube',
        warehouse: 'file:///var/lib/danube/warehouse',
      },
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
    ['none', '', { kind: 'none' }],
    ['token', 'token: "${TOKEN}"', { kind: 'bearer', token: 'abc.def' }],
    [
      'credential',
      'credential: "id:${SECRET}", oauth2_server_uri: "https://idp/token?p=1", scope: PRINCIPAL_ROLE:ALL',
      {
        kind: 'oauth2',
        serverUri: 'https://idp/token?p=1',
        credential: 'id:s:x',
        scope: 'PRINCIPAL_ROLE:ALL',
      },
    ],
    [
      'signing',
      'signing_region: eu-central-1, signing_name: glue, headers: {Authorization: Basic abc}',
      { kind: 'sigv4', region: 'eu-central-1', service: 'glue' },
    ],
  ])('a rest catalog: proof of who calls, %s', (_what, keys, auth) => {
    const { settings } = settingsOf(rest(keys), {}, { TOKEN: 'abc.def', SECRET: 's:x' });
    expect(settings.storage.catalog).toMatchObject({ kind: 'rest', uri: 'http://c', auth });
  });

  test('a rest catalog: warehouse, prefix and headers are sent as they are given', () => {
    const { settings } = settingsOf(
      rest('warehouse: "123456789012", prefix: a%2Fb, headers: {X-Tenant: "${TENANT}"}'),
      {},
      { TENANT: 'me' },
    );
    expect(settings.storage.catalog).toMatchObject({
      warehouse: '123456789012',
      prefix: 'a%2Fb',
      headers: { 'X-Tenant': 'me' },
    });
  });

  test('a rest catalog that gives the keys to its files', () => {
    const { storage } = settingsOf(rest('access_delegation: vended-credentials, warehouse: x')).settings;
    expect(storage).toMatchObject({
      catalog: { accessDelegation: 'vended-credentials' },
      objectStore: { kind: 's3' },
    });
  });

  test.each([
    ['a name: only the server knows the place', 'warehouse: analytics', '', 'analytics', undefined, 's3'],
    ['nothing: only the server knows', '', '', undefined, undefined, 's3'],
    ['a location', 'warehouse: "s3://b/w/"', '', 's3://b/w/', 's3://b/w', 's3'],
    ['the outer key alone', '', 'warehouse: "s3a://b/w/"', 's3a://b/w/', 's3a://b/w', 's3'],
    ['a name and a location', 'warehouse: lake', 'warehouse: "s3://b/w"', 'lake', 's3://b/w', 's3'],
    ['a local directory', 'warehouse: /lake', '', '/lake', 'file:///lake', 'local'],
    ['a directory as Java writes it', 'warehouse: "file:/lake"', '', 'file:/lake', 'file:///lake', 'local'],
    [
      'one bucket by two schemes',
      'warehouse: "s3a://b/w"',
      'warehouse: "s3://b/w"',
      's3a://b/w',
      's3://b/w',
      's3',
    ],
    ['a name and a directory', 'warehouse: x', 'warehouse: "file:///lake"', 'x', 'file:///lake', 'local'],
    ['a name and a local root', 'warehouse: x', 'object_store: {root: /lake}', 'x', undefined, 'local'],
  ])('a rest catalog’s warehouse is %s', (_what, keys, lines, sent, place, kind) => {
    const { storage } = settingsOf(
      iceberg(`catalog: {type: rest, uri: "http://c", ${keys}}\n${lines}`),
    ).settings;
    expect(storage.catalog).toMatchObject({ kind: 'rest' });
    expect((storage.catalog as { warehouse?: string }).warehouse).toBe(sent);
    expect(storage.warehouse).toBe(place);
    expect(storage.objectStore.kind).toBe(kind);
    if (kind === 'local') expect(storage.objectStore).toEqual({ kind, root: '/lake' });
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
      'a rest catalog without uri',
      iceberg('catalog: {type: rest}'),
      'storage.iceberg_config.catalog.uri: expected an http or https URI such as http://localhost:8181',
    ],
    [
      'a rest catalog at a file',
      iceberg('catalog: {type: rest, uri: "sqlite:///x"}'),
      'storage.iceberg_config.catalog.uri: expected an http or https URI',
    ],
    [
      'a user name in the uri',
      iceberg('catalog: {type: rest, uri: "http://u@h"}'),
      'storage.iceberg_config.catalog.uri: expected an http or https URI',
    ],
    [
      'token beside credential',
      rest('token: t, credential: "i:s", oauth2_server_uri: "https://idp"'),
      'storage.iceberg_config.catalog.token: expected it without credential',
    ],
    [
      'credential beside signing',
      rest('signing_region: r, signing_name: glue, credential: "i:s", oauth2_server_uri: "https://idp"'),
      'storage.iceberg_config.catalog.credential: expected it without signing_region',
    ],
    [
      'credential without its server',
      rest('credential: "i:s"'),
      'storage.iceberg_config.catalog.oauth2_server_uri: expected an http or https URI',
    ],
    [
      'credential without an id',
      rest('credential: s, oauth2_server_uri: "https://idp"'),
      'storage.iceberg_config.catalog.credential: expected id:secret',
    ],
    [
      'a token server without credential',
      rest('oauth2_server_uri: "https://idp"'),
      'storage.iceberg_config.catalog.credential: expected it beside oauth2_server_uri',
    ],
    [
      'a token server that is none',
      rest('credential: "i:s", oauth2_server_uri: idp'),
      'storage.iceberg_config.catalog.oauth2_server_uri: expected an http or https URI',
    ],
    [
      'scope without credential',
      rest('token: t, scope: catalog'),
      'storage.iceberg_config.catalog.credential: expected it beside scope',
    ],
    [
      'signing_name alone',
      rest('signing_name: glue'),
      'storage.iceberg_config.catalog.signing_region: expected it beside signing_name',
    ],
    [
      'signing_region alone',
      rest('signing_region: eu-central-1'),
      'storage.iceberg_config.catalog.signing_name: expected it beside signing_region',
    ],
    [
      'a header beside token that says the same',
      rest('token: t, headers: {authorization: Bearer x}'),
      'storage.iceberg_config.catalog.headers.authorization: expected it alone',
    ],
    [
      'name with the rest catalog',
      rest('name: danube'),
      'storage.iceberg_config.catalog.name: this key has no meaning for the rest catalog',
    ],
    [
      'database with the rest catalog',
      rest('database: d'),
      'storage.iceberg_config.catalog.database: this key has no meaning for the rest catalog',
    ],
    [
      'another access delegation',
      rest('access_delegation: remote-signing'),
      'storage.iceberg_config.catalog.access_delegation: expected one of "vended-credentials"',
    ],
    [
      'vended credentials for files on a disk',
      rest('access_delegation: vended-credentials, warehouse: /lake'),
      'storage.iceberg_config.catalog.access_delegation: expected it with the s3 object store alone',
    ],
    [
      'vended credentials beside own ones',
      iceberg(
        'catalog: {type: rest, uri: "http://c", access_delegation: vended-credentials}\nobject_store: {access_key_id: i, secret_access_key: s}',
      ),
      'storage.iceberg_config.catalog.access_delegation: expected it without storage.iceberg_config.object_store.access_key_id',
    ],
    [
      'access_delegation with the sql catalog',
      iceberg('catalog: {access_delegation: vended-credentials}'),
      'storage.iceberg_config.catalog.access_delegation: this key has no meaning for the sql catalog',
    ],
    [
      'two locations with the rest catalog',
      iceberg('catalog: {type: rest, uri: "http://c", warehouse: "s3://a"}\nwarehouse: "s3://b"'),
      'storage.iceberg_config.warehouse: expected the same place as storage.iceberg_config.catalog.warehouse',
    ],
    [
      'a warehouse of the rest catalog in a store that is not there',
      rest('warehouse: "gs://b/x"'),
      'storage.iceberg_config.catalog.warehouse: a gs:// location needs an object store',
    ],
    [
      'a local store with a place that only the server knows',
      iceberg('catalog: {type: rest, uri: "http://c", warehouse: x}\nobject_store: {type: local}'),
      'storage.iceberg_config.object_store.root: expected a directory that holds the tables',
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
      'token with the sql catalog',
      iceberg('catalog: {token: "t"}'),
      'storage.iceberg_config.catalog.token: this key has no meaning for the sql catalog',
    ],
    [
      'credential with the sql catalog',
      iceberg('catalog: {credential: "i:s"}'),
      'storage.iceberg_config.catalog.credential: this key has no meaning for the sql catalog',
    ],
    [
      'oauth2_server_uri with the sql catalog',
      iceberg('catalog: {oauth2_server_uri: "http://x"}'),
      'storage.iceberg_config.catalog.oauth2_server_uri: this key has no meaning for the sql catalog',
    ],
    [
      'scope with the sql catalog',
      iceberg('catalog: {scope: "s"}'),
      'storage.iceberg_config.catalog.scope: this key has no meaning for the sql catalog',
    ],
    [
      'prefix with the sql catalog',
      iceberg('catalog: {prefix: "p"}'),
      'storage.iceberg_config.catalog.prefix: this key has no meaning for the sql catalog',
    ],
    [
      'headers with the sql catalog',
      iceberg('catalog: {headers: {a: b}}'),
      'storage.iceberg_config.catalog.headers: this key has no meaning for the sql catalog',
    ],
    [
      'signing_region with the sql catalog',
      iceberg('catalog: {signing_region: "r"}'),
      'storage.iceberg_config.catalog.signing_region: this key has no meaning for the sql catalog',
    ],
    [
      'signing_name with the sql catalog',
      iceberg('catalog: {signing_name: "n"}'),
      'storage.iceberg_config.catalog.signing_name: this key has no meaning for the sql catalog',
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
      'a token that is empty',
      rest('token: ""'),
      'storage.iceberg_config.catalog.token: expected a token without spaces, got an empty text',
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
      iceberg('catalog: {token: ["${SECRET}"]}'),
      iceberg('catalog: {type: "${SECRET}"}'),
      iceberg('catalog: {token: "${SECRET}"}'),
      rest('token: "${SECRET} x"'),
      rest('token: "${SECRET}", credential: "id:${SECRET}"'),
      rest('token: "${SECRET}", headers: {Authorization: "Bearer ${SECRET}"}'),
      rest('token: "${SECRET}", signing_region: eu-central-1, signing_name: glue'),
      rest('credential: "${SECRET}", oauth2_server_uri: "https://idp"'),
      rest('credential: "id:${SECRET}"'),
      rest('credential: "id:${SECRET}", oauth2_server_uri: "https://u:${SECRET}@idp"'),
      rest('headers: {X-Api-Key: "${SECRET}\\n"}'),
      rest('headers: {X-Api-Key: ["${SECRET}"]}'),
      rest('headers: "${SECRET}"'),
      rest('prefix: "${SECRET}?x"'),
      rest('signing_region: "${SECRET}/", signing_name: glue'),
      iceberg('catalog: {type: rest, uri: "http://u:${SECRET}@h"}'),
      iceberg('catalog: {type: rest, uri: "http://h?token=${SECRET}"}'),
      iceberg('object_store: {path_style: "${SECRET}"}'),
      iceberg('object_store: {secret_access_key: "${SECRET}"}'),
      iceberg('warehouse: "https://${SECRET}/x"'),
      iceberg('warehouse: "s3://${SECRET}@b/x"'),
      iceberg('object_store: {type: s3, bucket: b, endpoint: "${SECRET}"}'),
      iceberg('object_store: {type: s3, bucket: b, secret_access_key: "${SECRET}"}'),
      iceberg('catalog: {uri: "${SECRET}"}'),
      `storage: {secret: "${secret}"`,
    ]) {
      const error = failureOf(yaml, {}, environment);
      if (yaml.includes('${SECRET}')) expect(error.sentence).not.toContain(': line '); // It was read as YAML.
      expect(JSON.stringify([error.message, error.context, String(error.cause)])).not.toContain(secret);
    }
  });

  test('a secret of digits that lacks its quotes is not shown', () => {
    const error = failureOf(
      'storage:\n  iceberg_config:\n    catalog:\n      token: ${PIN}',
      {},
      { PIN: '271828' },
    );
    expect(error.sentence).toContain(
      'catalog.token: expected a value of type string, got a number (quote it)',
    );
    expect(error.sentence).not.toContain('271828');
  });

  test('a configuration file that is not there is one sentence', () => {
    expect(() => readConfigFile('/nowhere/broker.yml', {})).toThrow(/cannot be read \(ENOENT\)/);
  });
});
