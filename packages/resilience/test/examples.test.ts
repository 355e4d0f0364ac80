import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const file = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));

test('call-an-endpoint tries again, ends by itself, and is what the README shows', async () => {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    if (requests === 1) response.writeHead(503).end();
    else response.end('hello');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const node = ['--conditions=@danube/source', '--experimental-strip-types', '--no-warnings'];
  const args = [...node, file('examples/call-an-endpoint.ts'), `http://127.0.0.1:${port}/`];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
  server.close();
  expect([stdout, stderr]).toEqual(['hello\n', 'retry\n']);
  expect(readFileSync(file('README.md'), 'utf8')).toContain(
    readFileSync(file('examples/call-an-endpoint.ts'), 'utf8'),
  );
});
