import { describe, expect, test } from 'vitest';
import { oauth2ClientCredentials } from '../../src/auth/oauth2.ts';
import { authRequest, closing, failureOf, tokenOf } from '../support/auth-requests.ts';
import { startOAuth2Server } from '../support/oauth2-server.ts';

const clientId = 'danube';
// Everything that form encoding, header encoding and splitting at colons could get wrong.
const clientSecret = 'p:q&r=s +%41/ü~*"\\';

describe('what is asked', () => {
  test('a token is fetched with the first request, from the client id and the secret, and used by the next ones', async () => {
    const server = await startOAuth2Server({ clientId, clientSecret });
    const auth = closing(oauth2ClientCredentials({ tokenUri: server.tokenUri, clientId, clientSecret }));
    expect(server.requestCount).toBe(0);

    const tokens = [await tokenOf(auth), await tokenOf(auth), await tokenOf(auth)];

    expect(tokens).toEqual([server.issued[0], server.issued[0], server.issued[0]]);
    expect(server.forms.map((form) => Object.fromEntries(form))).toEqual([
      {
        grant_type: 'client_credentials',
        scope: 'catalog',
        client_id: clientId,
        client_secret: clientSecret,
      },
    ]);
    expect(server.violations).toEqual([]);
  });

  test.each([
    ['body', `${clientId}:${clientSecret}`],
    ['basic', `${clientId}:${clientSecret}`],
  ] as const)(
    'the credential of other Iceberg clients is taken, sent as %s',
    async (authentication, credential) => {
      const server = await startOAuth2Server({ clientId, clientSecret, authentication });
      const auth = closing(
        oauth2ClientCredentials({
          tokenUri: server.tokenUri,
          credential,
          clientAuthentication: authentication,
        }),
      );
      expect(server.accepts(await tokenOf(auth))).toBe(true);
      expect(server.violations).toEqual([]);
    },
  );

  test('a credential without a colon is a secret of a client without an id', async () => {
    const server = await startOAuth2Server({ clientId: undefined, clientSecret: 'only-a-secret' });
    const auth = closing(oauth2ClientCredentials({ tokenUri: server.tokenUri, credential: 'only-a-secret' }));
    expect(server.accepts(await tokenOf(auth))).toBe(true);
    expect([...(server.forms[0]?.keys() ?? [])]).not.toContain('client_id');
  });

  test('scope, audience and resource are sent as they were given, and an empty scope is not sent', async () => {
    const server = await startOAuth2Server({ clientId, clientSecret, scopes: ['PRINCIPAL_ROLE:ALL', 'b'] });
    const options = { tokenUri: server.tokenUri, clientId, clientSecret };
    const resource = 'https://catalog.example.com/a?b=c';
    await tokenOf(
      closing(
        oauth2ClientCredentials({ ...options, scope: 'PRINCIPAL_ROLE:ALL b', audience: 'a b', resource }),
      ),
    );
    await tokenOf(closing(oauth2ClientCredentials({ ...options, scope: '' })));
    const [first, second] = server.forms;
    expect(first?.get('scope')).toBe('PRINCIPAL_ROLE:ALL b');
    expect(first?.get('audience')).toBe('a b');
    expect(first?.get('resource')).toBe(resource);
    expect([...(second?.keys() ?? [])]).toEqual(['grant_type', 'client_id', 'client_secret']);
    expect(server.violations).toEqual([]);
  });

  test('fifty calls at once share one request', async () => {
    const server = await startOAuth2Server({ clientId, clientSecret });
    const auth = closing(oauth2ClientCredentials({ tokenUri: server.tokenUri, clientId, clientSecret }));
    const tokens = await Promise.all(Array.from({ length: 50 }, () => tokenOf(auth)));
    expect(new Set(tokens).size).toBe(1);
    expect(server.requestCount).toBe(1);
  });

  test('an Authorization among the headers of the catalog contradicts, and is not replaced without a word', async () => {
    const server = await startOAuth2Server({ clientId, clientSecret });
    const auth = closing(oauth2ClientCredentials({ tokenUri: server.tokenUri, clientId, clientSecret }));
    const request = authRequest({ headers: { authorization: 'Basic abcdefgh' } });
    const error = await failureOf(auth.authorize(request));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).not.toContain('abcdefgh');
  });
});

describe('options', () => {
  const tokenUri = 'https://idp.example.com/token';
  test.each([
    ['no secret', { tokenUri, clientId }],
    ['both ways to give a credential', { tokenUri, credential: 'a:b', clientId }],
    ['a credential without a secret', { tokenUri, credential: 'a:' }],
    ['a credential without an id before its colon', { tokenUri, credential: ':b' }],
    ['an empty secret', { tokenUri, clientSecret: '' }],
    ['basic without an id', { tokenUri, credential: 'only', clientAuthentication: 'basic' as const }],
    ['a password in the URI', { tokenUri: 'https://u:hidden-one@idp/token', clientSecret }],
    ['another scheme', { tokenUri: 'ftp://idp/token', clientSecret }],
    ['an unknown option', { tokenUri, clientSecret, scopes: 'a' }],
    ['a lifetime of nothing', { tokenUri, clientSecret, assumedLifetimeMs: 0 }],
    ['an unknown way to refresh', { tokenUri, clientSecret, refreshBy: 'magic' as 'same-grant' }],
    ['resilience out of range', { tokenUri, clientSecret, resilience: { timeoutMs: -1 } }],
  ])('%s is INVALID_ARGUMENT, and no secret is shown', async (_, options) => {
    const error = await failureOf(Promise.resolve().then(() => oauth2ClientCredentials(options)));
    expect(error.code).toBe('INVALID_ARGUMENT');
    expect(error.message).not.toContain(clientSecret);
    expect(error.message).not.toContain('hidden-one');
  });
});
