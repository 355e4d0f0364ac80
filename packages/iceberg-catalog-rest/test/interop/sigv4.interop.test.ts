// What arrives at a server is signed as AWS's own Python library signs it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { bearerToken, openRestCatalog, sigV4 } from '../../src/index.ts';
import { json, type ReceivedRequest, startScriptedServer } from '../support/scripted-server.ts';

const script = fileURLToPath(new URL('./verify_sigv4.py', import.meta.url));
const [region, key, secret] = ['eu-central-1', 'AKIDEXAMPLE', 'aws-secret-of-tests'];

async function signaturesOf(requests: readonly object[]): Promise<string[]> {
  const python = spawn(process.env['DANUBE_PYTHON'] ?? 'python3', [script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  python.stdin.end(JSON.stringify(requests));
  const [output] = await Promise.all([text(python.stdout), once(python, 'close')]);
  return JSON.parse(output) as string[];
}

test.each([
  ['glue', '%1F', '123456789012', undefined],
  ['execute-api', '%2E', 'v/warehouse', 'session-token/+='],
  [
    's3tables',
    '%1F',
    'arn%3Aaws%3As3tables%3Aeu-central-1%3A123456789012%3Abucket%2Fmy-bucket',
    'session-token',
  ],
] as const)('for %s, levels joined by %s', async (service, separator, prefix, sessionToken) => {
  const config = { defaults: {}, overrides: { prefix, 'namespace-separator': separator } };
  const configRequests: ReceivedRequest[] = [];
  await using server = await startScriptedServer(
    json(200, { namespaces: [], identifiers: [], namespace: ['a'], properties: {} }),
    (request, response) => {
      configRequests.push(request);
      return json(200, config)(request, response);
    },
  );
  const credentials = { accessKeyId: key, secretAccessKey: secret, sessionToken };
  const auth = sigV4({ region, service, credentials, delegate: bearerToken('inner-token') });
  await using catalog = await openRestCatalog({
    uri: server.uri,
    warehouse: 'arn:aws:s3tables:eu-central-1:123456789012:bucket/my-bucket',
    auth,
    headers: { 'x-tenant': '  two   spaces ' },
    pageSize: 5,
  });
  const namespace = ['a b', 'ü+1', "it's (so)*!~"];
  await catalog.createNamespace(namespace, { owner: 'ü "quoted"' });
  await catalog.listNamespaces(['a', 'b%1F', 'c/d']);
  await catalog.listTables(namespace);
  await catalog.namespaceExists(['plain', 'x.y']);
  await catalog.dropNamespace(namespace);
  await catalog.dropTable({ namespace, name: 'tä/ble=%41?#' }, { purge: true });

  const requests = [...configRequests, ...server.requests];
  const expected = await signaturesOf(
    requests.map(({ method, target, headers, body }) => ({
      method,
      url: server.uri + target,
      headers,
      body: Buffer.from(body).toString('base64'),
      ...{ region, service, key, secret },
    })),
  );
  expect(requests.length).toBeGreaterThan(6);
  expect(requests.map(({ headers }) => headers['original-authorization'])).toEqual(
    requests.map(() => 'Bearer inner-token'),
  );
  expect(requests.map(({ headers }) => headers.authorization?.replace(/.*Signature=/, ''))).toEqual(expected);
});
