// Run by a test: gets a token, prints it, and closes nothing. It must end by itself.
import { oauth2ClientCredentials } from '../../src/auth/oauth2.ts';

const auth = oauth2ClientCredentials({
  tokenUri: process.argv[2] as string,
  credential: 'danube:a-secret-of-tests',
});
const { authorization } = await auth.authorize({
  method: 'GET',
  url: new URL('http://127.0.0.1/v1/config'),
  headers: {},
  body: undefined,
  signal: new AbortController().signal,
});
console.log(authorization?.slice('Bearer '.length));
