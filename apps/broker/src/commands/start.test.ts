import { expect, test } from 'vitest';
import type { ConfigFile } from '../config/config-schema.ts';
import { resolveConfig } from '../config/resolve-config.ts';
import { readyLines } from './start.ts';
import { programName, shellWord } from './terminal.ts';

function lines(dataDir: string, configFile?: string, storage: ConfigFile['storage'] = {}) {
  const settings = resolveConfig({ storage }, { dataDir }, { baseDir: '/home/me' });
  return readyLines(
    { url: 'http://127.0.0.1:6650', httpUrl: 'http://127.0.0.1:9040', settings },
    { program: 'npm start --', baseDir: '/home/me', configFile },
  ).join('\n');
}

test('the lines to try work as typed: paths are quoted for the shell', () => {
  expect(lines('danube-data')).toContain('table /default/orders --data-dir ./danube-data\n');
  expect(lines('my data')).toContain("table /default/orders --data-dir './my data'\n");
});

test('with a configuration file the query line names it: it may say where the catalog is', () => {
  expect(lines('danube-data', 'conf/broker.yml')).toContain(
    'table /default/orders --config-file conf/broker.yml --data-dir ./danube-data\n',
  );
});

test('a catalog and tables that are elsewhere are said, and no secret', () => {
  const catalog = { type: 'rest' as const, uri: 'http://c:8181', token: 's3cr3t' };
  const object_store = { type: 's3' as const };
  const named = lines('d', undefined, {
    iceberg_config: { catalog: { ...catalog, warehouse: 'analytics' }, object_store },
  });
  expect(named).toContain('  catalog  http://c:8181  (warehouse analytics)\n  metrics');
  expect(named).not.toContain('s3cr3t');
  const located = lines('d', undefined, {
    iceberg_config: { catalog, object_store, warehouse: 's3://b/w/' },
  });
  expect(located).toContain('  catalog  http://c:8181  (warehouse s3://b/w/)\n  tables   s3://b/w\n');
  expect(lines('d')).not.toContain('catalog');
});

test('called by npm from another directory, the lines to try name the checkout', () => {
  const launched = { DANUBE_LAUNCHED: 'start' };
  expect(programName({}, '/src/danube')).toBe('danube-broker');
  expect(programName({ ...launched, INIT_CWD: '/src/danube' }, '/src/danube')).toBe('npm start --');
  expect(programName({ ...launched, INIT_CWD: '/home/me' }, '/src/danube it')).toBe(
    "npm --prefix '/src/danube it' start --",
  );
});

test('a word for the shell is quoted only when it must be', () => {
  expect(shellWord('/a/b-c_d.e:1')).toBe('/a/b-c_d.e:1');
  expect(shellWord("it's $5")).toBe(`'it'\\''s $5'`);
  expect(shellWord('')).toBe("''");
});
