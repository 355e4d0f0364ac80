import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const file = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const run = (example: string, argument: string) => {
  const node = ['--conditions=@danube/source', '--experimental-strip-types', '--no-warnings'];
  const args = [...node, file(`examples/${example}.ts`), argument];
  return promisify(execFile)(process.execPath, args, { timeout: 20_000 });
};
const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;

test.each(['call-an-endpoint', 'wait-for-port'])('%s is what the README shows', (example) => {
  expect(readFileSync(file('README.md'), 'utf8')).toContain(
    readFileSync(file(`examples/${example}.ts`), 'utf8'),
  );
});

test('call-an-endpoint tries again, and ends by itself', async () => {
  let requests = 0;
  const server = createHttpServer((_request, response) => {
    requests += 1;
    if (requests === 1) response.writeHead(503).end();
    else response.end('hello');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { stdout, stderr } = await run('call-an-endpoint', `http://127.0.0.1:${portOf(server)}/`);
  server.close();
  expect([stdout, stderr]).toEqual(['hello\n', 'retry\n']);
});

test('wait-for-port goes on once somebody listens, and ends by itself', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  const ended = run('wait-for-port', String(port));
  await wait(500);
  server.listen(port, '127.0.0.1');
  expect(await ended).toMatchObject({ stdout: expect.stringContaining('somebody listens') });
  server.close();
});
