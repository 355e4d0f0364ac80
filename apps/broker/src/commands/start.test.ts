import { expect, test } from 'vitest';
import { resolveConfig } from '../config/resolve-config.ts';
import { readyLines } from './start.ts';
import { programName, shellWord } from './terminal.ts';

function lines(dataDir: string, configFile?: string) {
  const settings = resolveConfig({}, { dataDir }, { baseDir: '/home/me' });
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
