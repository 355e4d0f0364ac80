import { expect, test } from 'vitest';
import { bearerToken, openRestCatalog, type RestAuth, sigV4 } from '../../src/index.ts';
import { expectHidden, failureOf } from '../support/auth-requests.ts';
import { failure, json, startScriptedServer } from '../support/scripted-server.ts';

const secret = 'Bearer header-of-tests';
const headers = { Authorization: secret, 'X-Tenant': 'a' };

test('an Authorization among the headers is sent where nothing else proves who calls, and is not shown', async () => {
  await using server = await startScriptedServer((request, response) =>
    json(403, {
      error: { message: `no: ${request.headers.authorization}`, type: 'ForbiddenException', code: 403 },
    })(request, response),
  );
  await using catalog = await openRestCatalog({ uri: server.uri, headers });
  const error = await failureOf(catalog.listNamespaces());
  expect(server.requests[0]?.headers).toMatchObject({ authorization: secret, 'x-tenant': 'a' });
  expect(error.code).toBe('ACCESS_DENIED');
  expectHidden([error, catalog], ['header-of-tests']);
});

test('beside a bearer token it is INVALID_ARGUMENT when the catalog is opened, and nothing is sent', async () => {
  let asked = 0;
  await using server = await startScriptedServer(failure(500, 'ServerError'), (request, response) => {
    asked += 1;
    return json(200, {})(request, response);
  });
  const error = await failureOf(
    openRestCatalog({ uri: server.uri, headers, auth: bearerToken('token-of-tests') }),
  );
  expect(error.code).toBe('INVALID_ARGUMENT');
  expect(asked).toBe(0);
  expectHidden(error, ['header-of-tests', 'token-of-tests']);
});

test('what signs a request is not shown, though the server repeats it', async () => {
  await using server = await startScriptedServer((request, response) =>
    json(403, {
      error: { message: JSON.stringify(request.headers), type: 'ForbiddenException', code: 403 },
    })(request, response),
  );
  const [secretAccessKey, sessionToken] = ['aws-secret-of-tests', 'session/token+of=tests'];
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey, sessionToken };
  const events: unknown[] = [];
  const auth = sigV4({ region: 'eu-central-1', credentials, delegate: bearerToken('inner-token-of-tests') });
  await using catalog = await openRestCatalog({ uri: server.uri, auth, onEvent: (e) => events.push(e) });
  const error = await failureOf(catalog.listNamespaces());
  const sent = server.requests[0]?.headers;
  expect(sent?.['x-amz-security-token']).toBe(sessionToken);
  const signature = /Signature=(\w+)/.exec(sent?.authorization ?? '')?.[1] ?? '';
  expect(signature).toHaveLength(64);
  expectHidden(
    [error, events, catalog, auth],
    [secretAccessKey, sessionToken, signature, 'inner-token-of-tests'],
  );
});

test('beside a signature it goes to the catalog behind the gateway', async () => {
  await using server = await startScriptedServer(json(200, { namespaces: [] }));
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'aws-secret-of-tests' };
  const auth = sigV4({ region: 'eu-central-1', credentials });
  await using catalog = await openRestCatalog({ uri: server.uri, headers, auth });
  await catalog.listNamespaces();
  expect(server.requests[0]?.headers['original-authorization']).toBe(secret);
  expect(server.requests[0]?.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 /);
});

test('whoever implements RestAuth is asked for every attempt, and closed with the catalog', async () => {
  const seen: string[] = [];
  const auth: RestAuth = {
    authorize: async ({ method, url }) => {
      seen.push(`${method} ${url.pathname}`);
      return { 'X-Proof': String(seen.length) };
    },
    close: async () => {
      seen.push('closed');
    },
  };
  const answers = [failure(503, 'Unavailable', { 'retry-after': '0' }), json(200, { namespaces: [] })];
  await using server = await startScriptedServer((request, response) => answers.shift()?.(request, response));
  const catalog = await openRestCatalog({ uri: server.uri, auth });
  await catalog.listNamespaces();
  await catalog.close();
  expect(seen).toEqual(['GET /v1/config', 'GET /v1/namespaces', 'GET /v1/namespaces', 'closed']);
  expect(server.requests.map((request) => request.headers['x-proof'])).toEqual(['2', '3']);
});
