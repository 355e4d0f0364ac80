import { createTableMetadata } from '@danube/iceberg';
import { expect, test } from 'vitest';
import type { IcebergConfig } from '../config/config-schema.ts';
import { resolveConfig } from '../config/resolve-config.ts';
import { queryLines } from './query-lines.ts';

const SECRET = 'hunter2-s3cr3t';

/** The lines for PyIceberg, of a table in a REST catalog with these keys. */
function pyiceberg(keys: object, more: IcebergConfig = {}): string {
  const text = printed(keys, more);
  return text.slice(text.indexOf('PyIceberg'));
}

function printed(keys: object, more: IcebergConfig = {}): string {
  const catalog = { type: 'rest' as const, uri: 'http://c:8181', ...keys };
  const config = { storage: { iceberg_config: { catalog, object_store: { type: 's3' as const }, ...more } } };
  const settings = resolveConfig(config, { dataDir: 'd' }, { baseDir: '/home/me' });
  const schema = { fields: [{ id: 1, name: 'i', required: true, type: 'long' as const }] };
  const metadata = createTableMetadata({ location: 's3://b/t', schema });
  const identifier = { namespace: ['default'], name: 'orders' };
  const table = { identifier, metadata, metadataLocation: 's3://b/t/m.json' };
  const text = queryLines('/default/orders', table, settings).join('\n');
  expect(text).not.toContain(SECRET);
  return text;
}

test('a REST catalog without proof, as PyIceberg opens it', () => {
  expect(pyiceberg({ warehouse: 'analytics', prefix: 'p' })).toBe(
    `PyIceberg (always the latest):
  # with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY set, or a profile
  from pyiceberg.catalog import load_catalog
  catalog = load_catalog("danube", type="rest", uri="http://c:8181", warehouse="analytics", **{"prefix":"p","s3.force-virtual-addressing":"true"})
  print(catalog.load_table("default.orders").scan(limit=10).to_arrow())`,
  );
});

test('secrets are not printed, but where PyIceberg looks for them', () => {
  expect(pyiceberg({ token: SECRET })).toContain(
    '# with PYICEBERG_CATALOG__DANUBE__TOKEN set to catalog.token',
  );
  const oauth2 = pyiceberg({ credential: `id:${SECRET}`, oauth2_server_uri: 'https://idp/t', scope: 'x' });
  expect(oauth2).toContain('# with PYICEBERG_CATALOG__DANUBE__CREDENTIAL set to catalog.credential');
  expect(oauth2).toContain('"oauth2-server-uri":"https://idp/t","scope":"x"');
  expect(pyiceberg({ headers: { 'X-Api-Key': SECRET } })).toContain(
    "# add the headers of the broker's configuration: header.X-Api-Key",
  );
  const keys = { access_key_id: SECRET, secret_access_key: SECRET, endpoint: 'http://s3:9000' };
  expect(pyiceberg({}, { object_store: keys })).toContain('**{"s3.endpoint":"http://s3:9000"}');
});

test('a signed catalog', () => {
  const signed = pyiceberg({ signing_region: 'eu-central-1', signing_name: 'glue' });
  expect(signed).toContain(
    '"rest.sigv4-enabled":"true","rest.signing-region":"eu-central-1","rest.signing-name":"glue"',
  );
});

test('keys that the catalog gives are none of DuckDB’s', () => {
  const own = '(keys of your own, not those of the catalog)';
  expect(printed({ access_delegation: 'vended-credentials' })).toContain(own);
  expect(pyiceberg({ access_delegation: 'vended-credentials' })).not.toContain('AWS_ACCESS_KEY_ID');
  expect(printed({})).not.toContain(own);
});
